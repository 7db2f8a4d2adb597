"""Files in and out: every format, every row, as they were, with our columns after them."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from classifier import ClassifierError, batch, load, taxonomy
from classifier.documents import open_source, open_sources
from classifier.documents.labelled import read_labelled
from classifier.storage import Model

ROWS = [
    {"id": "a1", "tittel": "Første «prøve»", "beskrivelse": "Kommunen har tatt i bruk en app.\nDet stoppet da pengene tok slutt."},
    {"id": "a2", "tittel": "=1+1", "beskrivelse": 'Vi testar "ny" teneste; den sparer tid, sa dei.'},
    {"id": "a1", "tittel": "", "beskrivelse": ""},
    {"id": "", "tittel": " innrykk ", "beskrivelse": "Ålesund: æøå ÆØÅ – 100 %"},
]
COLUMNS = list(ROWS[0])
IDS = ["a1", "a2", "a1", "4"]
FACETS = taxonomy.shipped().facets
OURS = [c for f in FACETS for c in ([f.code] if f.unit == "document" else [f.code, f"{f.code}_setninger"])] + ["innovasjon"]
OURS += [f"sannsynlighet_{f.code}_{code}" for f in FACETS for code in f.codes] + ["til_kontroll", "merknad", "språk", "modell"]
EMPTY, REPEATED = "teksten er tom", "id-en står også på en tidligere rad"


@pytest.fixture(scope="module")
def small(small_model: Path) -> Model:
    return load(small_model)


def label(path: Path | str, out: Path, model: Model, **more: Any) -> Path:
    options = {k: more.pop(k) for k in ("text_column", "id_column") if k in more}
    paths = [str(p) for p in path] if isinstance(path, list) else [str(path)]
    batch.label(open_sources(paths, **options), out, model, **more)
    assert sorted(p.name for p in out.parent.iterdir() if p.name.startswith(f".{out.name}")) == [], "nothing is left beside the output"
    return out


def as_csv(rows: list[dict[str, str]], delimiter: str = ";", columns: list[str] = COLUMNS) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([row[c] for c in columns] for row in rows)
    return out.getvalue()


def read_csv(path: Path, delimiter: str = ";") -> list[dict[str, str]]:
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf"), "UTF-8 with BOM, as Excel wants it"
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=delimiter, strict=True))


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    assert raw.endswith(b"\n")
    return [json.loads(line) for line in raw.decode("utf-8").removesuffix("\n").split("\n")]


def read_xlsx(path: Path) -> list[dict[str, Any]]:
    header, *lines = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    return [dict(zip(header, line, strict=True)) for line in lines]


def write_xlsx(path: Path, rows: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    for r, row in enumerate(rows, 1):
        for c, value in enumerate(row, 1):
            cell = book.active.cell(r, c)
            cell.value = value
            if isinstance(value, str):
                cell.data_type = "s"
    book.save(path)
    return path


def write_jsonl(path: Path, rows: list[Any]) -> Path:
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


# Round trips


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_csv(tmp_path: Path, small: Model, delimiter: str, encoding: str) -> None:
    """CSV with any delimiter and encoding that Norwegian Excel writes: each row once, in order, original cells untouched."""
    (tmp_path / "in.csv").write_bytes(as_csv(ROWS, delimiter).encode(encoding))
    rows = read_csv(label(tmp_path / "in.csv", tmp_path / "out.csv", small), delimiter)
    assert [{c: row[c] for c in COLUMNS} for row in rows] == ROWS
    assert list(rows[0]) == COLUMNS + OURS
    assert [row["merknad"] for row in rows] == ["", "", f"{REPEATED}; {EMPTY}", ""]
    assert [row["språk"] for row in rows] == ["nb", "nn", "nb", "nb"]
    assert {row["modell"] for row in rows} == {"small 1.0.0"}


@pytest.mark.parametrize(("delimiter", "pattern"), [(";", r"[01],\d{4}"), (",", r"[01]\.\d{4}"), ("\t", r"[01]\.\d{4}")])
def test_decimal_comma(tmp_path: Path, small: Model, delimiter: str, pattern: str) -> None:
    """Probabilities have a decimal comma where the delimiter is a semicolon, else a point."""
    import re

    (tmp_path / "in.csv").write_text(as_csv(ROWS, delimiter), encoding="utf-8", newline="")
    for row in read_csv(label(tmp_path / "in.csv", tmp_path / "out.csv", small), delimiter):
        assert all(re.fullmatch(pattern, value) for name, value in row.items() if name.startswith("sannsynlighet_"))


def test_tsv(tmp_path: Path, small: Model) -> None:
    """A .tsv is tab-separated in and out, even where a header has more commas."""
    rows = [{"id": "1", "a,b;c": "x", "tekst": "Vi prøver en app."}]
    (tmp_path / "in.tsv").write_text(as_csv(rows, "\t", list(rows[0])), encoding="utf-8", newline="")
    out = read_csv(label(tmp_path / "in.tsv", tmp_path / "out.tsv", small), "\t")
    assert [{c: row[c] for c in rows[0]} for row in out] == rows


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_jsonl(tmp_path: Path, small: Model, suffix: str) -> None:
    """JSONL: each line once, in order, the contract's keys first, the other keys passed through with their types."""
    given_rows = [
        {"id": 7, "text": "Kommunen har tatt i bruk en app.", "år": 2021, "tags": ["a", {"b": None}], "ok": True, "p": 0.1},
        {"text": "Vi testar ei ny teneste.", "år": "ukjent"},
        {"id": None, "text": None},
    ]
    rows = read_jsonl(label(write_jsonl(tmp_path / f"in{suffix}", given_rows), tmp_path / f"out{suffix}", small))
    assert [row["id"] for row in rows] == ["7", "2", "3"]
    assert [{k: row[k] for k in source if k != "id"} for row, source in zip(rows, given_rows, strict=True)] == [
        {k: v for k, v in source.items() if k != "id"} for source in given_rows
    ]
    contract = ["id", "model", "language", *(f.code for f in FACETS), "innovasjon", "review", "warnings"]
    assert all(list(row)[: len(contract)] == contract for row in rows)
    assert rows[2]["warnings"] == [EMPTY]


