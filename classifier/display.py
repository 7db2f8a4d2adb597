"""What the commands print for people: a prediction, a summary of a run, a taxonomy. Plain when piped."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from classifier.taxonomy import Taxonomy

if TYPE_CHECKING:  # heavy, and needed for types only
    from classifier.batch import Summary
    from classifier.prediction import Prediction

BAR = 20


def _bar(share: float) -> str:
    return "█" * round(share * BAR) + "·" * (BAR - round(share * BAR))


def show(text: str, prediction: "Prediction", taxonomy: Taxonomy, language: str = "nb") -> str:
    """A prediction with bars, and the text with the evidence marked: words bold, spans underlined with their codes."""
    lines, marks = [], []
    for facet in taxonomy.facets:
        lines.append(click.style(facet.name(language), bold=True))
        found = prediction.facets[facet.code]
        names = {label.code: label.name(language) for label in facet.labels}
        if facet.unit == "sentence":
            for span in found:
                codes = ", ".join(f"{names[x['label']]} {x['probability']:.2f}" for x in span["labels"])
                lines.append(f"  «{' '.join(span['text'].split())}»\n    → {codes}")
                marks.append((span["start"], span["end"], "[" + ";".join(x["label"] for x in span["labels"]) + "]"))
        else:
            for item in [found] if isinstance(found, dict) else found:
                lines.append(f"  {names[item['label']][:42]:42} {_bar(item['probability'])} {item['probability']:.2f}")
        if not found:
            lines.append("  –")
    if prediction.innovasjon:
        missing = prediction.innovasjon["missing"]
        lines.append(click.style("Innovasjon: ", bold=True) + ("ja" if not missing else f"nei (mangler {', '.join(missing)})"))
    if prediction.review:
        lines.append(f"Til kontroll: {', '.join(prediction.review)}")
    lines += [f"Merk: {warning}" for warning in prediction.warnings]
    words = {
        (e["start"], e["end"])
        for found in prediction.facets.values()
        for item in (found if isinstance(found, list) else [])
        for x in (item["labels"] if "labels" in item else [item])
        for e in x["evidence"][:3]
    }
    return "\n".join([*lines, "", _marked(text, sorted(words), marks)])


def _marked(text: str, words: list[tuple[int, int]], spans: list[tuple[int, int, str]]) -> str:
    """The text with words bold, spans underlined and followed by their codes."""
    out, at = [], 0
    edges = sorted({0, len(text), *(e for w in words for e in w), *(e for s in spans for e in s[:2])})
    for start, end in zip(edges, edges[1:], strict=False):
        piece = text[start:end]
        bold = any(a <= start and end <= b for a, b in words)
        under = any(a <= start and end <= b for a, b, _ in spans)
        out.append(click.style(piece, bold=bold, underline=under) if bold or under else piece)
        out += [click.style(f" {codes}", fg="yellow") for _, b, codes in spans if b == end]
        at = end
    return "".join(out) + text[at:]


def show_summary(summary: "Summary", taxonomy: Taxonomy, output: Path | None) -> str:
    """What a run gave: documents per label, and the rows that need a look."""
    total = max(summary.rows, 1)
    lines = [
        f"{summary.rows} rows labelled"
        + (f" ({summary.resumed} from before)" if summary.resumed else "")
        + (f" → {output}" if output else "")
    ]
    for facet in taxonomy.facets:
        lines.append(f"\n{facet.name()}")
        for label in facet.labels:
            n = summary.labels[facet.code, label.code]
            lines.append(f"  {label.name()[:42]:42} {_bar(n / total)} {n:6} {n / total:5.0%}")
    if {"type", "fase", "verdi"} <= {f.code for f in taxonomy.facets}:
        lines.append(f"\nInnovasjon (type, i bruk, verdi): {summary.innovations} ({summary.innovations / total:.0%})")
    if summary.notes:
        lines.append("\nMerknader: " + ", ".join(f"{note} ({n})" for note, n in summary.notes.most_common(5)))
        lines += [f"  {note}" for note in summary.first_notes]
    return "\n".join(lines)


def show_taxonomy(taxonomy: Taxonomy, language: str = "nb") -> str:
    """Facets and labels with names and definitions."""
    lines: list[str] = []
    for facet in taxonomy.facets:
        lines.append(f"{facet.code} – {facet.name(language)} ({facet.unit}, {facet.choice} choice)")
        for label in facet.labels:
            definition: Any = label.definitions.get(language) or next(iter(label.definitions.values()), "")
            lines.append(f"  {label.code:24} {label.name(language)}" + (f": {definition}" if definition else ""))
        lines.append("")
    return "\n".join(lines).rstrip()
