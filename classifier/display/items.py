"""What is shown of a prediction or a run, as items that know nothing of where they will stand."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.display.words import note, word
from classifier.taxonomy import JUDGED, Taxonomy

if TYPE_CHECKING:  # heavy, and needed for types only
    from classifier.batch import Summary
    from classifier.prediction import Prediction

Part = tuple[str, str]  # text and style; a style is words such as «bold cyan»
COLOURS = ("cyan", "yellow", "green", "magenta", "blue")  # of facets, in turn; readable on dark and on light grounds
NAME, BAR = 42, 20  # columns that a name and a bar take
WORDS = 3  # of the evidence for a label that are marked


@dataclass(frozen=True, slots=True)
class Bar:
    """A name with a share from 0 to 1 and its figures."""

    name: str
    share: float
    figures: str
    colour: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, or several; one that is set in begins `indent` columns from the edge."""

    parts: tuple[Part, ...]
    indent: int = 0


Item = Bar | Line


def _line(text: str, style: str = "", indent: int = 0) -> Line:
    return Line(((text, style),), indent)


def prediction_items(text: str, prediction: "Prediction", taxonomy: Taxonomy, language: str) -> Iterator[Item]:
    """The facets with their labels, what needs a look, and the text with the evidence marked."""
    marks: list[tuple[int, int, str, str]] = []
    words: dict[tuple[int, int], str] = {}
    for facet, colour in zip(taxonomy.facets, colours(taxonomy), strict=True):
        yield _line(facet.name(language), f"bold {colour}")
        found = prediction.facets[facet.code]
        names = {label.code: label.name(language) for label in facet.labels}
        labels = [x for item in found for x in item["labels"]] if facet.unit == "sentence" else found
        if facet.unit == "sentence":
            for span in found:
                codes = ", ".join(f"{names[x['label']]} {x['probability']:.2f}" for x in span["labels"])
                yield _line(f"«{' '.join(span['text'].split())}»", "", 2)
                yield _line(f"→ {codes}", colour, 4)
                marks.append((span["start"], span["end"], "[" + ";".join(x["label"] for x in span["labels"]) + "]", colour))
        else:
            for item in [found] if isinstance(found, dict) else found:
                yield Bar(names[item["label"]], item["probability"], f"{item['probability']:.2f}", colour)
        for label in labels if isinstance(labels, list) else ():
            for e in label["evidence"][:WORDS]:
                words.setdefault((e["start"], e["end"]), colour)
        if not found:
            yield _line("–", "", 2)
    if prediction.innovasjon:
        missing = prediction.innovasjon["missing"]
        verdict = word("no", language) + f" ({word('lacks', language)} {', '.join(missing)})" if missing else word("yes", language)
        yield Line(((f"{word('innovation', language)}: ", "bold"), (verdict, "")))
    if prediction.review:
        yield _line(f"{word('review', language)}: {', '.join(prediction.review)}")
    for warning in prediction.warnings:
        yield _line(f"{word('note', language)}: {note(warning, language)}")
    yield _line("")
    yield Line(tuple(_marked(text, words, marks)))


def colours(taxonomy: Taxonomy) -> list[str]:
    """The colour of each facet."""
    return [COLOURS[i % len(COLOURS)] for i in range(len(taxonomy.facets))]


def _marked(text: str, words: dict[tuple[int, int], str], spans: list[tuple[int, int, str, str]]) -> Iterator[Part]:
    """The text with words bold, spans underlined and followed by their codes."""
    edges = sorted({0, len(text), *(e for w in words for e in w), *(e for s in spans for e in s[:2])})
    for start, end in zip(edges, edges[1:], strict=False):
        bold = next((f"bold {colour}" for (a, b), colour in words.items() if a <= start and end <= b), "")
        under = "underline" if any(a <= start and end <= b for a, b, _, _ in spans) else ""
        yield text[start:end], f"{bold} {under}".strip()
        for _, b, codes, colour in spans:
            if b == end:
                yield f" {codes}", colour


def summary_items(summary: "Summary", taxonomy: Taxonomy, output: Path | None, language: str) -> Iterator[Item]:
    """How many rows there were, documents per label (rows without text aside), and the first rows that need a look."""
    rows = summary.resumed + summary.rows
    total = max(rows - summary.empty, 1)
    said = word("row", language) if rows == 1 else word("rows", language, rows)
    before = f" ({word('before', language, summary.resumed)})" if summary.resumed else ""
    yield _line(said + before + (f" → {output}" if output else ""))
    if summary.empty:
        yield _line(word("without_text", language, summary.empty))
    for facet, colour in zip(taxonomy.facets, colours(taxonomy), strict=True):
        yield _line("")
        yield _line(facet.name(language), f"bold {colour}")
        for label in facet.labels:
            n = summary.labels[facet.code, label.code]
            yield Bar(label.name(language), n / total, f"{n:6} {n / total:5.0%}", colour)
    if {f.code for f in taxonomy.facets} >= JUDGED:
        yield _line("")
        yield _line(f"{word('innovations', language)}: {summary.innovations} ({summary.innovations / total:.0%})")
    if summary.notes:
        yield _line("")
        yield _line(f"{word('notes', language)}: " + ", ".join(f"{note(n, language)} ({k})" for n, k in summary.notes.most_common(5)))
        for first in summary.first_notes:
            whose, colon, said = first.partition(": ")
            yield _line(whose + colon + note(said, language), "", 2)