def test_gzip_is_reproducible(tmp_path: Path, small: Model) -> None:
    """The same input gives the same .jsonl.gz, byte for byte."""
    source = write_jsonl(tmp_path / "in.jsonl", [{"text": "Vi har fått en app."}])
    first, second = label(source, tmp_path / "a.jsonl.gz", small), label(source, tmp_path / "b.jsonl.gz", small)
    assert first.read_bytes() == second.read_bytes()


def test_xlsx(tmp_path: Path, small: Model) -> None:
    """XLSX: values keep their types, dates and times too; every row once, in order."""
    header = ["id", "tekst", "tid", "dato", "kl", "varighet", "tall", "brøk", "ja", "tom"]
    moments = [datetime(2021, 5, 17, 12, 30), date(2021, 5, 17), time(8, 15), timedelta(hours=30)]
    values = [
        [1, "Vi prøvde.\nDet gikk.", *moments, 12, 0.25, True, None],
        ["x", None, None, None, None, None, None, None, False, None],
    ]
    rows = read_xlsx(label(write_xlsx(tmp_path / "in.xlsx", [header, *values]), tmp_path / "out.xlsx", small))
    assert list(rows[0]) == header + OURS
    assert [rows[0][c] for c in header] == [*values[0][:3], datetime(2021, 5, 17), *values[0][4:]]
    assert [rows[1][c] for c in header] == values[1]
    assert rows[1]["merknad"] == EMPTY
    assert isinstance(rows[0]["sannsynlighet_fase_ide"], float)


def test_parquet(tmp_path: Path, small: Model) -> None:
    """Parquet: columns keep their types, also those that JSON has none for; predictions have the contract's types."""
    columns = {
        "id": pyarrow.array([7, 8], pyarrow.int64()),
        "text": ["Kommunen har tatt i bruk en app.", None],
        "dato": pyarrow.array([date(2021, 5, 17), None]),
        "tid": pyarrow.array([datetime(2021, 5, 17, 12, 30, 1, 5), None], pyarrow.timestamp("us")),
        "sone": pyarrow.array([datetime(2021, 5, 17), None], pyarrow.timestamp("ms", tz="UTC")),
        "beløp": pyarrow.array([Decimal("1.20"), None], pyarrow.decimal128(10, 2)),
        "rå": pyarrow.array([b"\xff\x00", None]),
        "liste": [[date(2021, 1, 1)], []],
        "post": [{"a": 1, "d": "x-y"}, None],
        "kategori": pyarrow.array(["a", "b"]).dictionary_encode(),
        "f32": pyarrow.array([0.5, None], pyarrow.float32()),
    }
    source = pyarrow.table(columns)
    parquet.write_table(source, tmp_path / "in.parquet")
    made = parquet.read_table(label(tmp_path / "in.parquet", tmp_path / "out.parquet", small))
    for name in source.column_names[1:]:
        assert made[name].to_pylist() == source[name].to_pylist(), name
        assert made.schema.field(name).type == parquet.read_schema(tmp_path / "in.parquet").field(name).type, name
    assert made["id"].to_pylist() == ["7", "8"]
    assert made["warnings"].to_pylist() == [[], [EMPTY]]
    assert made.schema.field("fase").type == pyarrow.struct([("label", pyarrow.string()), ("probability", pyarrow.float64())])


