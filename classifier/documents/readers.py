"""Readers: a file -> `Row`s. A row that cannot be read is a row with a `problem`, never a missing one."""

import codecs
import csv
import gzip
import io
import json
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import IO, Any

from classifier.documents.rows import Input, Row, Source, choose_columns, detect_encoding, make_row, unique
from classifier.errors import ClassifierError

DELIMITERS = ";,\t|"
UNREADABLE = "teksten har tegn som ikke kan leses"
LARGEST_FIELD = 100_000_000  # characters

csv.field_size_limit(LARGEST_FIELD)

# What the libraries underneath raise for a file that is damaged or not what its suffix says.
DAMAGED = (OSError, EOFError, ValueError, KeyError, IndexError, SyntaxError, zipfile.BadZipFile, zlib.error)


def open_source(path: str, text_column: str | None = None, id_column: str | None = None) -> Source:
    """Open a file by its suffix, a folder of .txt files, or `-` (standard input: JSONL if it starts with `{`, else CSV).

    Raises `ClassifierError` for a file that is missing, empty, unreadable, or has no such column.
    """
    name = "standard input" if path == "-" else path
    try:
        source = _opened_source(path, name, text_column, id_column)
    except ClassifierError:
        raise
    except DAMAGED as error:
        raise ClassifierError(f"{name}: cannot read: {_reason(error)}") from error
    return replace(source, rows=_guarded(source.rows, name), name=path if path == "-" else str(Path(path).resolve()))


def _opened_source(path: str, name: str, text_column: str | None, id_column: str | None) -> Source:
    if path == "-":
        data = sys.stdin.buffer.read()
        if not data.strip():
            raise ClassifierError(f"{name}: is empty")
        reader = READERS[".jsonl" if data.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"{" else ".csv"]
        return reader(Input(name, lambda: io.BytesIO(data)), text_column, id_column)
    place = Path(path)
    if place.is_dir():
        return _read_folder(place)
    if not place.exists():
        raise ClassifierError(f"{path}: no such file")
    suffix = suffix_of(place)
    if suffix not in READERS:
        raise ClassifierError(f"{path}: unknown format {place.suffix or '(no suffix)'}; known are {', '.join(READERS)} and folders of .txt")
    if place.stat().st_size == 0:
        raise ClassifierError(f"{path}: the file is empty")
    return READERS[suffix](Input(path, lambda: _opened(place)), text_column, id_column)


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


def open_sources(paths: Sequence[str], text_column: str | None = None, id_column: str | None = None) -> Source:
    """Several inputs as one. Raises `ClassifierError` when they do not have the same columns."""
    sources = [open_source(path, text_column, id_column) for path in paths]
    first = sources[0]
    for path, other in zip(paths, sources, strict=True):
        if set(other.columns) != set(first.columns):
            differ = ", ".join(sorted(set(other.columns) ^ set(first.columns)))
            raise ClassifierError(f"{path}: other columns than {paths[0]} ({differ}); label them one by one")

    def rows() -> Iterator[Row]:
        for number, row in enumerate(chain.from_iterable(s.rows for s in sources), 1):
            yield replace(row, id=str(number)) if row.numbered else row

    return replace(first, rows=rows(), name="; ".join(s.name for s in sources))


def suffix_of(path: Path) -> str:
    """The suffix that decides the format, `.jsonl.gz` in whole."""
    name = path.name.lower()
    return next((s for s in (".jsonl.gz", ".csv.gz", ".tsv.gz") if name.endswith(s)), path.suffix.lower())


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")  # type: ignore[return-value]


def _read_csv(source: Input, text_column: str | None, id_column: str | None, delimiter: str | None = None) -> Source:
    encoding = detect_encoding(source)
    with io.TextIOWrapper(source.open(), encoding=encoding, errors="replace", newline="") as file:
        head = file.readline()
        if "\0" in head:
            raise ClassifierError(f"{source.name}: not a text file in an encoding that can be read; save it as CSV UTF-8")
        separator = delimiter or max(DELIMITERS, key=lambda d: (head.count(d), -DELIMITERS.index(d)))
        file.seek(0)
        columns = next(csv.reader(file, delimiter=separator), [])
    if not any(c.strip() for c in columns):
        raise ClassifierError(f"{source.name}: no header row; the first line should name the columns")
    columns = unique(columns)
    text, own_id = choose_columns(columns, source.name, text_column, id_column)

    def rows() -> Iterator[Row]:
        with io.TextIOWrapper(source.open(), encoding=encoding, errors="replace", newline="") as lines:
            reader = csv.reader(lines, delimiter=separator)
            next(reader)
            number = 0
            while True:
                try:
                    values = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    number += 1
                    yield make_row(number, dict.fromkeys(columns, ""), text, own_id, f"raden kan ikke leses: {error}")
                    continue
                if not values:  # a blank line is no row
                    continue
                number += 1
                problem = None
                if len(values) != len(columns):
                    problem = f"raden har {len(values)} felt, overskriften {len(columns)}"
                    values = [*values[: len(columns) - 1], separator.join(values[len(columns) - 1 :])]
                    values += [""] * (len(columns) - len(values))
                fields = dict(zip(columns, values, strict=True))
                if "\ufffd" in fields.get(text, ""):
                    problem = problem or UNREADABLE
                yield make_row(number, fields, text, own_id, problem)

    return Source(columns, text, own_id, rows(), separator, ".csv")


