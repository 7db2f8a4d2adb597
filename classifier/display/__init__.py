"""What the commands print for people: with colours and as wide as the terminal, plain when piped.

`rich` is imported on a terminal only: it costs a tenth of a second.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from classifier.display.items import BAR, NAME, Bar, Item, prediction_items, summary_items
from classifier.taxonomy import Taxonomy

if TYPE_CHECKING:  # heavy, and needed for types only
    from classifier.batch import Summary
    from classifier.prediction import Prediction


def show(text: str, prediction: "Prediction", taxonomy: Taxonomy, language: str = "nb") -> None:
    """Print a prediction with bars, and the text with the evidence marked: words bold, spans underlined with their codes."""
    put(prediction_items(text, prediction, taxonomy, language), sys.stdout)


def show_summary(summary: "Summary", taxonomy: Taxonomy, output: Path | None, language: str = "nb") -> None:
    """Print what a run gave, to standard error where the rows themselves went to standard output."""
    put(summary_items(summary, taxonomy, output, language), sys.stderr if output is None else sys.stdout)


def put(items: Iterable[Item], stream: TextIO) -> None:
    """Print items as suits the stream."""
    if is_terminal(stream):
        from classifier.display.terminal import console, rendered

        screen = console(stream)
        screen.print(rendered(items, screen.width))
    else:
        stream.write(as_text(items) + "\n")
        stream.flush()


def is_terminal(stream: TextIO) -> bool:
    """Does a person look at it, through something that knows colours?"""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def as_text(items: Iterable[Item]) -> str:
    """Items without colours, in at most 80 columns but for text as it was given."""
    return "\n".join(
        f"  {item.name[:NAME]:{NAME}} {bar(item.share)} {item.figures}"
        if isinstance(item, Bar)
        else " " * item.indent + "".join(text for text, _ in item.parts)
        for item in items
    )


def bar(share: float, width: int = BAR) -> str:
    return "█" * round(share * width) + "·" * (width - round(share * width))


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