def test_folder_of_txt(tmp_path: Path, small: Model) -> None:
    """A folder: each .txt a row, by name, whatever its encoding, its line ends as they are; other files are left alone."""
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "b.txt").write_bytes("Én\r\nløsning".encode("cp1252"))
    (folder / "a.txt").write_bytes("Første 😀".encode())
    (folder / "c.txt").write_bytes(b"")
    (folder / "d.txt").write_bytes("Til øst".encode("utf-16"))
    (folder / "notes.md").write_text("no")
    rows = read_jsonl(label(folder, tmp_path / "out.jsonl", small))
    assert [(row["id"], row["text"]) for row in rows] == [("a", "Første 😀"), ("b", "Én\r\nløsning"), ("c", ""), ("d", "Til øst")]
    assert rows[2]["warnings"] == [EMPTY]


TABLE = {".csv": read_csv, ".xlsx": read_xlsx, ".jsonl": read_jsonl, ".parquet": lambda p: parquet.read_table(p).to_pylist()}


@pytest.mark.parametrize("out", TABLE)
@pytest.mark.parametrize("given_format", TABLE)
def test_every_format_into_every_other(tmp_path: Path, small: Model, given_format: str, out: str) -> None:
    """Any input goes into any output: one row for each, in order, ids and texts as they were, the same labels everywhere."""
    source = tmp_path / f"in{given_format}"
    rows = [row | {"id": row["id"] or "4", "år": 2021, "merkelig": None} for row in ROWS]
    if given_format == ".csv":
        source.write_text(as_csv([row | {"merkelig": ""} for row in rows], columns=list(rows[0])), encoding="utf-8", newline="")
    elif given_format == ".xlsx":
        write_xlsx(source, [list(rows[0]), *([v or None for v in row.values()] for row in rows)])
    elif given_format == ".parquet":
        parquet.write_table(pyarrow.Table.from_pylist(rows), source)
    else:
        write_jsonl(source, rows)
    made = TABLE[out](label(source, tmp_path / f"out{out}", small))
    assert [row["id"] for row in made] == IDS
    assert [row["beskrivelse"] or "" for row in made] == [row["beskrivelse"] for row in ROWS]
    assert [row["tittel"] or "" for row in made] == [row["tittel"] for row in ROWS]
    assert {str(row["år"]) for row in made} == {"2021"}
    reference = read_jsonl(label(source, tmp_path / "reference.jsonl", small))
    for row, expected in zip(made, reference, strict=True):
        if out in (".csv", ".xlsx"):
            assert (row["type"] or "").split(";") == [x["label"] for x in expected["type"]] or [""]
            assert row["fase"] == expected["fase"]["label"]
            assert (row["merknad"] or "") == "; ".join(expected["warnings"])
        else:
            assert {k: row[k] for k in ("type", "fase", "verdi", "barriere", "innovasjon", "review", "warnings")} == {
                k: expected[k] for k in ("type", "fase", "verdi", "barriere", "innovasjon", "review", "warnings")
            }


# Names that collide


