"""Writers: rows with their predictions -> a file.

Rows are written to `.<name>.part` beside the output, with a small journal of what is safely there; the final name appears only when all is
written. A workbook or a Parquet file cannot grow row by row, so their part is JSON lines, turned into the format at the end.

To add a format: an encoder (text formats) or a finisher (others), and a row in `FORMATS`.
"""

import csv
import gzip
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.documents.readers import suffix_of
from classifier.documents.rows import Row, Source
from classifier.errors import ClassifierError
from classifier.prediction import Prediction
from classifier.taxonomy import Taxonomy

UNSAFE = "=+-@\t\r"  # what a spreadsheet takes for the start of a formula
Encoder = Callable[[Row, Prediction], str]


@dataclass(frozen=True)
class Settings:
    """What every writer needs to know of a run."""

    source: Source
    taxonomy: Taxonomy
    suffix: str
    all_scores: bool = False


def as_json(row: Row, prediction: Prediction, all_scores: bool) -> dict[str, Any]:
    """One line of JSONL: id, prediction, then the other input keys; one that collides becomes `input_<key>`."""
    out = {"id": row.id, **prediction.to_dict(all_scores)}
    if row.problem:
        out["warnings"] = [row.problem, *out["warnings"]]
    for key, value in row.fields.items():
        if key == "id" and str(value) == row.id:
            continue
        out[f"input_{key}" if key in out else key] = value
    return out


def made_columns(settings: Settings) -> list[str]:
    """The columns that we add to a table, in order, before collisions are settled."""
    names = []
    for facet in settings.taxonomy.facets:
        names += [facet.code] if facet.unit == "document" else [facet.code, f"{facet.code}_setninger"]
    if {"type", "fase", "verdi"} <= set(names):
        names.append("innovasjon")
    names += [f"sannsynlighet_{facet.code}_{code}" for facet in settings.taxonomy.facets for code in facet.codes]
    return [*names, "til_kontroll", "merknad", "språk", "modell"]


def table_columns(settings: Settings) -> list[str]:
    """The header of an output table: the input's columns, then ours, with `ny_` before a name that is taken."""
    columns = list(settings.source.columns)
    for name in made_columns(settings):
        free = name
        while free in columns:
            free = f"ny_{free}"
        columns.append(free)
    return columns


def made_cells(row: Row, prediction: Prediction, settings: Settings) -> list[str | float]:
    """The values of `made_columns`."""
    cells: list[str | float] = []
    for facet in settings.taxonomy.facets:
        cells.append(";".join(prediction.labels(facet.code)))
        if facet.unit == "sentence":
            mentions = prediction.facets[facet.code]
            cells.append(" | ".join(f"[{';'.join(x['label'] for x in m['labels'])}] {' '.join(m['text'].split())}" for m in mentions))
    if prediction.innovasjon is not None:
        cells.append("ja" if prediction.innovasjon["verdict"] else "nei")
    elif {"type", "fase", "verdi"} <= prediction.facets.keys():
        cells.append("")
    cells += [prediction.scores[facet.code][code] for facet in settings.taxonomy.facets for code in facet.codes]
    notes = ([row.problem] if row.problem else []) + list(prediction.warnings)
    cells += [";".join(prediction.review), "; ".join(notes), prediction.language, prediction.model]
    return [f"'{c}" if isinstance(c, str) and c[:1] in UNSAFE and c else c for c in cells]


