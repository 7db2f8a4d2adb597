"""What the formats of annotation tools share.

Between formats a record is a dict: `id`, `text`, the input's other columns; the facets (and `evidence`, `negatives`) where a person has
annotated them, in the form of labelled data; `predicted`, a model's labels; `annotator`, who it was where the tool tells.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from classifier.documents.labelled import NEGATIVE_KINDS
from classifier.errors import ClassifierError
from classifier.taxonomy import Facet, Taxonomy

Record = dict[str, Any]
Placed = tuple[str, Record]  # (where it stands, for errors; the record)
Span = tuple[int, int, str]  # in code points, with the name of one label
MARKS = ("evidence", "negatives")
MISSING = "not_annotated"  # the facets that an annotated record leaves out, where a tool would take that for «none»
EMPTY = "annotated_empty"  # evidence or negatives that were looked for and not found
KINDS = sorted(NEGATIVE_KINDS)


@dataclass(frozen=True)
class Options:
    """How to read and write where the format leaves a choice."""

    unit: str | None = None  # in which doccano counts offsets
    text_column: str | None = None
    id_column: str | None = None
    language: str = "nb"  # of the names that annotators see


def is_annotated(record: Record, taxonomy: Taxonomy) -> bool:
    return any(facet.code in record for facet in taxonomy.facets)


def codes_of(value: Any, facet: Facet) -> Any:
    """A facet's value without probabilities and evidence: the form of labelled data."""
    if facet.unit == "sentence":
        return [{"start": s["start"], "end": s["end"], "labels": _listed(s["labels"])} for s in value]
    if facet.choice == "single":
        return value["label"] if isinstance(value, dict) else value
    return _listed(value)


def _listed(values: Any) -> list[str]:
    return [v["label"] if isinstance(v, dict) else v for v in values]


def proposal(record: Record, taxonomy: Taxonomy) -> Record:
    """What a model says of a record, as codes; empty where it said nothing."""
    said = record.get("predicted") or {}
    return {f.code: codes_of(said[f.code], f) for f in taxonomy.facets if said.get(f.code) is not None}


def labels(record: Record, taxonomy: Taxonomy) -> Record:
    """What a person said of a record."""
    return {key: record[key] for key in (*(f.code for f in taxonomy.facets), *MARKS) if key in record}


def columns(record: Record, taxonomy: Taxonomy) -> Record:
    """The rest: id and the input's own columns."""
    ours = {"text", "predicted", *MARKS, *(facet.code for facet in taxonomy.facets)}
    return {key: value for key, value in record.items() if key not in ours}


def state(record: Record, taxonomy: Taxonomy) -> Record:
    """What no tool has a place for, to travel beside the columns: what an annotated record leaves out, and what it says is empty."""
    if not is_annotated(record, taxonomy):
        return {}
    left_out = [facet.code for facet in taxonomy.facets if facet.code not in record]
    empty = [key for key in MARKS if record.get(key) == []]
    return ({MISSING: left_out} if left_out else {}) | ({EMPTY: empty} if empty else {})


def without_state(own: Record, *more: str) -> Record:
    """Columns without `state`, and without `more`."""
    return {key: value for key, value in own.items() if key not in (MISSING, EMPTY, *more)}


def label_names(taxonomy: Taxonomy, unit: str) -> list[str]:
    """Every label of a unit as the tools with flat lists name it: `type.prosess`."""
    return [f"{facet.code}.{code}" for facet in taxonomy.of(unit) for code in facet.codes]


def flat(values: Record, taxonomy: Taxonomy) -> tuple[list[str], list[Span]]:
    """Labels as tools with flat lists have them: names for the document, named spans."""
    document: list[str] = []
    spans: list[Span] = []
    for facet in taxonomy.facets:
        value = values.get(facet.code)
        if facet.unit == "sentence":
            spans += [(s["start"], s["end"], f"{facet.code}.{code}") for s in value or () for code in s["labels"]]
        elif value is not None:
            document += [f"{facet.code}.{code}" for code in ([value] if isinstance(value, str) else value)]
    spans += [(s["start"], s["end"], f"evidence.{name}") for s in values.get("evidence") or () for name in s["labels"]]
    spans += [(s["start"], s["end"], f"negatives.{s['kind']}") for s in values.get("negatives") or ()]
    return document, spans


def unflat(document: Sequence[str], spans: Sequence[Span], own: Record, taxonomy: Taxonomy) -> Record:
    """`flat` undone, for a record that was annotated and whose `state` is in `own`.

    Raises `ClassifierError` for a name that is no label.
    """
    out: Record = {}
    known = {*label_names(taxonomy, "document")}
    for name in document:
        if name not in known:
            raise ClassifierError(f"unknown label {name!r}; known are {', '.join(sorted(known)) or 'none'}")
        facet, _, code = name.partition(".")
        if taxonomy[facet].choice == "multi":
            out.setdefault(facet, []).append(code)
        elif facet in out:
            raise ClassifierError(f"{facet}: one label is wanted, here are {out[facet]} and {code}")
        else:
            out[facet] = code
    of_text = {*label_names(taxonomy, "sentence"), *(f"evidence.{n}" for n in known), *(f"negatives.{k}" for k in KINDS)}
    merged: dict[tuple[str, int, int], list[str]] = {}
    for start, end, name in spans:
        if name not in of_text:
            raise ClassifierError(f"unknown label {name!r} of a span; known are {', '.join(label_names(taxonomy, 'sentence')) or 'none'}")
        key, _, code = name.partition(".")
        merged.setdefault((key, start, end), []).append(code)
    for (key, start, end), codes in merged.items():
        span: Record = {"start": start, "end": end}
        out.setdefault(key, []).append(span | ({"kind": codes[0]} if key == "negatives" else {"labels": codes}))
    return complete(out, own, taxonomy)


def complete(said: Record, own: Record, taxonomy: Taxonomy) -> Record:
    """The facets of an annotated record in order: what nothing is said of is empty, but for a single choice or where `own` says so."""
    out: Record = {}
    for facet in taxonomy.facets:
        if facet.code in said:
            out[facet.code] = said[facet.code]
        elif facet.code not in (own.get(MISSING) or ()) and (facet.choice == "multi" or facet.unit == "sentence"):
            out[facet.code] = []
    return out | {key: said.get(key, []) for key in MARKS if key in said or key in (own.get(EMPTY) or ())}


def numbered(rows: Sequence[Any], path: Any, what: str) -> Iterator[tuple[str, Any]]:
    """Rows with their places. Raises `ClassifierError` for one that is no object."""
    for number, row in enumerate(rows, 1):
        place = f"{path}: {what} {number}"
        if not isinstance(row, dict):
            raise ClassifierError(f"{place}: not a JSON object")
        yield place, row
