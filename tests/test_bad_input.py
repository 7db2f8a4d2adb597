"""Bad input never stops a batch: every row comes out with its id and a note, and what cannot be bounded is refused in one line."""

import csv
import gzip
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from backports import zstd

from classifier import ClassifierError, batch, load
from classifier.documents import binary, delimited, open_source, open_sources, packed, readers, rows
from classifier.documents.rows import Row
from classifier.storage import Model

UNCLOSED = "et anførselstegn uten slutt er lest som et vanlig tegn"
UNREADABLE = "teksten har tegn som ikke kan leses"


@pytest.fixture(scope="module")
def small(small_model: Path) -> Model:
    return load(small_model)


def read(path: Path, data: str | bytes) -> list[Row]:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return list(open_source(str(path)).rows)


def label(path: Path, out: Path, model: Model, **more: Any) -> batch.Summary:
    return batch.label(open_sources([str(path)]), out, model, **more)


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), delimiter=";", strict=True))


# Quotes

QUOTES: dict[str, tuple[str, list[list[str]], list[str | None]]] = {
    "never closed": ('1;"En\n2;To\n3;Tre\n', [["1", '"En'], ["2", "To"], ["3", "Tre"]], [UNCLOSED, None, None]),
    "never closed, on the last line": ('1;En\n2;"To', [["1", "En"], ["2", '"To']], [None, UNCLOSED]),
    "closed by the next row's": ('1;"En\n2;To\n3;"Tre"\n', [["1", '"En'], ["2", "To"], ["3", "Tre"]], [UNCLOSED, None, None]),
    "closed by a word's": ('1;"En\n2;To "to" to\n', [["1", '"En'], ["2", 'To "to" to']], [UNCLOSED, None]),
    "several": ('1;"En\n2;"To\n3;"Tre"\n', [["1", '"En'], ["2", '"To'], ["3", "Tre"]], [UNCLOSED, UNCLOSED, None]),
    "in the first column": ('"1;En\n2;To\n', [['"1', "En"], ["2", "To"]], [UNCLOSED, None]),
    "closed after a line break": ('1;"En\nto"\n2;Tre\n', [["1", "En\nto"], ["2", "Tre"]], [None, None]),
    "doubled": ('1;"En ""to""\n""tre"""\n', [["1", 'En "to"\n"tre"']], [None]),
    "loose, in one line": ('1;"En "to" tre"\n2;a"b\n', [["1", 'En to" tre"'], ["2", 'a"b']], [None, None]),
    "delimiters inside": ('1;"En;to\n2;Tre\n', [["1", '"En;to'], ["2", "Tre"]], ["raden", None]),
}  # fmt: skip


@pytest.mark.parametrize(("body", "expected", "problems"), QUOTES.values(), ids=QUOTES)
def test_unbalanced_quotes(tmp_path: Path, body: str, expected: list[list[str]], problems: list[str | None]) -> None:
    """A quote that is never rightly closed costs its own row a note; the rows after it are rows."""
    found = read(tmp_path / "in.csv", "id;tekst\n" + body)
    assert [list(row.fields.values()) for row in found] == expected
    assert [row.problem and UNCLOSED for row in found] == [problem and UNCLOSED for problem in problems]


