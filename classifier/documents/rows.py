"""What readers share: rows, sources, the choice of columns, encodings."""

import codecs
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from classifier.errors import ClassifierError
from classifier.taxonomy import Taxonomy

if TYPE_CHECKING:
    from classifier.prediction import Prediction

TEXT_COLUMNS = ("text", "tekst", "beskrivelse")
ID_COLUMNS = ("id",)
UNREADABLE = "teksten har tegn som ikke kan leses"
LARGEST = 64 << 20  # characters or bytes of a line, or of a quoted row: what is longer is cut, with a note
NO_TEXT = "\0"  # in the place of a text column: no text is asked for


@dataclass(slots=True)
class Row:
    """One document: its id (the row number where there is none), its text, and all that stood in the file."""

    id: str
    text: str
    fields: dict[str, Any]
    problem: str | None = None
    numbered: bool = False  # the id is the row number
    size: int = 0  # about how many characters it holds of memory

    def __reduce__(self) -> tuple[Any, ...]:  # several times as quick to send between processes as what dataclasses do of themselves
        return Row, (self.id, self.text, self.fields, self.problem, self.numbered, self.size)


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
    state: dict[str, Any] = field(default_factory=dict)  # of each file, as it was when it was opened
    # what fills the columns that need the prediction; a module's own function, for it is sent to workers
    complete: "Callable[[Row, Prediction, Taxonomy], None] | None" = None


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
    listed = ", ".join(" ".join(c[:80].split()) for c in columns[:30])
    for wanted, option in ((text_column, "--text-column"), (id_column, "--id-column")):
        if wanted not in (None, NO_TEXT, *columns):
            raise ClassifierError(f"{name}: no column {wanted!r} for {option}; the columns are: {listed}")
    lower = {c.strip().lower(): c for c in reversed(columns)}
    text = text_column or next((lower[c] for c in TEXT_COLUMNS if c in lower), None)
    if text is None:
        raise ClassifierError(f"{name}: no column called {', '.join(TEXT_COLUMNS)}; choose one with --text-column: {listed}")
    return text, id_column or next((lower[c] for c in ID_COLUMNS if c in lower), None)


def make_row(
    number: int, fields: dict[str, Any], text_column: str, id_column: str | None, problem: str | None = None, size: int = 0
) -> Row:
    """A row by its fields; `size` where the reader knows it."""
    text = fields.get(text_column)
    given = fields.get(id_column) if id_column else None
    numbered = given is None or str(given).strip() == ""
    own_id = str(number) if numbered else str(given)
    size = size or sum(100 + len(v) if isinstance(v, str) else 200 for v in fields.values())
    return Row(own_id, text if isinstance(text, str) else "" if text is None else str(text), fields, problem, numbered, size)


def unreadable(text: Any) -> str | None:
    """The note for a text with characters that stand for none: not in the file's encoding, NUL, half a surrogate pair."""
    if not isinstance(text, str) or text.isascii():
        return UNREADABLE if isinstance(text, str) and "\0" in text else None
    try:
        return UNREADABLE if "\ufffd" in text or "\0" in text or not text.encode() else None
    except UnicodeEncodeError:
        return UNREADABLE


def state_of(path: str) -> list[int] | None:
    """What changes when an input does: size and time of a file, number, size and latest time of the texts of a folder."""
    if path == "-":
        return None
    place = Path(path)
    if not place.is_dir():
        stat = place.stat()
        return [stat.st_size, stat.st_mtime_ns]
    count = size = latest = 0
    with os.scandir(place) as entries:
        for stat in (entry.stat(follow_symlinks=False) for entry in entries if entry.name.endswith(".txt")):
            count, size, latest = count + 1, size + stat.st_size, max(latest, stat.st_mtime_ns)
    return [count, size, latest]


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
            marks = text.count("\ufffd")
            broken += marks
            whole += len(text) - len(text.encode("ascii", "ignore")) - marks
            chunk = file.read(1 << 20)
        broken += len(decoder.decode(b"", final=True))
    return "cp1252" if broken > whole else "utf-8"


def unique(columns: list[str]) -> list[str]:
    """Column names, each once: an empty one gets its number, a repeated one a suffix."""
    out: dict[str, None] = {}
    given, last = set(columns), dict.fromkeys(columns, 1)
    for i, column in enumerate(columns, 1):
        name = free = column if column.strip() else f"kolonne_{i}"
        n = last.get(name, 1)
        while free in out or (n > 1 and free in given):
            n += 1
            free = f"{name}_{n}"
        last[name] = n
        out[free] = None
    return list(out)
