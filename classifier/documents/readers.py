"""Readers: a file -> `Row`s. A row that cannot be read is a row with a `problem`, never a missing one."""

import codecs
import heapq
import json
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from classifier.documents.binary import from_cell
from classifier.documents.delimited import read_csv, read_tsv
from classifier.documents.packed import PACKED, check_workbook, open_packed, standard_input
from classifier.documents.passages.files import READERS as DOCUMENTS
from classifier.documents.passages.files import document_files, open_documents
from classifier.documents.rows import (
    LARGEST,
    UNREADABLE,
    Input,
    Row,
    Source,
    choose_columns,
    detect_encoding,
    make_row,
    state_of,
    unique,
    unreadable,
)  # fmt: skip
from classifier.errors import ClassifierError

DEEPEST = 100  # lists and objects inside each other in a JSON line
MOST_KEYS = 16_384  # different keys of a JSONL file that are columns of a table
PAGE = 20_000  # names of a folder's files that are held at a time
BATCH = 128  # rows of a Parquet file that are held at a time

# What the libraries underneath raise for a file that is damaged or not what its suffix says.
DAMAGED = (OSError, EOFError, ValueError, KeyError, IndexError, SyntaxError, zipfile.BadZipFile, zlib.error)


def open_source(path: str, text_column: str | None = None, id_column: str | None = None) -> Source:
    """Open a file by its suffix, a folder of .txt files, or `-` (standard input: JSONL if it starts with `{`, else CSV).

    Raises `ClassifierError` for a file that is missing, empty, unreadable, or has no such column.
    """
    name = "standard input" if path == "-" else path
    try:
        state = state_of(path) if path == "-" or Path(path).exists() else None
        source = _opened_source(path, name, text_column, id_column)
    except ClassifierError:
        raise
    except DAMAGED as error:
        raise ClassifierError(f"{name}: cannot read: {_reason(error)}") from error
    place = path if path == "-" else str(Path(path).resolve())
    return replace(source, rows=_guarded(source.rows, name), name=place, state={place: state})


def _opened_source(path: str, name: str, text_column: str | None, id_column: str | None) -> Source:
    if path == "-":
        given = standard_input()
        with given.open() as file:
            start = file.read(1 << 16).removeprefix(codecs.BOM_UTF8).lstrip()
        return READERS[".jsonl" if start[:1] == b"{" else ".csv"](given, text_column, id_column)
    place = Path(path)
    if place.is_dir():
        return _read_folder(place)
    if not place.exists():
        raise ClassifierError(f"{path}: no such file")
    suffix = suffix_of(place)
    if suffix == ".txt":
        return Source(["id", "text"], "text", "id", (_text_file(file) for file in [place]), format=".txt")
    if suffix not in READERS:
        known = ", ".join((*READERS, *DOCUMENTS))
        raise ClassifierError(f"{path}: unknown format {place.suffix or '(no suffix)'}; known are {known} and folders of them")
    if not place.is_file():
        raise ClassifierError(f"{path}: not a file; what another program writes can be piped in as -")
    if place.stat().st_size == 0:
        raise ClassifierError(f"{path}: the file is empty")
    return READERS[suffix](Input(path, lambda: open_packed(place)), text_column, id_column)


def _reason(error: BaseException) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__


def _guarded(rows: Iterator[Row], name: str) -> Iterator[Row]:
    """The rows; a file that turns out to be damaged further on is the caller's to mend, too."""
    number = 0
    try:
        for number, row in enumerate(rows, 1):  # noqa: B007  # used when reading breaks off
            yield row
    except ClassifierError:
        raise
    except DAMAGED as error:
        raise ClassifierError(f"{name}: cannot be read after row {number}, the file is damaged: {_reason(error)}") from error


def open_sources(paths: Sequence[str], text_column: str | None = None, id_column: str | None = None, passages: bool = False) -> Source:
    """Several inputs as one; documents, and with `passages` texts, too, are cut into passages.

    Raises `ClassifierError` when they do not have the same columns.
    """
    if files := document_files(paths, passages):
        source = open_documents(files)
        text, own_id = choose_columns(source.columns, paths[0], text_column, id_column)
        return replace(source, text_column=text, id_column=own_id)
    sources = [open_source(path, text_column, id_column) for path in paths]
    first = sources[0]
    for path, other in zip(paths, sources, strict=True):
        if set(other.columns) != set(first.columns):
            differ = ", ".join(sorted(set(other.columns) ^ set(first.columns)))
            raise ClassifierError(f"{path}: other columns than {paths[0]} ({differ}); label them one by one")

    def rows() -> Iterator[Row]:
        for number, row in enumerate(chain.from_iterable(s.rows for s in sources), 1):
            yield replace(row, id=str(number)) if row.numbered else row

    return replace(first, rows=rows(), name="; ".join(s.name for s in sources), state={k: v for s in sources for k, v in s.state.items()})


