"""What `label` wrote, read back: a file -> `Result`s, one a row, whatever its format and whoever's taxonomy.

Tables hold the probability of every label; JSON lines and Parquet that of the labels given, and of all where `--all-scores` was asked for.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from classifier.documents.readers import open_source
from classifier.documents.rows import NO_TEXT, TEXT_COLUMNS, Row, Settings, Source
from classifier.documents.writers import UNSAFE, made_columns
from classifier.errors import ClassifierError
from classifier.prediction import EMPTY
from classifier.taxonomy import Facet, Taxonomy

VERDICT = {"ja": True, "nei": False}


@dataclass(frozen=True, slots=True)
class Word:
    """A word that spoke for a label: offsets into the text, weight in logits."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Mention:
    """A sentence with the labels of a sentence facet. Offsets and evidence where the file has them (JSON lines, Parquet)."""

    text: str
    labels: tuple[str, ...]
    start: int | None = None
    end: int | None = None
    evidence: dict[str, tuple[Word, ...]] | None = None  # by label


@dataclass(frozen=True, slots=True)
class Result:
    """One labelled row.

    `labels`: codes by facet in the taxonomy's order; of a single choice one, of a sentence facet those of all sentences.
    `scores`: probabilities by facet and label, as many as the file holds. `mentions`: by sentence facet. `evidence`: by "facet.label" of
    document facets. `problem`: why the row cannot be read as what `label` wrote; its labels are then empty.
    """

    id: str
    text: str
    fields: dict[str, Any]  # the input's own columns
    labels: dict[str, tuple[str, ...]]
    scores: dict[str, dict[str, float]]
    mentions: dict[str, tuple[Mention, ...]]
    evidence: dict[str, tuple[Word, ...]]
    innovation: bool | None
    review: tuple[str, ...]  # "facet.label" pairs too close to call
    notes: tuple[str, ...]
    language: str
    model: str
    problem: str | None = None

    @property
    def empty(self) -> bool:
        """There was no text to label."""
        return EMPTY in self.notes


@dataclass(frozen=True, slots=True)
class Results:
    """An opened file: the input's own columns, the text column where it could be told, and the rows (to be read once)."""

    columns: list[str]
    text_column: str | None
    rows: Iterator[Result]
    delimiter: str


def open_results(path: str, taxonomy: Taxonomy, text_column: str | None = None, id_column: str | None = None) -> Results:
    """Open what `label` wrote with a model of this taxonomy.

    Raises `ClassifierError` for a file that cannot be read, that `label` did not make, or that it made with other facets.
    """
    source = open_source(path, text_column or NO_TEXT, id_column)
    names = made_columns(Settings(source, taxonomy, ".csv")) if source.format not in (".jsonl", ".parquet") else _made_keys(taxonomy)
    needed = [n for n in names if n not in ("innovasjon", "review", "warnings", "til_kontroll", "merknad", "scores")]
    ours = {name: column for name in names if (column := _own(name, source)) is not None}
    missing = [name for name in needed if name not in ours]
    if missing:
        raise ClassifierError(
            f"{path}: not made by `label` with this model (no column {missing[0]!r}); label it first, or name the model that did: --model"
        )
    columns = [c for c in source.columns if c not in ours.values() or (c == "id" and source.format in (".jsonl", ".parquet"))]
    text = text_column or next((c for name in TEXT_COLUMNS for c in columns if c.strip().lower() == name), None)
    read = _of_json if source.format in (".jsonl", ".parquet") else _of_table

    def rows() -> Iterator[Result]:
        for row in source.rows:
            value = row.fields.get(text) if text else None
            whole = replace(row, text="" if value is None else str(value), fields={c: row.fields.get(c) for c in columns})
            yield _checked(whole, row.problem, read, row.fields, ours, taxonomy)

    return Results(columns, text, rows(), source.delimiter)


def _made_keys(taxonomy: Taxonomy) -> list[str]:
    return ["id", "model", "language", *(f.code for f in taxonomy.facets), "innovasjon", "review", "warnings", "scores"]


def _own(name: str, source: Source) -> str | None:
    """Our column of this name: `ny_` stands before it where the input had one so called, and ours stand last."""
    if source.format in (".jsonl", ".parquet"):
        return name if name in source.columns else None
    form = re.compile(f"(ny_)*{re.escape(name)}")
    return next((c for c in reversed(source.columns) if form.fullmatch(c)), None)


def _checked(
    row: Row, problem: str | None, read: Callable[[Row, dict[str, Any], dict[str, str], Taxonomy], Result],
    fields: dict[str, Any], ours: dict[str, str], taxonomy: Taxonomy,
) -> Result:  # fmt: skip
    """The row read, or a `Result` that says why it cannot be."""
    if problem is None:
        try:
            return read(row, fields, ours, taxonomy)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            problem = str(error) or type(error).__name__
    return Result(row.id, row.text, row.fields, {}, {}, {}, {}, None, (), (), "", "", problem)