def test_unclosed_quote_in_a_long_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However far the end of the file is, a quote is not looked for further than a row may be long."""
    monkeypatch.setattr(delimited, "LARGEST", 2_000)
    found = read(tmp_path / "in.csv", 'id;tekst\n1;Hel\n2;"Åpen\n' + "".join(f"{i};Rad {i}\n" for i in range(3, 3000)))
    assert [row.id for row in found] == [str(i) for i in range(1, 3000)]
    assert [row.id for row in found if row.problem] == ["2"]


def test_quote_in_the_header(tmp_path: Path) -> None:
    """An unclosed quote in the header does not make the file a header."""
    found = read(tmp_path / "in.csv", 'id;tekst;"nr\n1;En;a\n2;To;"b"\n')
    assert [(row.id, row.text) for row in found] == [("1", "En"), ("2", "To")]
    assert list(found[0].fields) == ["id", "tekst", '"nr']


# Sizes


@pytest.mark.parametrize("suffix", [".csv", pytest.param(".jsonl", marks=pytest.mark.slow)])
def test_row_of_50_megabytes(tmp_path: Path, small: Model, suffix: str) -> None:
    """A row of 50 MB comes out whole, labelled by its beginning, with a note; the rows around it as ever."""
    text = "Kommunen har tatt i bruk en app.\n" * (50_000_000 // 33)
    given = [("a", "En app."), ("b", text), ("c", "To apper.")]
    path, out = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    with path.open("w", encoding="utf-8", newline="") as file:
        if suffix == ".csv":
            csv.writer(file, delimiter=";").writerows([("id", "tekst"), *given])
        else:
            file.writelines(json.dumps({"id": i, "tekst": t}) + "\n" for i, t in given)
    summary = label(path, out, small)
    made = table(out) if suffix == ".csv" else [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [(row["id"], row["tekst"]) for row in made] == given
    notes = [row["merknad"] if suffix == ".csv" else "; ".join(row["warnings"]) for row in made]
    assert notes == ["", batch.TOO_LONG, ""]
    assert summary.first_notes == [f"id b: {batch.TOO_LONG}"]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".txt"])
def test_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    """A line longer than a row may be is cut, and says so; the next line is the next row."""
    for module in (delimited, readers):
        monkeypatch.setattr(module, "LARGEST", 1000)
    if suffix == ".txt":
        (tmp_path / "texts").mkdir()
        (tmp_path / "texts/a.txt").write_text("x" * 5000)
        (row,) = open_source(str(tmp_path / "texts")).rows
        assert row.text == "x" * 1000
        assert "kuttet" in str(row.problem)
        return
    lines = (
        ["id;tekst", "1;" + "x" * 5000, "2;y"]
        if suffix == ".csv"
        else ['{"id": "1", "tekst": "' + "x" * 5000 + '"}', '{"id": "2", "tekst": "y"}']
    )
    found = read(tmp_path / f"in{suffix}", "\n".join(lines))
    assert [(row.id, "kuttet" in str(row.problem)) for row in found] == [("1", True), ("2", False)]
    assert "x" * 900 in str(found[0].fields)
    assert found[1].text == "y"


def test_header_of_a_million_columns(tmp_path: Path, small: Model) -> None:
    """A header of a million columns, the same name many times among them: CSV takes it; XLSX is refused before the work."""
    names = [*("a" for _ in range(500_000)), *(f"k{i}" for i in range(500_000)), "id", "tekst"]
    (tmp_path / "in.csv").write_text(";".join(names) + "\n" + ";" * 1_000_000 + "7;En app.\n8;kort\n", encoding="utf-8")
    with pytest.raises(ClassifierError, match=r"columns, and XLSX holds 16384; write \.csv"):
        label(tmp_path / "in.csv", tmp_path / "out.xlsx", small)
    label(tmp_path / "in.csv", tmp_path / "out.csv", small)
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        header, first, second = csv.reader(file, delimiter=";")
    assert len(header) == len(set(header)) == len(first) == len(second)
    assert (first[header.index("id")], first[header.index("tekst")]) == ("7", "En app.")
    assert "raden har 2 felt" in second[header.index("merknad")]


def test_more_keys_than_a_table_has_columns(tmp_path: Path, small: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON lines of ever new keys go through as JSONL; as a table they are refused before the work."""
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": "En app.", f"k{i}": i}) + "\n" for i in range(17_000)), encoding="utf-8")
    source = open_source(str(tmp_path / "in.jsonl"))
    assert len(source.columns) < 16_400
    with pytest.raises(ClassifierError, match=r"more than 16384 different keys.*write \.jsonl"):
        batch.label(source, tmp_path / "out.csv", small)
    assert sum(1 for _ in source.rows) == 17_000