def _read_tsv(source: Input, text_column: str | None, id_column: str | None) -> Source:
    return _read_csv(source, text_column, id_column, "\t")


def _json_lines(source: Input) -> Iterator[tuple[dict[str, Any], str | None]]:
    """(fields, problem) of each line that is not blank."""
    with source.open() as file:
        for line in file:
            if not line.strip():
                continue
            raw = line.decode("utf-8-sig", errors="replace").rstrip("\r\n")
            try:
                value = json.loads(raw, parse_constant=lambda name: None)  # NaN is no JSON
            except (ValueError, RecursionError) as error:
                yield {"input": raw}, f"linjen er ikke gyldig JSON: {error}"
                continue
            if isinstance(value, dict):
                yield value, UNREADABLE if "\ufffd" in raw else None
            else:
                yield {"input": raw}, "linjen er ikke et JSON-objekt"


def _read_jsonl(source: Input, text_column: str | None, id_column: str | None) -> Source:
    columns = list(dict.fromkeys(k for fields, _ in _json_lines(source) for k in fields))
    if not columns:
        raise ClassifierError(f"{source.name}: the file is empty")
    text, own_id = choose_columns(columns, source.name, text_column, id_column)

    def rows() -> Iterator[Row]:
        for number, (fields, problem) in enumerate(_json_lines(source), 1):
            yield make_row(number, fields, text, own_id, problem)

    return Source(columns, text, own_id, rows(), format=".jsonl")


def _read_xlsx(source: Input, text_column: str | None, id_column: str | None) -> Source:
    from openpyxl import load_workbook

    try:
        book = load_workbook(source.open(), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # some programs write a wrong size
        lines = sheet.iter_rows(values_only=True)
        header = next(lines, ())
    except DAMAGED as error:
        raise ClassifierError(f"{source.name}: not a readable XLSX file ({_reason(error)})") from error
    if not any(header):
        raise ClassifierError(f"{source.name}: no header row; the first line should name the columns")
    columns = unique(["" if c is None else str(c) for c in header])
    text, own_id = choose_columns(columns, source.name, text_column, id_column)

    def rows() -> Iterator[Row]:
        number = 0
        for values in lines:
            if all(v is None for v in values):
                continue
            number += 1
            cells = [*values[: len(columns)], *[None] * (len(columns) - len(values))]
            yield make_row(number, dict(zip(columns, cells, strict=True)), text, own_id)

    return Source(columns, text, own_id, rows(), format=".xlsx")


def _read_parquet(source: Input, text_column: str | None, id_column: str | None) -> Source:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ClassifierError(f'{source.name}: Parquet needs an extra: pip install "norwegian-innovation-classifier[parquet]"') from error
    try:
        file = parquet.ParquetFile(source.open())
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise ClassifierError(f"{source.name}: not a readable Parquet file ({_reason(error)})") from error
    columns = list(file.schema_arrow.names)
    text, own_id = choose_columns(columns, source.name, text_column, id_column)

    def rows() -> Iterator[Row]:
        number = 0
        for batch in file.iter_batches(batch_size=1024):
            for fields in batch.to_pylist():
                number += 1
                yield make_row(number, fields, text, own_id)

    return Source(columns, text, own_id, rows(), format=".parquet", schema=file.schema_arrow)


def _read_folder(folder: Path) -> Source:
    files = sorted(folder.glob("*.txt"))
    if not files:
        raise ClassifierError(f"{folder}: no .txt file in this folder")

    def rows() -> Iterator[Row]:
        for file in files:
            try:
                source = Input(str(file), lambda file=file: file.open("rb"))  # type: ignore[misc]
                text = file.read_bytes().decode(detect_encoding(source), errors="replace")  # line ends as they are
                yield Row(file.stem, text, {"id": file.stem, "text": text}, UNREADABLE if "\ufffd" in text else None)
            except OSError as error:
                yield Row(file.stem, "", {"id": file.stem, "text": ""}, f"filen kan ikke leses: {error.strerror}")

    return Source(["id", "text"], "text", "id", rows(), format=".txt")


READERS: dict[str, Callable[[Input, str | None, str | None], Source]] = {
    ".csv": _read_csv,
    ".csv.gz": _read_csv,
    ".tsv": _read_tsv,
    ".tsv.gz": _read_tsv,
    ".xlsx": _read_xlsx,
    ".jsonl": _read_jsonl,
    ".jsonl.gz": _read_jsonl,
    ".parquet": _read_parquet,
}
