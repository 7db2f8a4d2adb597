"""Writers: rows with their predictions -> a file.

Rows are written to `.<name>.part` beside the output, with a small journal of what is safely there; the final name appears only when all is
written. How workbooks and Parquet files are made of such parts is in `binary.py`.

To add a format: an encoder (text formats) or a finisher (others), and a row in `FORMATS`.
"""

import codecs
import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from typing import Any

from classifier.documents.binary import CELL, MOST_COLUMNS, finish_parquet, finish_xlsx, free_key, plain, to_line
from classifier.documents.packed import PACKED, pack, zstd
from classifier.documents.readers import MOST_KEYS, suffix_of
from classifier.documents.rows import Row, Settings
from classifier.errors import ClassifierError
from classifier.prediction import Prediction
from classifier.taxonomy import JUDGED

UNSAFE = "=+-@\t\r\n＝＋－＠"  # what a spreadsheet takes for the start of a formula
Encoder = Callable[[Row, Prediction], bytes]


def as_json(row: Row, prediction: Prediction, all_scores: bool) -> dict[str, Any]:
    """One line of JSONL: id, prediction, then the other input keys; one that collides becomes `input_<key>`."""
    out = {"id": row.id, **prediction.to_dict(all_scores)}
    if row.problem:
        out["warnings"] = [row.problem, *out["warnings"]]
    for key, value in row.fields.items():
        if key == "id" and str(value) == row.id:
            continue
        out[free_key(key, out)] = value
    return out


def made_columns(settings: Settings) -> list[str]:
    """The columns that we add to a table, in order, before collisions are settled."""
    names = []
    for facet in settings.taxonomy.facets:
        names += [facet.code] if facet.unit == "document" else [facet.code, f"{facet.code}_setninger"]
    if set(names) >= JUDGED:
        names.append("innovasjon")
    names += [f"sannsynlighet_{facet.code}_{code}" for facet in settings.taxonomy.facets for code in facet.codes]
    return [*names, "til_kontroll", "merknad", "språk", "modell"]


def table_columns(settings: Settings) -> list[str]:
    """The header of an output table: the input's columns, then ours, with `ny_` before a name that is taken."""
    columns = dict.fromkeys(settings.source.columns)
    for name in made_columns(settings):
        free = name
        while free in columns:
            free = f"ny_{free}"
        columns[free] = None
    return list(columns)


def made_cells(row: Row, prediction: Prediction, settings: Settings) -> list[str | float]:
    """The values of `made_columns`."""
    cells: list[str | float] = []
    for facet in settings.taxonomy.facets:
        cells.append(safe(";".join(prediction.labels(facet.code))))
        if facet.unit == "sentence":
            mentions = prediction.facets[facet.code]
            cells.append(" | ".join([f"[{';'.join([x['label'] for x in m['labels']])}] {' '.join(m['text'].split())}" for m in mentions]))
    if prediction.innovasjon is not None:
        cells.append("ja" if prediction.innovasjon["verdict"] else "nei")
    elif prediction.facets.keys() >= JUDGED:
        cells.append("")
    for facet in settings.taxonomy.facets:
        cells += map(prediction.scores[facet.code].__getitem__, facet.codes)
    notes = ([row.problem] if row.problem else []) + list(prediction.warnings)
    cells += [safe(";".join(prediction.review)), safe("; ".join(notes)), prediction.language, safe(prediction.model)]
    return cells