def _in_order(facet: Facet, codes: set[str]) -> tuple[str, ...]:
    """Codes in the taxonomy's order. Raises `ValueError` for unknown ones, or not exactly one of a single choice."""
    if unknown := codes - set(facet.codes):
        raise ClassifierError(f"{facet.code}: unknown label {min(unknown)!r}")
    if facet.unit == "document" and facet.choice == "single" and len(codes) != 1:
        raise ClassifierError(f"{facet.code}: one label is wanted")
    return tuple(code for code in facet.codes if code in codes)


def _of_table(row: Row, fields: dict[str, Any], ours: dict[str, str], taxonomy: Taxonomy) -> Result:
    def cell(name: str) -> str:
        value = fields.get(ours[name]) if name in ours else None
        text = "" if value is None else str(value)
        return text[1:] if text[:1] == "'" and text[1:2] in UNSAFE and text[1:] else text

    labels, scores, mentions = {}, {}, {}
    for facet in taxonomy.facets:
        labels[facet.code] = _in_order(facet, {code.strip() for code in cell(facet.code).split(";") if code.strip()})
        scores[facet.code] = {code: _probability(cell(f"sannsynlighet_{facet.code}_{code}")) for code in facet.codes}
        if facet.unit == "sentence":
            mentions[facet.code] = _mentions(cell(f"{facet.code}_setninger"), facet.codes, row.text)
    notes = tuple(note for note in cell("merknad").split("; ") if note)
    review = tuple(pair for pair in cell("til_kontroll").split(";") if pair)
    verdict = VERDICT.get(cell("innovasjon"))
    return Result(
        row.id, row.text, row.fields, labels, scores, mentions, {}, verdict, review, notes, cell("språk"), cell("modell")
    )  # fmt: skip


def _mentions(cell: str, codes: tuple[str, ...], text: str) -> tuple[Mention, ...]:
    """The sentences of a cell `[codes] sentence | [codes] sentence`; what stands so in the text itself divides nothing."""
    pieces = _divider(codes).split(cell)  # "", codes, sentence, codes, sentence …
    whole = " ".join(text.split()) if len(pieces) > 3 else ""
    found: list[tuple[str, str]] = []
    for labels, sentence in zip(pieces[1::2], pieces[2::2], strict=True):
        joined = f"{found[-1][1]} | [{labels}] {sentence}" if found else ""
        if joined and joined in whole:
            found[-1] = (found[-1][0], joined)
        else:
            found.append((labels, sentence))
    return tuple(Mention(sentence, tuple(labels.split(";"))) for labels, sentence in found)


@cache
def _divider(codes: tuple[str, ...]) -> re.Pattern[str]:
    """What stands before each sentence in a cell: `[budsjett;tid] `."""
    code = "|".join(map(re.escape, codes))
    return re.compile(rf"(?:^| \| )\[((?:{code})(?:;(?:{code}))*)\] ")


def _probability(value: str) -> float:
    p = float(value.replace(",", "."))
    if not 0 <= p <= 1:
        raise ClassifierError(f"{value} is not a probability")
    return p


def _of_json(row: Row, fields: dict[str, Any], ours: dict[str, str], taxonomy: Taxonomy) -> Result:
    labels, mentions = {}, {}
    all_scores = fields.get("scores") if "scores" in ours else None
    scores: dict[str, dict[str, float]] = {facet.code: dict(all_scores[facet.code]) if all_scores else {} for facet in taxonomy.facets}
    evidence: dict[str, tuple[Word, ...]] = {}
    for facet in taxonomy.facets:
        found = fields[facet.code]
        if facet.unit == "sentence":
            mentions[facet.code] = tuple(
                Mention(
                    span["text"], tuple(x["label"] for x in span["labels"]), span["start"], span["end"],
                    {x["label"]: _words(x) for x in span["labels"]},
                )
                for span in found
            )  # fmt: skip
            given = [x for span in found for x in span["labels"]]
        else:
            given = [found] if isinstance(found, dict) else list(found)
            evidence |= {f"{facet.code}.{x['label']}": _words(x) for x in given}
        labels[facet.code] = _in_order(facet, {x["label"] for x in given})
        for x in given:
            known = scores[facet.code].get(x["label"], 0.0)
            scores[facet.code][x["label"]] = max(known, _probability(str(x["probability"])))
    verdict = fields.get("innovasjon")
    return Result(
        row.id, row.text, row.fields, labels, scores, mentions, evidence, None if verdict is None else bool(verdict["verdict"]),
        tuple(fields.get("review") or ()), tuple(fields.get("warnings") or ()), str(fields["language"]), str(fields["model"]),
    )  # fmt: skip


def _words(given: dict[str, Any]) -> tuple[Word, ...]:
    return tuple(Word(e["start"], e["end"], e["weight"]) for e in given.get("evidence") or ())
