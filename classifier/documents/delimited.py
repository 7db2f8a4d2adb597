"""CSV and TSV: records out of lines, where a quote that is never closed costs a note and not the rest of the file."""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from typing import IO, Any

from classifier.documents.rows import LARGEST, Input, Row, Source, choose_columns, detect_encoding, make_row, unique, unreadable
from classifier.errors import ClassifierError

DELIMITERS = ";,\t|"
UNCLOSED = "et anførselstegn uten slutt er lest som et vanlig tegn"
CUT = f"linjen er lengre enn {LARGEST} tegn og er kuttet"

csv.field_size_limit(2 * LARGEST)


def read_csv(source: Input, text_column: str | None, id_column: str | None, delimiter: str | None = None) -> Source:
    encoding = detect_encoding(source)

    def lines() -> IO[str]:
        return io.TextIOWrapper(source.open(), encoding=encoding, errors="replace", newline="")

    with lines() as file:
        head = file.readline(LARGEST)
        if "\0" in head:
            raise ClassifierError(f"{source.name}: not a text file in an encoding that can be read; save it as CSV UTF-8")
        separator = delimiter or max(DELIMITERS, key=lambda d: (head.count(d), -DELIMITERS.index(d)))
    with lines() as file:
        columns, _, _ = next(records(file, separator), ([], None, 0))
    if not any(c.strip() for c in columns):
        raise ClassifierError(f"{source.name}: no header row; the first line should name the columns")
    columns = unique(columns)
    text, own_id = choose_columns(columns, source.name, text_column, id_column)

    def rows() -> Iterator[Row]:
        with lines() as file:
            found = records(file, separator)
            next(found)
            present = ((values, problem, size) for values, problem, size in found if values)  # a blank line is no row
            for number, (values, problem, size) in enumerate(present, 1):
                fields, uneven = _fields(columns, values, separator)
                yield make_row(number, fields, text, own_id, problem or uneven or unreadable(fields.get(text)), size + 100 * len(values))

    return Source(columns, text, own_id, rows(), separator, ".csv")


def _fields(columns: list[str], values: list[str], separator: str) -> tuple[dict[str, Any], str | None]:
    """The values by column; what is over stands in the last one."""
    if len(values) == len(columns):
        return dict(zip(columns, values, strict=True)), None
    kept = [*values[: len(columns) - 1], separator.join(values[len(columns) - 1 :])]
    kept += [""] * (len(columns) - len(kept))
    return dict(zip(columns, kept, strict=True)), f"raden har {len(values)} felt, overskriften {len(columns)}"


def read_tsv(source: Input, text_column: str | None, id_column: str | None) -> Source:
    return read_csv(source, text_column, id_column, "\t")


class _Lines:
    """The lines of a file for `csv.reader`, those of the record under way kept, so that they can be read again in another way."""

    def __init__(self, file: IO[str]) -> None:
        self.file = file
        self.again: deque[str] = deque()
        self.begin()

    def begin(self) -> None:
        self.taken: list[str] = []
        self.size = 0
        self.cut = self.ended = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self.size >= LARGEST:  # a quote was opened, and not closed in all this
            raise csv.Error(UNCLOSED)
        line = self.again.popleft() if self.again else self._read()
        if not line:
            self.ended = True
            raise StopIteration
        self.taken.append(line)
        self.size += len(line)
        return line

    def _read(self) -> str:
        line = self.file.readline(LARGEST)
        if len(line) == LARGEST and line[-1] not in "\r\n":
            self.cut = True
            rest = line
            while rest and rest[-1] not in "\r\n":
                rest = self.file.readline(LARGEST)
        return line


def records(file: IO[str], delimiter: str) -> Iterator[tuple[list[str], str | None, int]]:
    """(fields, problem, characters) of each record, the header first.

    A record over several lines whose quotes do not hold (one is never closed, or closed in the middle of a field far below: the next
    row's opening quote) is taken back when its first line alone is a whole row, or nothing ends it: that line is then read with the
    lonely quote as a letter, and the next record starts on the next line.
    """
    lines = _Lines(file)
    reader = csv.reader(lines, delimiter=delimiter)
    width = None
    while True:
        lines.begin()
        problem = None
        try:
            values = next(reader)
            endless = lines.ended
        except StopIteration:
            return
        except csv.Error:
            values, endless = [], True
        if endless or (len(lines.taken) > 1 and not _holds(lines.taken, delimiter)):
            literal = _literal(lines.taken[0], delimiter)
            if endless or width in (None, len(literal)):
                values, problem = literal, UNCLOSED
                lines.again.extendleft(reversed(lines.taken[1:]))
                lines.size = len(lines.taken[0])
        width = len(values) if width is None else width
        yield values, CUT if lines.cut else problem, lines.size


def _holds(lines: list[str], delimiter: str) -> bool:
    """Whether every quote of a record is opened and closed as the rules have it."""
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return False
    return True


def _literal(line: str, delimiter: str) -> list[str]:
    """The fields of one line; a quote that is not closed before the next delimiter is a letter."""
    d = re.escape(delimiter)
    field = re.compile(rf'(?:"((?:[^"]|"")*+)"(?={d}|$)|([^{d}]*))({d}|$)')
    values, line, at = [], line.rstrip("\r\n"), 0
    while match := field.match(line, at):
        values.append(match[2] if match[1] is None else match[1].replace('""', '"'))
        at = match.end()
        if not match[3]:
            break
    return values
