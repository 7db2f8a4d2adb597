"""Workbooks and Parquet files, which cannot grow row by row: their part file is JSON lines, turned into the format at the end.

What JSON has no type for (dates, decimals, bytes) is tagged on the way in and comes back as it was.
"""

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from classifier.documents.rows import Settings
from classifier.errors import ClassifierError

CELL = 32_767  # characters that Excel holds in one cell
MOST_COLUMNS, MOST_ROWS = 16_384, 1_048_576  # that Excel holds in one sheet
EXACT = 10**15  # whole numbers that a cell holds to the last digit
EPOCH = datetime(1980, 1, 1)  # the oldest time of a zip archive
CHUNK = 1024  # rows of a Parquet row group
UNFIT_FOR_XML = re.compile("[\\x00-\\x08\\x0b-\\x1f\\ud800-\\udfff\\ufffe\\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
UNFIT = (ValueError, TypeError, OverflowError, NotImplementedError)  # pyarrow's own errors are of these
TAG = "\0type"
TAGGED: dict[type, tuple[Any, Any]] = {  # to a string, and back
    datetime: (datetime.isoformat, datetime.fromisoformat),
    date: (date.isoformat, date.fromisoformat),
    time: (time.isoformat, time.fromisoformat),
    timedelta: (lambda v: str(v // timedelta(microseconds=1)), lambda s: timedelta(microseconds=int(s))),
    Decimal: (str, Decimal),
    bytes: (lambda v: v.decode("latin-1"), lambda s: s.encode("latin-1")),
}


def to_line(value: Any) -> bytes:
    """A value as one line of a part file."""
    return (json.dumps(value, ensure_ascii=False, default=_tagged) + "\n").encode("utf-8", "replace")


def _tagged(value: Any) -> Any:
    kind = next((kind for kind in TAGGED if isinstance(value, kind)), None)
    return str(value) if kind is None else {TAG: kind.__name__, "value": TAGGED[kind][0](value)}


def _untagged(value: dict[str, Any]) -> Any:
    kind = next((kind for kind in TAGGED if kind.__name__ == value.get(TAG)), None)
    return value if kind is None else TAGGED[kind][1](value["value"])


def _lines(part: Path) -> Iterator[Any]:
    with part.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line, object_hook=_untagged)


class _Timeless(ZipFile):
    """An archive in which nothing tells when it was made: the same content gives the same bytes."""

    def writestr(self, zinfo_or_arcname: Any, data: Any, compress_type: int | None = None, compresslevel: int | None = None) -> None:
        super().writestr(self._info(zinfo_or_arcname), data, compress_type, compresslevel)

    def write(self, filename: Any, arcname: Any = None, compress_type: Any = None, compresslevel: Any = None) -> None:  # noqa: ARG002
        with open(filename, "rb") as file, self.open(self._info(arcname or filename), "w", force_zip64=True) as member:
            shutil.copyfileobj(file, member)

    def _info(self, name: Any) -> ZipInfo:
        info = ZipInfo(str(getattr(name, "filename", name)), EPOCH.timetuple()[:6])
        info.compress_type = ZIP_DEFLATED
        return info


def to_cell(text: str) -> str:
    """A text as it stands in a workbook: what XML cannot hold, or would change (a carriage return), as `_xHHHH_`, which Excel reads.

    Source: ST_Xstring, ECMA-376 part 1, 22.9.2.19.
    """
    return UNFIT_FOR_XML.sub(lambda m: f"_x{ord(m[0]):04X}_", text)


def from_cell(text: str) -> str:
    """The text of a cell: `to_cell` undone."""
    return ESCAPED.sub(lambda m: chr(int(m[1], 16)), text)


def save_workbook(out: Path | IO[bytes], sheets: Mapping[str, Iterable[Sequence[Any]]]) -> None:
    """Sheets of rows, a head first; the same rows give the same bytes.

    Every cell is written as a value: a text that starts with `=` stays a text. A text too long for a cell is cut. What one sheet cannot
    hold goes on in the next, under the same head.
    """
    from openpyxl import Workbook
    from openpyxl.writer.excel import ExcelWriter

    book = Workbook(write_only=True)
    book.properties.created = book.properties.modified = EPOCH
    for name, rows in sheets.items():
        sheet, lines = book.create_sheet(name), iter(rows)
        head = next(lines, ())
        sheet.append([_cell(sheet, v) for v in head])
        for number, values in enumerate(lines):
            if number and number % (MOST_ROWS - 1) == 0:
                sheet = book.create_sheet(f"{name} {number // (MOST_ROWS - 1) + 1}")
                sheet.append([_cell(sheet, v) for v in head])
            sheet.append([_cell(sheet, v) for v in values])
    with _Timeless(out, "w", ZIP_DEFLATED, allowZip64=True) as archive:
        ExcelWriter(book, archive).write_data()


def _cell(sheet: Any, value: Any) -> Any:
    from openpyxl.cell import WriteOnlyCell

    if isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, (datetime, time)) and value.tzinfo:  # Excel knows no time zones
        value = value.isoformat()
    if isinstance(value, bytes) or (isinstance(value, float) and not isfinite(value)) or (isinstance(value, int) and abs(value) >= EXACT):
        value = str(value)
    if not isinstance(value, str):
        return value
    made = WriteOnlyCell(sheet, to_cell(value)[:CELL])
    made.data_type = "s"
    return made


def finish_xlsx(part: Path, out: Path, settings: Settings) -> None:
    """One sheet of the rows of a part file."""
    save_workbook(out, {"innovasjon": _lines(part)})


def finish_parquet(part: Path, out: Path, settings: Settings) -> None:
    """The prediction's keys by `_schema`; other columns by their type in the input, else by what stands in them, else as text."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ClassifierError(f'{out}: Parquet needs an extra: pip install -e ".[parquet]" (in its folder)') from error
    types = _schema(pyarrow, settings)
    known = set(types)
    for rows in _chunks(part):
        for name in dict.fromkeys(name for row in rows for name in row):
            if name not in known:
                types[name] = _joined(pyarrow, types.get(name, pyarrow.null()), [row.get(name) for row in rows])
    for rows in _chunks(part):  # what holds for each chunk need not hold for all of them
        for name in types.keys() - known:
            try:
                _column(pyarrow, [row.get(name) for row in rows], types[name])
            except UNFIT:
                types[name] = pyarrow.string()
    schema = pyarrow.schema(list(types.items()))
    with parquet.ParquetWriter(out, schema) as file:
        for rows in _chunks(part):
            columns = [_column(pyarrow, [row.get(name) for row in rows], kind) for name, kind in types.items()]
            file.write_table(pyarrow.Table.from_arrays(columns, schema=schema))


def _chunks(part: Path) -> Iterator[list[dict[str, Any]]]:
    lines = _lines(part)
    while rows := list(islice(lines, CHUNK)):
        yield rows


def _joined(pa: Any, kind: Any, values: list[Any]) -> Any:
    """The type that holds all that `kind` holds and these values; text where there is no better one."""
    try:
        found = pa.array(values).type
        joined = pa.unify_schemas([pa.schema([("x", kind)]), pa.schema([("x", found)])], promote_options="permissive").field("x").type
    except UNFIT:
        return pa.string()
    return pa.string() if "struct<>" in str(joined) else joined  # Parquet has no struct without fields


def _column(pa: Any, values: list[Any], kind: Any) -> Any:
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        values = [v if v is None else plain(v) for v in values]
    return pa.array(values, kind)


def plain(value: Any) -> str:
    """A value of the input as text in a cell."""
    if value is None:
        return ""
    return (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, default=str)
        if isinstance(value, (dict, list))
        else str(value)
    )


def _schema(pa: Any, settings: Settings) -> dict[str, Any]:
    """The types of the prediction's keys, so that an empty list is still a list of labels; the input's own types where it has them."""
    word = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("weight", pa.float64())])
    label = pa.struct([("label", pa.string()), ("probability", pa.float64()), ("evidence", pa.list_(word))])
    span = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("text", pa.string()), ("labels", pa.list_(label))])
    one = pa.struct([("label", pa.string()), ("probability", pa.float64())])
    types = {"id": pa.string(), "model": pa.string(), "language": pa.string()}
    for facet in settings.taxonomy.facets:
        types[facet.code] = pa.list_(span) if facet.unit == "sentence" else one if facet.choice == "single" else pa.list_(label)
    types["innovasjon"] = pa.struct([("verdict", pa.bool_()), ("missing", pa.list_(pa.string()))])
    types |= {"review": pa.list_(pa.string()), "warnings": pa.list_(pa.string())}
    if settings.all_scores:
        types["scores"] = pa.struct([(f.code, pa.struct([(c, pa.float64()) for c in f.codes])) for f in settings.taxonomy.facets])
    if settings.source.schema is not None:
        for column in settings.source.columns:
            if column != "id":
                types[free_key(column, types)] = settings.source.schema.field(column).type
    return types


def free_key(key: str, taken: Any) -> str:
    """The key, with `input_` before it as often as needed to be none of `taken`."""
    while key in taken:
        key = f"input_{key}"
    return key