def test_collisions_in_tables(tmp_path: Path, small: Model) -> None:
    """A column of ours whose name is taken gets `ny_`, as often as needed; the original stays where and as it was."""
    rows = [{"id": "1", "tekst": "Vi prøver en app.", "type": "A", "ny_type": "B", "modell": "C", "merknad": "D"}]
    (tmp_path / "in.csv").write_text(as_csv(rows, columns=list(rows[0])), encoding="utf-8", newline="")
    (out,) = read_csv(label(tmp_path / "in.csv", tmp_path / "out.csv", small))
    assert {c: out[c] for c in rows[0]} == rows[0]
    taken = {"type": "ny_ny_type", "modell": "ny_modell", "merknad": "ny_merknad"}
    assert list(out) == [*rows[0], *(taken.get(c, c) for c in OURS)]
    assert out["ny_modell"] == "small 1.0.0"


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
@pytest.mark.parametrize("order", [("type", "input_type"), ("input_type", "type")])
def test_collisions_in_json(tmp_path: Path, small: Model, suffix: str, order: tuple[str, str]) -> None:
    """An input key that collides becomes `input_<key>`, and no value is lost even where that name is taken as well."""
    values = {"type": "A", "input_type": "B"}
    row = {"id": "x", "text": "Vi prøver en app.", **{key: values[key] for key in order}, "model": "C", "warnings": "D"}
    source = tmp_path / f"in{suffix}"
    if suffix == ".parquet":
        parquet.write_table(pyarrow.Table.from_pylist([row]), source)
    else:
        write_jsonl(source, [row])
    (out,) = TABLE[suffix](label(source, tmp_path / f"out{suffix}", small))
    assert out["model"] == "small 1.0.0"
    assert (out["input_model"], out["input_warnings"]) == ("C", "D")
    assert {out["input_type"], out["input_input_type"]} == {"A", "B"}
    assert isinstance(out["type"], list)


def test_id_that_is_not_the_id(tmp_path: Path, small: Model) -> None:
    """With another id column, what stood in `id` is kept as `input_id`."""
    source = write_jsonl(tmp_path / "in.jsonl", [{"id": "a", "nr": 12, "text": "Vi prøver."}])
    (out,) = read_jsonl(label(source, tmp_path / "out.jsonl", small, id_column="nr"))
    assert (out["id"], out["input_id"], out["nr"]) == ("12", "a", 12)


# Formulas


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_our_cells_are_never_formulas(tmp_path: Path, small: Model, start: str) -> None:
    """No cell that we make starts a formula, even where the model's name, or a broken line, would."""
    from dataclasses import replace

    nasty = replace(small, name=f"{start}cmd|' /C calc'!A0")
    (tmp_path / "in.csv").write_text(as_csv(ROWS), encoding="utf-8", newline="")
    for row in read_csv(label(tmp_path / "in.csv", tmp_path / "out.csv", nasty)):
        assert not any(row[c].startswith(("=", "+", "-", "@", "\t", "\r")) for c in OURS)
        assert row["modell"].startswith("'")


def test_xlsx_cells_are_values(tmp_path: Path, small: Model) -> None:
    """In XLSX a text that starts with `=` is a text, ours and the input's; no cell is a formula."""
    (tmp_path / "in.csv").write_text(as_csv(ROWS), encoding="utf-8", newline="")
    sheet = openpyxl.load_workbook(label(tmp_path / "in.csv", tmp_path / "out.xlsx", small)).active
    assert sheet.cell(3, 2).value == "=1+1"
    assert "f" not in {cell.data_type for line in sheet.iter_rows() for cell in line}
    raw = sheet_xml(tmp_path / "out.xlsx")
    assert "<f>" not in raw
    assert "<f " not in raw


def sheet_xml(path: Path) -> str:
    import zipfile

    with zipfile.ZipFile(path) as archive:
        return archive.read("xl/worksheets/sheet1.xml").decode("utf-8")


def test_xlsx_cell_too_long(tmp_path: Path, small: Model) -> None:
    """A text longer than a cell of Excel holds is cut, and the row says so."""
    text = "Kommunen prøver en app. " * 2000
    source = write_jsonl(tmp_path / "in.jsonl", [{"id": "1", "text": text}])
    (row,) = read_xlsx(label(source, tmp_path / "out.xlsx", small))
    assert row["text"] == text[:32_767]
    assert "32767" in row["merknad"]


# Rows that are not as they should be


def test_quoted_line_breaks(tmp_path: Path, small: Model) -> None:
    """A quoted cell may hold line breaks of all kinds, quotes and delimiters."""
    rows = [{"id": "1", "tekst": 'En\nto\r\ntre\rfire "fem"; seks'}, {"id": "2", "tekst": "\n"}]
    (tmp_path / "in.csv").write_bytes(as_csv(rows, columns=["id", "tekst"]).encode())
    assert [{c: r[c] for c in ("id", "tekst")} for r in read_csv(label(tmp_path / "in.csv", tmp_path / "out.csv", small))] == rows