def suffix_of(path: Path) -> str:
    """The suffix that decides the format, `.jsonl.gz` in whole."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() + suffix if suffix in PACKED else suffix


def _json_lines(source: Input) -> Iterator[tuple[dict[str, Any], str | None, int]]:
    """(fields, problem, bytes) of each line that is not blank."""
    with source.open() as file:
        while line := file.readline(LARGEST):
            rest = line
            while len(rest) == LARGEST and not rest.endswith(b"\n"):
                rest = file.readline(LARGEST)
            if not line.strip():
                continue
            raw = line.decode("utf-8-sig", errors="replace").rstrip("\r\n")
            if rest is not line:
                yield {"input": raw}, f"linjen er ikke lest: lengre enn {LARGEST} byte, og kuttet", len(raw)
                continue
            try:
                value = json.loads(raw, parse_constant=lambda name: None)  # NaN is no JSON
            except (ValueError, RecursionError) as error:
                yield {"input": raw}, f"linjen er ikke gyldig JSON: {error}", len(raw)
                continue
            if not isinstance(value, dict):
                yield {"input": raw}, "linjen er ikke et JSON-objekt", len(raw)
            elif raw.count("[") + raw.count("{") > DEEPEST and _depth(value) > DEEPEST:
                yield {"input": raw}, f"linjen er ikke lest: mer enn {DEEPEST} lister og objekter i hverandre", len(raw)
            else:
                yield value, UNREADABLE if "\ufffd" in raw else None, len(raw) + 100 * len(value)


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level and depth <= DEEPEST:
        level = [c for v in level if isinstance(v, (dict, list)) for c in (v.values() if isinstance(v, dict) else v)]
        depth += 1
    return depth


def _read_jsonl(source: Input, text_column: str | None, id_column: str | None) -> Source:
    keys: dict[str, None] = {}
    for fields, _, _ in _json_lines(source):
        keys.update(dict.fromkeys(fields) if len(keys) <= MOST_KEYS else {})
    if not keys:
        raise ClassifierError(f"{source.name}: the file is empty")
    columns = list(keys)
    text, own_id = choose_columns(columns, source.name, text_column, id_column)

    def rows() -> Iterator[Row]:
        for number, (fields, problem, size) in enumerate(_json_lines(source), 1):
            yield make_row(number, fields, text, own_id, problem or unreadable(fields.get(text)), size)

    return Source(columns, text, own_id, rows(), format=".jsonl")


def _read_xlsx(source: Input, text_column: str | None, id_column: str | None) -> Source:
    from openpyxl import load_workbook

    try:
        with source.open() as file:
            check_workbook(file, source.name)
        book = load_workbook(source.open(), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # some programs write a wrong size
        lines = sheet.iter_rows(values_only=True)
        header = next(lines, ())
    except ClassifierError:
        raise
    except DAMAGED as error:
        raise ClassifierError(f"{source.name}: not a readable XLSX file ({_reason(error)})") from error
    if not any(header):
        raise ClassifierError(f"{source.name}: no header row; the first line should name the columns")
    columns = unique(["" if c is None else from_cell(str(c)) for c in header])
    text, own_id = choose_columns(columns, source.name, text_column, id_column)

    def rows() -> Iterator[Row]:
        number = 0
        for values in lines:
            if all(v is None for v in values):
                continue
            number += 1
            cells = [from_cell(v) if isinstance(v, str) else v for v in (*values[: len(columns)], *[None] * (len(columns) - len(values)))]
            fields = dict(zip(columns, cells, strict=True))
            yield make_row(number, fields, text, own_id, unreadable(fields.get(text)))

    return Source(columns, text, own_id, rows(), format=".xlsx")


def _read_parquet(source: Input, text_column: str | None, id_column: str | None) -> Source:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ClassifierError(f'{source.name}: Parquet needs an extra: pip install -e ".[parquet]" (in its folder)') from error
    try:
        file = parquet.ParquetFile(source.open())
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise ClassifierError(f"{source.name}: not a readable Parquet file ({_reason(error)})") from error
    columns = list(file.schema_arrow.names)
    text, own_id = choose_columns(columns, source.name, text_column, id_column)

    def rows() -> Iterator[Row]:
        number = 0
        for batch in file.iter_batches(batch_size=BATCH):
            for fields in batch.to_pylist():
                number += 1
                yield make_row(number, fields, text, own_id, unreadable(fields.get(text)))

    return Source(columns, text, own_id, rows(), format=".parquet", schema=file.schema_arrow)


def _read_folder(folder: Path) -> Source:
    if not _names(folder, "", 1):
        raise ClassifierError(f"{folder}: no .txt file in this folder")

    def rows() -> Iterator[Row]:
        last = ""
        while names := _names(folder, last, PAGE):
            yield from (_text_file(folder / name) for name in names)
            last = names[-1]

    return Source(["id", "text"], "text", "id", rows(), format=".txt")


def _names(folder: Path, after: str, count: int) -> list[str]:
    """The next names of texts in order, however many files the folder has."""
    with os.scandir(folder) as entries:
        return heapq.nsmallest(count, (e.name for e in entries if e.name.endswith(".txt") and e.name > after))


def _text_file(path: Path) -> Row:
    text, problem = "", None
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            problem = "er en mappe eller noe annet, ikke en fil"
        else:
            with path.open("rb") as file:
                raw = file.read(LARGEST)
                cut = f"filen er lengre enn {LARGEST} byte og er kuttet" if file.read(1) else None
            text = raw.decode(detect_encoding(Input(str(path), lambda: path.open("rb"))), errors="replace")  # line ends as they are
            problem = cut or unreadable(text)
    except OSError as error:
        problem = f"filen kan ikke leses: {error.strerror}"
    return Row(path.stem, text, {"id": path.stem, "text": text}, problem, size=len(text))


READERS: dict[str, Callable[[Input, str | None, str | None], Source]] = {
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".xlsx": _read_xlsx,
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}
READERS |= {s + packed: READERS[s] for packed in PACKED for s in (".csv", ".tsv", ".jsonl")}
