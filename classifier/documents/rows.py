"""What readers share: rows, sources, the choice of columns, encodings."""

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from classifier.errors import ClassifierError
from classifier.taxonomy import Taxonomy

TEXT_COLUMNS = ("text", "tekst", "beskrivelse")
ID_COLUMNS = ("id",)
NO_TEXT = "\0"  # in the place of a text column: no text is asked for


@dataclass(slots=True)
class Row:
    """One document: its id (the row number where there is none), its text, and all that stood in the file."""

    id: str
    text: str
    fields: dict[str, Any]
    problem: str | None = None
    numbered: bool = False  # the id is the row number


@dataclass(slots=True)
class Source:
    """An opened input: its columns in order, which of them hold text and id, and its rows (to be read once)."""

    columns: list[str]
    text_column: str
    id_column: str | None
    rows: Iterator[Row]
    delimiter: str = ";"
    format: str = ".csv"
    schema: Any = field(default=None, repr=False)  # of a Parquet file
    name: str = ""  # what was opened


@dataclass(frozen=True, slots=True)
class Settings:
    """What every writer needs to know of a run."""

    source: Source
    taxonomy: Taxonomy
    suffix: str
    all_scores: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """Something that can be opened for reading, more than once, and its name for errors."""

    name: str
    open: Callable[[], IO[bytes]]


def choose_columns(columns: list[str], name: str, text_column: str | None, id_column: str | None) -> tuple[str, str | None]:
    """The text column and the id column of a table: as asked for, else by their usual names."""
    listed = ", ".join(" ".join(c.split()) for c in columns[:30])
    for wanted, option in ((text_column, "--text-column"), (id_column, "--id-column")):
        if wanted not in (None, NO_TEXT, *columns):
            raise ClassifierError(f"{name}: no column {wanted!r} for {option}; the columns are: {listed}")
    lower = {c.strip().lower(): c for c in reversed(columns)}
    text = text_column or next((lower[c] for c in TEXT_COLUMNS if c in lower), None)
    if text is None:
        raise ClassifierError(f"{name}: no column called {', '.join(TEXT_COLUMNS)}; choose one with --text-column: {listed}")
    return text, id_column or next((lower[c] for c in ID_COLUMNS if c in lower), None)


def make_row(number: int, fields: dict[str, Any], text_column: str, id_column: str | None, problem: str | None = None) -> Row:
    text = fields.get(text_column)
    given = fields.get(id_column) if id_column else None
    numbered = given is None or str(given).strip() == ""
    own_id = str(number) if numbered else str(given)
    return Row(own_id, text if isinstance(text, str) else "" if text is None else str(text), fields, problem, numbered)


def detect_encoding(source: Input) -> str:
    """By the byte order mark, else UTF-8 (a few broken bytes are let pass), else Windows-1252 (what old Norwegian Excel writes)."""
    with source.open() as file:
        head = file.read(4)
        for mark, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
            if head.startswith(mark):
                return name
        if head[1::2] == b"\0\0":
            return "utf-16-le"
        decoder, chunk = codecs.getincrementaldecoder("utf-8")(errors="replace"), head
        broken = whole = 0  # characters beyond ASCII that cannot be, and can be, read as UTF-8
        while chunk:
            text = decoder.decode(chunk)
            broken += text.count("\ufffd")
            whole += sum(not c.isascii() for c in text) - text.count("\ufffd") if not text.isascii() else 0
            chunk = file.read(1 << 20)
        broken += len(decoder.decode(b"", final=True))
    return "cp1252" if broken > whole else "utf-8"


def unique(columns: list[str]) -> list[str]:
    """Column names, each once: an empty one gets its number, a repeated one a suffix."""
    out: list[str] = []
    for i, column in enumerate(columns, 1):
        name = free = column if column.strip() else f"kolonne_{i}"
        n = 1
        while free in out or (n > 1 and free in columns):
            n += 1
            free = f"{name}_{n}"
        out.append(free)
    return out