def test_short_and_long_rows(tmp_path: Path, small: Model) -> None:
    """A row with too few or too many fields comes out, in its place, with a note, and no word of it is lost."""
    (tmp_path / "in.csv").write_text("id;tekst;x\n1;Vi prøver.\n2;Vi har;to;til\n3;Hel rad;y\n", encoding="utf-8")
    rows = read_csv(label(tmp_path / "in.csv", tmp_path / "out.csv", small))
    assert [(r["id"], r["tekst"], r["x"]) for r in rows] == [("1", "Vi prøver.", ""), ("2", "Vi har", "to;til"), ("3", "Hel rad", "y")]
    assert [r["merknad"] for r in rows] == ["raden har 2 felt, overskriften 3", "raden har 4 felt, overskriften 3", ""]


@pytest.mark.parametrize("line", ["{broken", '["a"]', "17", '"x"', "null", '{"text": "a"', "[" * 100_000], ids=lambda s: s[:12])
def test_broken_json_line(tmp_path: Path, small: Model, line: str) -> None:
    """A line that is no JSON object comes out in its place with its row number, itself and a warning."""
    (tmp_path / "in.jsonl").write_text('{"id": "a", "text": "Vi prøver."}\n' + line + '\n{"id": "c", "text": "Igjen."}\n', encoding="utf-8")
    rows = read_jsonl(label(tmp_path / "in.jsonl", tmp_path / "out.jsonl", small))
    assert [r["id"] for r in rows] == ["a", "2", "c"]
    assert rows[1]["input"] == line
    assert rows[1]["warnings"][0].startswith("linjen er ikke")
    assert rows[0]["warnings"] == rows[2]["warnings"] == []


BAD_BYTES = {
    "utf-8": "id;tekst\n1;Prøve på nærøy og sjø\n2;Blå\n".encode().replace("øy".encode(), b"\xf8y"),
    "cp1252": b"id;tekst\n1;Pr\xf8ve p\xe5 n\x81r\xf8y og sj\xf8\n2;Bl\xe5\n",
}


@pytest.mark.parametrize("raw", BAD_BYTES.values(), ids=BAD_BYTES)
def test_byte_that_cannot_be_read(tmp_path: Path, small: Model, raw: bytes) -> None:
    """One bad byte marks its row, and leaves the rest of the file readable."""
    (tmp_path / "in.csv").write_bytes(raw)
    rows = read_csv(label(tmp_path / "in.csv", tmp_path / "out.csv", small))
    assert rows[0]["merknad"] == "teksten har tegn som ikke kan leses"
    assert rows[0]["tekst"].startswith("Prøve på n")
    assert rows[0]["tekst"].endswith(" og sjø")
    assert (rows[1]["tekst"], rows[1]["merknad"]) == ("Blå", "")


def test_bad_byte_in_json(tmp_path: Path, small: Model) -> None:
    """A JSON line in another encoding is read with the bad letters marked and noted."""
    (tmp_path / "in.jsonl").write_bytes('{"id": "a", "text": "Prøve"}\n'.encode("cp1252") + '{"id": "b", "text": "Prøve"}\n'.encode())
    rows = read_jsonl(label(tmp_path / "in.jsonl", tmp_path / "out.jsonl", small))
    assert rows[0]["warnings"] == ["teksten har tegn som ikke kan leses"]
    assert (rows[1]["text"], rows[1]["warnings"]) == ("Prøve", [])


def test_blank_lines_are_no_rows(tmp_path: Path, small: Model) -> None:
    """Blank lines in CSV and JSONL are no rows, and the numbers of the others do not count them; a row of empty cells is one."""
    (tmp_path / "in.csv").write_text("tekst;x\n\nEn app.;1\n\n\n;\nTo apper.;2\n\n", encoding="utf-8")
    assert [(r["tekst"], r["merknad"]) for r in read_csv(label(tmp_path / "in.csv", tmp_path / "out.csv", small))] == [
        ("En app.", ""),
        ("", EMPTY),
        ("To apper.", ""),
    ]
    (tmp_path / "in.jsonl").write_text('\n{"text": "a"}\n  \n\r\n{"text": "b"}', encoding="utf-8")
    assert [r["id"] for r in read_jsonl(label(tmp_path / "in.jsonl", tmp_path / "out.jsonl", small))] == ["1", "2"]


