"""Items on a terminal, by `rich`: tables of bars, text in the width there is, colours unless `NO_COLOR` is set; and the progress bar."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from classifier.display.items import BAR, NAME, Bar, Item, Line
from classifier.display.words import word

WIDEST = 100  # columns: longer lines are hard to read
CONTROLS = (
    {code: 0x2400 + code for code in (*range(0x20),) if chr(code) not in "\n\t"} | {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
)


def console(stream: TextIO, width: int | None = None) -> Console:
    """A console that prints what it is given, without reading codes or links into it."""
    made = Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
    if width is None and made.width > WIDEST:
        made.width = WIDEST
    return made


def rendered(items: Iterable[Item], width: int) -> RenderableType:
    """The items as something that a console of this width prints."""
    parts: list[RenderableType] = []
    for bars, group in groupby(items, lambda item: isinstance(item, Bar)):
        if bars:
            parts.append(_table([item for item in group if isinstance(item, Bar)], width))
        else:
            parts += [_text(item) for item in group if isinstance(item, Line)]
    return Group(*parts)


def _text(line: Line) -> RenderableType:
    """Styled text; what would steer the terminal is shown as a sign."""
    text = Text.assemble(*((part.translate(CONTROLS), style) for part, style in line.parts))
    return Padding(text, (0, 0, 0, line.indent), expand=False) if line.indent else text


def _table(bars: list[Bar], width: int) -> Table:
    """Names that are too long for their column, which is narrower on a narrow terminal, go over several lines."""
    figures = max(cell_len(b.figures) for b in bars)
    table = Table.grid(padding=(0, 1))
    table.add_column(width=max(min(NAME + 2, width - BAR - figures - 2), 10))
    table.add_column(width=BAR, no_wrap=True)
    table.add_column(width=figures, no_wrap=True, justify="right")
    for b in bars:
        full = round(b.share * BAR)
        table.add_row(
            Padding(Text(b.name), (0, 0, 0, 2)), Text.assemble(("━" * full, b.colour), ("─" * (BAR - full), "dim")), Text(b.figures)
        )
    return table


@contextmanager
def progress(stream: TextIO, total: int | None, language: str) -> Iterator[Callable[[int], None]]:
    """A bar that goes with the rows and is gone at the end; without a total it shows that something goes on, and how far."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(BAR),
        MofNCompleteColumn() if total else TextColumn("{task.completed}"),
        TimeRemainingColumn() if total else TimeElapsedColumn(),
    )
    with Progress(*columns, console=console(stream), transient=True) as bar:
        task = bar.add_task(word("at work", language), total=total)
        yield lambda n: bar.advance(task, n)