def test_workbook_of_more_rows_than_a_sheet(tmp_path: Path, small: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that one sheet cannot hold go on in the next, under the same header."""
    monkeypatch.setattr(binary, "MOST_ROWS", 4)
    (tmp_path / "in.csv").write_text("id;tekst\n" + "".join(f"{i};En app.\n" for i in range(6)), encoding="utf-8")
    label(tmp_path / "in.csv", tmp_path / "out.xlsx", small)
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert [[line[0].value for line in sheet.iter_rows()] for sheet in book.worksheets] == [["id", "0", "1", "2"], ["id", "3", "4", "5"]]


# Encodings, nesting, numbers


def test_other_encoding_in_the_middle(tmp_path: Path) -> None:
    """Rows of another encoding in the middle of a file are noted, whichever half is the larger; all others are as they should be."""
    lines = [f"{i};Blåbærsyltetøy".encode("cp1252" if i == 50 else "utf-8") for i in range(100)]
    found = read(tmp_path / "in.csv", b"id;tekst\n" + b"\n".join(lines))
    assert [row.id for row in found if row.problem] == ["50"]
    assert {row.text for row in found if not row.problem} == {"Blåbærsyltetøy"}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_nul(tmp_path: Path, small: Model, suffix: str) -> None:
    """NUL bytes in a text are noted and kept."""
    data = "id;tekst\n1;En\0 app.\n2;To\n" if suffix == ".csv" else '{"id": "1", "tekst": "En\\u0000 app."}\n{"id": "2", "tekst": "To"}\n'
    found = read(tmp_path / f"in{suffix}", data)
    assert [(row.text, row.problem) for row in found] == [("En\0 app.", UNREADABLE), ("To", None)]
    label(tmp_path / f"in{suffix}", tmp_path / "out.xlsx", small)
    (_, first, _) = openpyxl.load_workbook(tmp_path / "out.xlsx").active.iter_rows(values_only=True)
    assert first[1] == "En_x0000_ app."  # as Excel itself writes such a character
    assert UNREADABLE in map(str, first)


@pytest.mark.parametrize("out", [".jsonl", ".csv", ".xlsx", ".parquet"])
@pytest.mark.parametrize("depth", [50, 101, 900, 100_000])
def test_deeply_nested(tmp_path: Path, small: Model, depth: int, out: str) -> None:
    """Lists in lists in lists: up to a hundred they go through, deeper ones are noted and kept as text; all formats write them."""
    nested = f'{{"id": "a", "text": "En app.", "x": {"[" * depth}{"]" * depth}}}'
    (tmp_path / "in.jsonl").write_text(nested + '\n{"id": "b", "text": "To"}\n', encoding="utf-8")
    summary = label(tmp_path / "in.jsonl", tmp_path / f"out{out}", small)
    assert summary.rows == 2
    if out == ".jsonl":
        first = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[0])
        assert bool(first["warnings"]) == (depth > 100)
        assert first.get("input") == (nested if depth > 100 else None)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" * 400, "9" * 5000, "NaN"])
def test_numbers_beyond_all(tmp_path: Path, small: Model, number: str) -> None:
    """Numbers that no format holds stop nothing, and what comes out as JSON is JSON."""
    (tmp_path / "in.jsonl").write_text(f'{{"id": "a", "text": "En app.", "x": {number}}}\n{{"text": "To"}}\n', encoding="utf-8")
    for suffix in (".csv", ".xlsx", ".parquet", ".jsonl"):
        assert label(tmp_path / "in.jsonl", tmp_path / f"out{suffix}", small).rows == 2

    def never(name: str) -> None:
        pytest.fail(f"{name} is no JSON")

    for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines():
        json.loads(line, parse_constant=never)


def test_long_number_in_a_workbook(tmp_path: Path, small: Model) -> None:
    """A whole number of more digits than a cell keeps becomes a text, and loses none."""
    (tmp_path / "in.jsonl").write_text('{"id": "a", "text": "En app.", "nr": 12345678901234567}\n', encoding="utf-8")
    label(tmp_path / "in.jsonl", tmp_path / "out.xlsx", small)
    assert openpyxl.load_workbook(tmp_path / "out.xlsx").active.cell(2, 3).value == "12345678901234567"


# Ids, folders, --strict


def test_repeated_ids(tmp_path: Path, small: Model) -> None:
    """A row whose id stood before is noted; row numbers and other ids are not. The summary counts them and names the first."""
    ids = ["a", "b", "a", "", "b", "A", "x" * 100, "x" * 100, "4"]
    (tmp_path / "in.csv").write_text("id;tekst\n" + "".join(f"{i};En app.\n" for i in ids), encoding="utf-8")
    summary = label(tmp_path / "in.csv", tmp_path / "out.csv", small)
    assert [row["id"] for row in table(tmp_path / "out.csv")] == ids
    assert [n for n, row in enumerate(table(tmp_path / "out.csv"), 1) if row["merknad"] == batch.REPEATED] == [3, 5, 8]
    assert summary.notes[batch.REPEATED] == 3
    assert summary.first_notes == [f"id {name}: {batch.REPEATED}" for name in ("a", "b", "x" * 80 + "…")]


def test_folder_with_what_is_no_text(tmp_path: Path, small: Model) -> None:
    """A folder, a pipe and a broken link called .txt are rows with a note; nothing waits for the pipe."""
    folder = tmp_path / "texts"
    (folder / "mappe.txt").mkdir(parents=True)
    (folder / "a.txt").write_text("En app.")
    os.mkfifo(folder / "pipe.txt")
    (folder / "til.txt").symlink_to("ingen")
    label(folder, tmp_path / "out.jsonl", small)
    made = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in made] == ["a", "mappe", "pipe", "til"]
    assert [bool(row["warnings"]) for row in made] == [False, True, True, True]


def test_folder_is_read_in_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of more files than are held at a time: each once, in order."""
    monkeypatch.setattr(readers, "PAGE", 7)
    for i in range(50):
        (tmp_path / f"{i:02}.txt").write_text("En app.")
    assert [row.id for row in open_source(str(tmp_path)).rows] == [f"{i:02}" for i in range(50)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_strict(tmp_path: Path, small: Model, jobs: int) -> None:
    """With `strict` the first bad row is an error that names it; what was done before can be gone on with, without it."""
    lines = [f"{i};En app." for i in range(40)]
    lines[30] += ";en for mye"
    (tmp_path / "in.csv").write_text("\n".join(["id;tekst", *lines]), encoding="utf-8")
    with pytest.raises(ClassifierError, match=r"in\.csv: row 31 \(id 30\): raden har 3 felt, overskriften 2; mend it, or go on without"):
        label(tmp_path / "in.csv", tmp_path / "out.csv", small, strict=True, chunk=8, jobs=jobs)
    assert not (tmp_path / "out.csv").exists()
    summary = label(tmp_path / "in.csv", tmp_path / "out.csv", small, resume=True, jobs=jobs)
    assert (summary.resumed, summary.rows) == (24, 16)
    assert [row["id"] for row in table(tmp_path / "out.csv")] == [str(i) for i in range(40)]


def test_strict_from_the_command_line(run: Any, tmp_path: Path, small_model: Path) -> None:
    """`--strict`: one line, exit code 2; without it the row is counted and told, exit code 0. A repeated id is a bad row."""
    (tmp_path / "in.csv").write_text("id;tekst\n1;En app.\n1;To apper.\n", encoding="utf-8")
    done = run("label", "in.csv", "-o", "out.csv", "--model", small_model, "--strict", cwd=tmp_path)
    assert done.returncode == 2
    assert f"in.csv: row 2 (id 1): {batch.REPEATED}" in done.stderr
    assert done.stderr.count("\n") == 1
    done = run("label", "in.csv", "-o", "out.csv", "--model", small_model, "--force", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{batch.REPEATED} (1)" in done.stdout
    assert f"id 1: {batch.REPEATED}" in done.stdout


# What unpacks


@pytest.mark.parametrize("suffix", [".csv.gz", ".jsonl.gz", ".csv.zst", ".jsonl.zst"])
def test_bomb(tmp_path: Path, small: Model, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    """A file that unpacks to far more than text does is refused in a line, before anything is written."""
    monkeypatch.setattr(packed, "FLOOR", 1 << 20)
    data = (b"id;tekst\n1;" if "csv" in suffix else b'{"text": "') + b"0" * (1 << 25)
    (tmp_path / f"in{suffix}").write_bytes(gzip.compress(data) if suffix.endswith(".gz") else zstd.compress(data))
    with pytest.raises(ClassifierError, match=r"unpacks to more than 250 times its size"):
        label(tmp_path / f"in{suffix}", tmp_path / "out.csv", small)
    assert not list(tmp_path.glob("*out.csv*"))


def test_workbook_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for a workbook; and entities in its XML that stand for ever more of each other are not gone into."""
    monkeypatch.setattr(packed, "FLOOR", 1 << 20)
    book = openpyxl.Workbook()
    book.active.append(["tekst"])
    book.save(tmp_path / "in.xlsx")
    with zipfile.ZipFile(tmp_path / "in.xlsx", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/more.xml", b" " * (1 << 25))
    with pytest.raises(ClassifierError, match=r"unpacks to more than 250 times its size"):
        open_source(str(tmp_path / "in.xlsx"))
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "x" * 10}">' for i in range(12))
    sheet = (
        f'<?xml version="1.0"?><!DOCTYPE s [{entities}]><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        '<sheetData><row><c t="inlineStr"><is><t>tekst&a11;</t></is></c></row></sheetData></worksheet>'
    )
    book.save(tmp_path / "lol.xlsx")
    with zipfile.ZipFile(tmp_path / "lol.xlsx") as old, zipfile.ZipFile(tmp_path / "in.xlsx", "w") as new:
        for name in old.namelist():
            new.writestr(name, sheet if name == "xl/worksheets/sheet1.xml" else old.read(name))
    with pytest.raises(ClassifierError, match=r"in\.xlsx: "):
        open_source(str(tmp_path / "in.xlsx"))


def test_honest_files_unpack(tmp_path: Path, small: Model) -> None:
    """Packed tables and lines go in and out, with the same rows."""
    data = "id;tekst\n" + "".join(f"{i};En app.\n" for i in range(300))
    (tmp_path / "in.csv").write_text(data, encoding="utf-8")
    label(tmp_path / "in.csv", tmp_path / "plain.csv", small)
    for suffix in (".csv.gz", ".csv.zst"):
        label(tmp_path / "in.csv", tmp_path / f"out{suffix}", small)
        raw = (tmp_path / f"out{suffix}").read_bytes()
        assert (gzip.decompress(raw) if suffix.endswith(".gz") else zstd.decompress(raw)) == (tmp_path / "plain.csv").read_bytes()
        assert [row.text for row in open_source(str(tmp_path / f"out{suffix}"), text_column="tekst").rows] == ["En app."] * 300


def test_cut_off_zst(tmp_path: Path, small: Model) -> None:
    """Half a .zst, or none at all, is one error that names it."""
    whole = zstd.compress(b'{"text": "En app."}\n' * 1000)
    for data in (whole[: len(whole) // 2], b"nothing of the kind"):
        (tmp_path / "in.jsonl.zst").write_bytes(data)
        with pytest.raises(ClassifierError, match=r"in\.jsonl\.zst: cannot"):
            label(tmp_path / "in.jsonl.zst", tmp_path / "out.csv", small)


def test_without_the_extra(tmp_path: Path, small: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where .zst cannot be read or written, the error says what to install, before the work."""
    import sys

    monkeypatch.setitem(sys.modules, "backports", None)
    monkeypatch.setitem(sys.modules, "compression", None)
    (tmp_path / "in.csv").write_text("tekst\nEn app.\n")
    (tmp_path / "in.csv.zst").write_bytes(b"x")
    for path, out in (("in.csv", "out.csv.zst"), ("in.csv.zst", "out.csv")):
        with pytest.raises(ClassifierError, match=r"\.zst needs an extra: pip install .*\[zst\]"):
            label(tmp_path / path, tmp_path / out, small)


def test_standard_input_is_not_held(run: Any, tmp_path: Path, small_model: Path) -> None:
    """Standard input goes through a file that has no name: nothing of it is left, and it may be any encoding and delimiter."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    given = "id|tekst\n1|Blåbær\n".encode("utf-16")
    done = run("label", "-", "--model", small_model, input=given, env=os.environ | {"TMPDIR": str(scratch)})
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("1|Blåbær|")
    assert list(scratch.iterdir()) == []


def test_window_of_heavy_rows(small: Model) -> None:
    """A chunk is full when its rows are heavy, however few they are."""
    heavy = [Row(str(i), "x", {}, size=batch.HEAVY // 2) for i in range(10)]
    assert [len(part) for part in batch._chunks(iter(heavy), 1024)] == [2] * 5
    assert rows.make_row(1, {"text": "x" * 100, "n": 1}, "text", None).size > 100
