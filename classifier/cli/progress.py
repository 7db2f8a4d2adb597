"""How far `label` has come, for those who watch it on a terminal."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

LARGEST = 1 << 30  # bytes of a file whose rows are counted beforehand: more would take seconds
TABLES = (".csv", ".tsv", ".jsonl")


def progress(wanted: bool, inputs: tuple[str, ...], language: str) -> AbstractContextManager[Callable[[int], None]]:
    """A progress bar on a terminal, nothing elsewhere."""
    from classifier.display import is_terminal

    if not (wanted and is_terminal(sys.stderr)):
        return nullcontext(lambda n: None)
    from classifier.display.terminal import progress as bar

    return bar(sys.stderr, expected_rows(inputs), language)


def expected_rows(inputs: tuple[str, ...]) -> int | None:
    """How many rows tables will give, None where only reading them would tell."""
    counts = [_rows_of(Path(path)) for path in inputs]
    return None if None in counts else sum(n for n in counts if n)


def _rows_of(path: Path) -> int | None:
    """The lines of a table that begin a row: line ends inside quotes begin none."""
    suffix = path.suffix.lower()
    if suffix not in TABLES or not path.is_file() or path.stat().st_size > LARGEST:
        return None
    lines, inside, end = 0, False, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            end = chunk[-1:]
            if suffix == ".jsonl":
                lines += chunk.count(b"\n")
                continue
            for i, piece in enumerate(chunk.split(b'"')):
                inside ^= i > 0
                lines += 0 if inside else piece.count(b"\n")
    lines += end != b"\n"
    return lines if suffix == ".jsonl" else max(lines - 1, 0)