def test_duplicate_ids_stay(tmp_path: Path, small: Model) -> None:
    """Rows that share an id come out both, in order."""
    rows = [{"id": "a", "text": "Én app."}, {"id": "a", "text": "To apper."}]
    made = read_jsonl(label(write_jsonl(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl", small))
    assert [{k: r[k] for k in ("id", "text")} for r in made] == rows


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("tekst;a;a;a_2", ["tekst", "a", "a_3", "a_2"]),
        ("tekst;;", ["tekst", "kolonne_2", "kolonne_3"]),
        ("tekst; a ;b", ["tekst", " a ", "b"]),
    ],
)
def test_odd_headers(tmp_path: Path, small: Model, header: str, expected: list[str]) -> None:
    """Repeated and empty column names are made distinct, so that no column is lost; others stay letter by letter."""
    cells = ["Vi prøver.", *map(str, range(header.count(";")))]
    (tmp_path / "in.csv").write_text(f"{header}\n{';'.join(cells)}\n", encoding="utf-8")
    (row,) = read_csv(label(tmp_path / "in.csv", tmp_path / "out.csv", small))
    assert [row[c] for c in expected] == cells
    assert list(row)[: len(expected)] == expected


def test_half_a_character_in_json(tmp_path: Path, small: Model) -> None:
    """Half a surrogate pair, which JSON can hold and UTF-8 cannot, passes through JSONL and does not stop the other formats."""
    (tmp_path / "in.jsonl").write_text('{"id": "1", "text": "Vi pr\\u00f8ver \\ud83d en app."}\n', encoding="utf-8")
    (row,) = read_jsonl(label(tmp_path / "in.jsonl", tmp_path / "out.jsonl", small))
    assert row["text"] == "Vi prøver \ud83d en app."
    for suffix in (".csv", ".xlsx", ".parquet"):
        (row,) = TABLE[suffix](label(tmp_path / "in.jsonl", tmp_path / f"out{suffix}", small))
        assert row["text"] == "Vi prøver ? en app."


def test_values_that_mimic_ours(tmp_path: Path, small: Model) -> None:
    """JSON objects of any shape, mixed types and very long texts go into a workbook and into Parquet."""
    rows = [
        {"id": "1", "text": "Vi prøver. " * 20_000, "meta": {"d": "x-y"}, "mixed": 1, "dato": "2021-05-17", "n": 1, "tom": {}},
        {"id": "2", "text": "En app.", "meta": {"e": [1, {"f": None}]}, "mixed": "to", "dato": "2021-05-18 12:00:00", "n": 1.5, "tom": {}},
    ]
    source = write_jsonl(tmp_path / "in.jsonl", rows)
    made = read_xlsx(label(source, tmp_path / "out.xlsx", small))
    assert [json.loads(r["meta"]) for r in made] == [r["meta"] for r in rows]
    table = parquet.read_table(label(source, tmp_path / "out.parquet", small)).to_pylist()
    assert [(r["text"], r["dato"], r["mixed"], r["n"]) for r in table] == [
        (rows[0]["text"], "2021-05-17", "1", 1.0),
        ("En app.", "2021-05-18 12:00:00", "to", 1.5),
    ]


# Several inputs, columns, numbers


def test_several_inputs(tmp_path: Path, small: Model) -> None:
    """Several inputs of the same columns become one output; rows without an id are numbered through."""
    a = write_jsonl(tmp_path / "a.jsonl", [{"text": "Én"}, {"text": "To"}])
    b = write_jsonl(tmp_path / "b.jsonl", [{"text": "Tre"}])
    assert [(r["id"], r["text"]) for r in read_jsonl(label([a, b], tmp_path / "out.jsonl", small))] == [
        ("1", "Én"),
        ("2", "To"),
        ("3", "Tre"),
    ]
    with pytest.raises(ClassifierError, match=r"b2\.jsonl: other columns.*år"):
        open_sources([str(a), str(write_jsonl(tmp_path / "b2.jsonl", [{"text": "Tre", "år": 1}]))])


@pytest.mark.parametrize("name", ["text", "tekst", "beskrivelse", "Tekst", " BESKRIVELSE "])
def test_text_column_by_name(tmp_path: Path, name: str) -> None:
    """The text column is found by its usual names, whatever their case; another is chosen by name."""
    (tmp_path / "in.csv").write_text(f"ID;annet;{name}\n7;x;Vi prøver.\n", encoding="utf-8")
    (row,) = open_source(str(tmp_path / "in.csv")).rows
    assert (row.id, row.text) == ("7", "Vi prøver.")
    (row,) = open_source(str(tmp_path / "in.csv"), "annet", "annet").rows
    assert (row.id, row.text) == ("x", "x")


def test_quoted_header_and_delimiter(tmp_path: Path) -> None:
    """The delimiter is told from the header line, a quoted one too."""
    (tmp_path / "in.csv").write_text('"id","tekst"\n"1","Vi, alle; prøver"\n', encoding="utf-8")
    source = open_source(str(tmp_path / "in.csv"))
    assert source.delimiter == ","
    assert [r.text for r in source.rows] == ["Vi, alle; prøver"]


# Any text

cell_text = st.text(st.characters(blacklist_categories=["Cs"]), max_size=40)
relaxed = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@relaxed
@given(rows=st.lists(st.tuples(cell_text, cell_text, cell_text), min_size=1, max_size=6), delimiter=st.sampled_from(";,\t|"))
@example(rows=[("\0", "\r", "\n")], delimiter=";")
@example(rows=[("\ufeff", "ÿþ", '"')], delimiter=",")
def test_csv_takes_any_text(tmp_path: Path, small: Model, rows: list[tuple[str, str, str]], delimiter: str) -> None:
    """Whatever stands in the cells of a CSV: it comes out as it was, in as many rows."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("id", "tekst", "x"), *rows])
    (tmp_path / "in.csv").write_bytes(out.getvalue().encode("utf-8"))
    made = read_csv(label(tmp_path / "in.csv", tmp_path / "out.csv", small, force=True), delimiter)
    assert [(r["id"], r["tekst"], r["x"]) for r in made] == rows


json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
json_row = st.fixed_dictionaries({"text": cell_text}, optional={"id": cell_text, "x": json_value, "type": json_value})


@relaxed
@given(rows=st.lists(json_row, min_size=1, max_size=6))
def test_jsonl_takes_any_value(tmp_path: Path, small: Model, rows: list[dict[str, Any]]) -> None:
    """Whatever stands in a JSON line: it comes out with the same values, in as many lines; and it goes into CSV, XLSX and Parquet."""
    source = write_jsonl(tmp_path / "in.jsonl", rows)
    made = read_jsonl(label(source, tmp_path / "out.jsonl", small, force=True))
    for row, out in zip(rows, made, strict=True):
        assert out["text"] == row["text"]
        assert {k: out[k] for k in row if k == "x"} == {k: v for k, v in row.items() if k == "x"}
        assert out.get("input_type") == row.get("type")
    for suffix, read in TABLE.items():
        assert len(read(label(source, tmp_path / f"out{suffix}", small, force=True))) == len(rows)


# Files that cannot be read


def damaged_xlsx(path: Path) -> None:
    write_xlsx(path, [["tekst"], *[["Vi prøver."]] * 50])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def half_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(b'{"text": "Vi pr"}\n' * 1000)[:40])


def bad_gzip(path: Path) -> None:
    data = bytearray(gzip.compress(b'{"text": "Vi pr"}\n' * 1000))
    data[20] ^= 0xFF
    path.write_bytes(data)


def half_parquet(path: Path) -> None:
    parquet.write_table(pyarrow.table({"text": ["Vi prøver."] * 100}), path)
    path.write_bytes(path.read_bytes()[:200])


def bad_parquet_page(path: Path) -> None:
    parquet.write_table(pyarrow.table({"text": [f"Vi prøver {i}." for i in range(1000)]}), path, compression="gzip", use_dictionary=False)
    data = bytearray(path.read_bytes())
    data[60:120] = b"\xff" * 60
    path.write_bytes(data)


DAMAGE: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "half a workbook": ("x.xlsx", damaged_xlsx),
    "no workbook": ("x.xlsx", lambda p: p.write_text("id;tekst\n1;a\n")),
    "half a gzip": ("x.jsonl.gz", half_gzip),
    "a broken gzip": ("x.jsonl.gz", bad_gzip),
    "no gzip": ("x.csv.gz", lambda p: p.write_text("id;tekst\n1;a\n")),
    "half a Parquet": ("x.parquet", half_parquet),
    "a broken page": ("x.parquet", bad_parquet_page),
    "no Parquet": ("x.parquet", lambda p: p.write_text("a")),
    "a picture": ("x.csv", lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)))),
    "UTF-32": ("x.csv", lambda p: p.write_bytes("id;tekst\n1;a\n".encode("utf-32"))),
    "UTF-16 without a mark, big end first": ("x.csv", lambda p: p.write_bytes("id;tekst\n1;a\n".encode("utf-16-be"))),
    "nothing": ("x.csv", lambda p: p.write_bytes(b"")),
    "nothing but lines": ("x.jsonl", lambda p: p.write_bytes(b"\n\n")),
    "a header of blanks": ("x.csv", lambda p: p.write_bytes(b";;\n1;2;3\n")),
    "an unknown suffix": ("x.odt", lambda p: p.write_bytes(b"a")),
    "no suffix": ("x", lambda p: p.write_bytes(b"a")),
}


@pytest.mark.parametrize(("name", "damage"), DAMAGE.values(), ids=DAMAGE)
def test_unreadable_file(tmp_path: Path, small: Model, name: str, damage: Callable[[Path], Any]) -> None:
    """A file that cannot be read is one error that names it, and nothing stands under the output's name."""
    damage(tmp_path / name)
    with pytest.raises(ClassifierError) as error:
        batch.label(open_sources([str(tmp_path / name)]), tmp_path / "out.csv", small)
    assert str(tmp_path / name) in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out.csv").exists()


# Labelled data

GOOD: dict[str, Any] = {
    "id": "1",
    "text": "Vi prøver en app. Det var dyrt.",
    "type": ["produkt"],
    "fase": "pilot",
    "verdi": [],
    "barriere": [],
}
BAD: dict[str, dict[str, Any]] = {
    "no id": {"id": None},
    "no text": {"text": " "},
    "text is a number": {"text": 3},
    "unknown label": {"type": ["app"]},
    "label is an object": {"type": [{"label": "produkt"}]},
    "a string for a list": {"type": "produkt"},
    "null for a list": {"type": None},
    "two phases": {"fase": ["pilot", "ide"]},
    "unknown phase": {"fase": "ferdig"},
    "spans are strings": {"barriere": ["dyrt"]},
    "spans are null": {"barriere": None},
    "span outside": {"barriere": [{"start": 18, "end": 99, "labels": ["budsjett"]}]},
    "span turned round": {"barriere": [{"start": 9, "end": 3, "labels": ["budsjett"]}]},
    "span with white space": {"barriere": [{"start": 17, "end": 31, "labels": ["budsjett"]}]},
    "span without labels": {"barriere": [{"start": 18, "end": 31, "labels": []}]},
    "span with a string": {"barriere": [{"start": 18, "end": 31, "labels": "budsjett"}]},
    "span with an unknown label": {"barriere": [{"start": 18, "end": 31, "labels": ["pris"]}]},
    "evidence is a string": {"evidence": "app"},
    "evidence of strings": {"evidence": ["app"]},
    "evidence of objects": {"evidence": [{"start": 0, "end": 17, "labels": [{}]}]},
    "evidence for another label": {"evidence": [{"start": 0, "end": 17, "labels": ["type.prosess"]}]},
    "negatives of a strange kind": {"negatives": [{"start": 0, "end": 17, "kind": ["denied"]}]},
    "negatives are a number": {"negatives": 3},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_bad_labelled_row_names_file_and_line(tmp_path: Path, change: dict[str, Any]) -> None:
    """In labelled data a bad row is an error that names file and line, whatever is wrong with it."""
    path = write_jsonl(tmp_path / "d.jsonl", [GOOD, GOOD | {"id": "2"} | change])
    with pytest.raises(ClassifierError, match=r"d\.jsonl:2: "):
        read_labelled([path], taxonomy.shipped())


def test_labelled_lines(tmp_path: Path) -> None:
    """Broken JSON and repeated ids are named by their line, all at once; good lines are read, facets may be missing."""
    (tmp_path / "d.jsonl").write_text(json.dumps(GOOD) + "\n\n{oops\n[1]\n" + json.dumps(GOOD) + "\n", encoding="utf-8")
    with pytest.raises(ClassifierError) as error:
        read_labelled([tmp_path / "d.jsonl"], taxonomy.shipped())
    assert [line.split(":")[1] for line in str(error.value).replace(str(tmp_path), "").splitlines()] == ["3", "4", "5"]
    rows = [GOOD, {"id": "2", "text": "Bare fase.", "fase": "ide"}]
    assert read_labelled([write_jsonl(tmp_path / "e.jsonl", rows)], taxonomy.shipped()) == rows