def safe(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell and cell[0] in UNSAFE else cell


def _csv_writer(delimiter: str) -> Callable[[list[Any]], bytes]:
    out = io.StringIO(newline="")
    write = csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerow

    def line(values: list[Any]) -> bytes:
        out.seek(0)
        out.truncate()
        write(values)
        return out.getvalue().encode("utf-8", "replace")

    return line


def _csv_head(settings: Settings) -> bytes:
    return codecs.BOM_UTF8 + _csv_writer(_delimiter(settings))(table_columns(settings))


def _delimiter(settings: Settings) -> str:
    return "\t" if settings.suffix.startswith(".tsv") else settings.source.delimiter


def _csv_encoder(settings: Settings) -> Encoder:
    delimiter = _delimiter(settings)
    line, columns = _csv_writer(delimiter), settings.source.columns
    form = "{:.4f}".format if delimiter != ";" else lambda value: f"{value:.4f}".replace(".", ",")

    def encode(row: Row, prediction: Prediction) -> bytes:
        original = [plain(row.fields.get(column)) for column in columns]
        return line(original + [c if isinstance(c, str) else form(c) for c in made_cells(row, prediction, settings)])

    return encode


def _json_encoder(settings: Settings) -> Encoder:
    def encode(row: Row, prediction: Prediction) -> bytes:
        made = as_json(row, prediction, settings.all_scores)
        try:
            line = json.dumps(made, ensure_ascii=False, default=str, allow_nan=False)
        except ValueError:  # JSON has no infinity
            line = json.dumps(_finite(made), ensure_ascii=False, default=str)
        return f"{line}\n".encode("utf-8", "backslashreplace")  # half a surrogate pair goes out as it came in, as \udxxx

    return encode


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _table_encoder(settings: Settings) -> Encoder:
    """A row of cells as a line of a workbook's part."""

    def encode(row: Row, prediction: Prediction) -> bytes:
        original = [row.fields.get(column) for column in settings.source.columns]
        strings = [v for v in original if isinstance(v, str)]
        notes = [row.problem]
        if any(len(v) > CELL for v in strings):
            notes.append(f"cellen er kuttet til {CELL} tegn, som er det Excel rommer")
        row = replace(row, problem="; ".join(filter(None, notes)) or None)
        return to_line(original + made_cells(row, prediction, settings))

    return encode


def _table_head(settings: Settings) -> bytes:
    return to_line(table_columns(settings))


def _parquet_encoder(settings: Settings) -> Encoder:
    return lambda row, prediction: to_line(as_json(row, prediction, settings.all_scores))


def _finish_packed(part: Path, out: Path, settings: Settings) -> None:
    pack(part, out, Path(settings.suffix).suffix)


@dataclass(frozen=True, slots=True)
class Format:
    encoder: Callable[[Settings], Encoder]
    head: Callable[[Settings], bytes]
    finish: Callable[[Path, Path, Settings], None] | None  # part file -> output; None where they are the same
    evidence: bool = False  # the output shows the words that spoke for a label


def _no_head(settings: Settings) -> bytes:
    return b""


FORMATS: dict[str, Format] = {
    ".csv": Format(_csv_encoder, _csv_head, None),
    ".tsv": Format(_csv_encoder, _csv_head, None),
    ".jsonl": Format(_json_encoder, _no_head, None, evidence=True),
    ".xlsx": Format(_table_encoder, _table_head, finish_xlsx),
    ".parquet": Format(_parquet_encoder, _no_head, finish_parquet, evidence=True),
}
FORMATS |= {s + packed: replace(f, finish=_finish_packed) for s, f in FORMATS.items() if f.finish is None for packed in PACKED}


def format_of(path: Path) -> str:
    """The output format of a path. Raises `ClassifierError` for a suffix that no writer has."""
    suffix = suffix_of(path)
    if suffix not in FORMATS:
        raise ClassifierError(f"{path}: unknown output format {path.suffix or '(no suffix)'}; known are {', '.join(FORMATS)}")
    if suffix == ".parquet" and find_spec("pyarrow") is None:  # before the work, not after it
        raise ClassifierError(f'{path}: Parquet needs an extra: pip install -e ".[parquet]" (in its folder)')
    if suffix.endswith(".zst"):
        zstd(str(path))
    return suffix


def check_width(settings: Settings, name: str) -> None:
    """Raises `ClassifierError` where a format cannot hold the columns."""
    count = len(settings.source.columns) + len(made_columns(settings))
    if settings.suffix == ".xlsx" and count > MOST_COLUMNS:
        raise ClassifierError(f"{name}: {count} columns, and XLSX holds {MOST_COLUMNS}; write .csv")
    if settings.source.format == ".jsonl" and count > MOST_KEYS and not FORMATS[settings.suffix].evidence:
        raise ClassifierError(f"{name}: the lines have more than {MOST_KEYS} different keys, too many for a table; write .jsonl")


def head_of(settings: Settings) -> bytes:
    """What stands before the first row in a format."""
    return FORMATS[settings.suffix].head(settings)


def encoder_of(settings: Settings) -> Encoder:
    """The function that encodes a row in a format."""
    encode, complete = FORMATS[settings.suffix].encoder(settings), settings.source.complete
    if complete is None:
        return encode

    def completed(row: Row, prediction: Prediction) -> bytes:
        complete(row, prediction, settings.taxonomy)
        return encode(row, prediction)

    return completed