def _plain(value: Any) -> str:
    """A value of the input as text in a cell."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)


def _csv_line(values: list[str], delimiter: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerow(values)
    return out.getvalue()


def _csv_head(settings: Settings) -> str:
    return "\ufeff" + _csv_line(table_columns(settings), _delimiter(settings))


def _delimiter(settings: Settings) -> str:
    return "\t" if settings.suffix == ".tsv" else settings.source.delimiter


def _csv_encoder(settings: Settings) -> Encoder:
    delimiter = _delimiter(settings)
    comma = delimiter == ";"

    def number(value: str | float) -> str:
        if isinstance(value, str):
            return value
        return f"{value:.4f}".replace(".", ",") if comma else f"{value:.4f}"

    def encode(row: Row, prediction: Prediction) -> str:
        original = [_plain(row.fields.get(column)) for column in settings.source.columns]
        return _csv_line(original + [number(c) for c in made_cells(row, prediction, settings)], delimiter)

    return encode


def _json_encoder(settings: Settings) -> Encoder:
    def encode(row: Row, prediction: Prediction) -> str:
        return json.dumps(as_json(row, prediction, settings.all_scores), ensure_ascii=False, default=str) + "\n"

    return encode


def _table_encoder(settings: Settings) -> Encoder:
    """A row of cells as a JSON line; dates as {"d": …} so that a workbook gets them back as dates."""

    def encode(row: Row, prediction: Prediction) -> str:
        original = [row.fields.get(column) for column in settings.source.columns]
        return (
            json.dumps(original + made_cells(row, prediction, settings), ensure_ascii=False, default=lambda v: {"d": v.isoformat()}) + "\n"
        )

    return encode


def _lines(part: Path) -> Iterator[Any]:
    with part.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _finish_xlsx(part: Path, out: Path, settings: Settings) -> None:
    """Every cell is written as a value: a text that starts with `=` stays a text."""
    from datetime import datetime

    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet("innovasjon")

    def cell(value: Any) -> Any:
        if isinstance(value, dict) and set(value) == {"d"}:
            return datetime.fromisoformat(value["d"]) if "T" in value["d"] or "-" in value["d"] else value["d"]
        if isinstance(value, (dict, list)):
            value = json.dumps(value, ensure_ascii=False)
        if isinstance(value, str):
            made = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value)[:32_767])
            made.data_type = "s"
            return made
        return value

    sheet.append([cell(name) for name in table_columns(settings)])
    for values in _lines(part):
        sheet.append([cell(v) for v in values])
    book.save(out)


def _finish_parquet(part: Path, out: Path, settings: Settings) -> None:
    try:
        import pyarrow
        from pyarrow import json as arrow_json
        from pyarrow import parquet
    except ImportError as error:
        raise ClassifierError(f'{out}: Parquet needs an extra: pip install "norwegian-innovation-classifier[parquet]"') from error
    table = arrow_json.read_json(part, parse_options=arrow_json.ParseOptions(explicit_schema=_schema(pyarrow, settings)))
    parquet.write_table(table, out)


def _schema(pa: Any, settings: Settings) -> Any:
    """The types of the prediction's keys, so that an empty list is still a list of labels; the input's own types where it has them."""
    word = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("weight", pa.float64())])
    label = pa.struct([("label", pa.string()), ("probability", pa.float64()), ("evidence", pa.list_(word))])
    span = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("text", pa.string()), ("labels", pa.list_(label))])
    one = pa.struct([("label", pa.string()), ("probability", pa.float64())])
    fields = [("id", pa.string()), ("model", pa.string()), ("language", pa.string())]
    for facet in settings.taxonomy.facets:
        kind = pa.list_(span) if facet.unit == "sentence" else one if facet.choice == "single" else pa.list_(label)
        fields.append((facet.code, kind))
    verdict = pa.struct([("verdict", pa.bool_()), ("missing", pa.list_(pa.string()))])
    fields += [("innovasjon", verdict), ("review", pa.list_(pa.string())), ("warnings", pa.list_(pa.string()))]
    if settings.all_scores:
        fields.append(("scores", pa.struct([(f.code, pa.struct([(c, pa.float64()) for c in f.codes])) for f in settings.taxonomy.facets])))
    taken = {name for name, _ in fields}
    for column in settings.source.columns:
        if column == "id":
            continue
        name = f"input_{column}" if column in taken else column
        if settings.source.schema is not None:
            fields.append((name, settings.source.schema.field(column).type))
        elif settings.source.format != ".jsonl":
            fields.append((name, pa.string()))
    return pa.schema(fields)


def _finish_gzip(part: Path, out: Path, settings: Settings) -> None:
    with part.open("rb") as plain, out.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
        shutil.copyfileobj(plain, packed)


def _finish_text(part: Path, out: Path, settings: Settings) -> None:
    os.replace(part, out)


@dataclass(frozen=True, slots=True)
class Format:
    encoder: Callable[[Settings], Encoder]
    head: Callable[[Settings], str]
    finish: Callable[[Path, Path, Settings], None]


def _no_head(settings: Settings) -> str:
    return ""


FORMATS: dict[str, Format] = {
    ".csv": Format(_csv_encoder, _csv_head, _finish_text),
    ".tsv": Format(_csv_encoder, _csv_head, _finish_text),
    ".jsonl": Format(_json_encoder, _no_head, _finish_text),
    ".jsonl.gz": Format(_json_encoder, _no_head, _finish_gzip),
    ".xlsx": Format(_table_encoder, _no_head, _finish_xlsx),
    ".parquet": Format(_json_encoder, _no_head, _finish_parquet),
}


def format_of(path: Path) -> str:
    """The output format of a path. Raises `ClassifierError` for a suffix that no writer has."""
    suffix = suffix_of(path)
    if suffix not in FORMATS:
        raise ClassifierError(f"{path}: unknown output format {path.suffix or '(no suffix)'}; known are {', '.join(FORMATS)}")
    return suffix


def open_sink(settings: Settings) -> tuple[str, Encoder]:
    """(what stands before the first row, the function that encodes a row) of a format."""
    made = FORMATS[settings.suffix]
    return made.head(settings), made.encoder(settings)
