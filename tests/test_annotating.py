"""The annotation loop by its commands: tables that people correct, `convert`, `agreement`, `suspects`."""

import csv
import io
import json
import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from classifier import ClassifierError, predict_many
from classifier import taxonomy as taxonomies
from classifier.annotation.agreement import alphas, confusions
from classifier.annotation.disagreements import disagreements
from classifier.annotation.suspects import COLUMNS, as_tasks, contradictions, suspects
from classifier.cli import main
from classifier.documents.labelled import read_labelled
from classifier.documents.tables import read_table

HERE = Path(__file__).parent
ROOT = HERE.parent
MINE = taxonomies.read(HERE / "data/feedback.toml")
SHIPPED = taxonomies.shipped()
Run = Callable[..., "subprocess.CompletedProcess[str]"]
TEXT = "Bussen kom ikke. Jeg ventet lenge.\r\nJeg ventet  lenge. Det er dyrt 🌕!"


def one_line(done: "subprocess.CompletedProcess[str]", pattern: str) -> None:
    """An error as it should be: exit code 2, one line on stderr that says what is wrong, nothing on stdout."""
    assert (done.returncode, done.stdout) == (2, ""), done
    assert re.fullmatch(r"innovasjon: [^\n]+\n", done.stderr), done.stderr
    assert re.search(pattern, done.stderr), done.stderr


def jsonl(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    return path


def sheet(path: Path, *rows: list[str]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";", lineterminator="\r\n").writerows(rows)
    return path


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Run:
    """`run` in this process, which is quicker where many commands are needed."""

    def start(*args: Any) -> "subprocess.CompletedProcess[str]":
        try:
            main(list(map(str, args)))
        except SystemExit as end:
            return subprocess.CompletedProcess(args, int(end.code or 0), *capfd.readouterr())
        raise AssertionError("the program does not end")

    return start


def values(path: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in record.items() if k not in ("id", "text")} for _, record in read_table(path, MINE)]


# Tables


def test_cells(tmp_path: Path) -> None:
    """Codes or names in any case; `-` is none, `?` not annotated, an empty cell none, an empty row a text that nobody annotated."""
    head = ["id", "tekst", "tema", "kanal", "klage_setninger"]
    rows = [["1", TEXT, "Buss og bane", "APP; epost", "-"], ["2", TEXT, "", "-", "?"], ["3", TEXT, "", "", ""]]
    rows.append(["4", TEXT, "park", "", ""])
    assert values(sheet(tmp_path / "t.csv", head, *rows)) == [
        {"tema": "buss", "kanal": ["app", "epost"], "klage": []}, {"kanal": []}, {}, {"tema": "park", "kanal": [], "klage": []},
    ]  # fmt: skip


def test_sentences_find_their_place(tmp_path: Path) -> None:
    """A sentence is found whatever its white space; the n-th of equal ones by `#n`; several stand on lines or between bars."""
    head = ["id", "tekst", "klage_setninger"]
    cells = ["[ventetid] Jeg ventet lenge.", "[ventetid #2] Jeg ventet lenge."]
    cells.append("[ventetid;pris] Jeg ventet\nlenge.\n[Støy] Det er dyrt 🌕!")
    cells.append("[ventetid] Jeg ventet lenge. | [pris] Det er dyrt 🌕!")
    first, second, third, fourth = (r["klage"] for r in values(sheet(tmp_path / "t.csv", head, *(["x", TEXT, c] for c in cells))))
    assert [TEXT[s["start"] : s["end"]] for s in first + second + third] == [
        "Jeg ventet lenge.", "Jeg ventet  lenge.", "Jeg ventet lenge.", "Det er dyrt 🌕!",
    ]  # fmt: skip
    assert third[0]["labels"] == ["ventetid", "pris"]
    assert third[1]["labels"] == ["stoy"]
    assert [s["labels"] for s in fourth] == [["ventetid"], ["pris"]]


@pytest.mark.parametrize(
    ("head", "row", "message"),
    [
        ("klage_setninger", "[pris] Det var dyrt.", r"row 3 \(id 2\): klage_setninger: the sentence «Det var dyrt\.» does"),
        ("klage_setninger", "[pris #3] Jeg ventet lenge.", r"row 3 .* #3, but the sentence stands 2 times"),
        ("klage_setninger", "Det er dyrt 🌕!", r"should be of the form «\[code\] sentence»"),
        ("klage_setninger", "[] Det er dyrt 🌕!", "no label in the brackets"),
        ("klage_setninger", "[dyrt] Det er dyrt 🌕!", r"klage_setninger: unknown label 'dyrt'; known are pris, stoy, ventetid"),
        ("klage", "pris", r"klage: codes without sentences; a column klage_setninger should say"),
        ("kanal", "brev", r"row 3 \(id 2\): kanal: unknown label 'brev'; known are app, epost, telefon"),
        ("tema", "buss;park", "tema: one label is wanted, here are 2"),
        ("farge", "rød", r"t\.csv: no column of labels; at least one of tema, kanal, klage_setninger is needed"),
    ],
)
def test_wrong_cells(tmp_path: Path, head: str, row: str, message: str) -> None:
    """A cell that says nothing known is an error that names row, id and column."""
    path = sheet(tmp_path / "t.csv", ["id", "tekst", head], ["1", TEXT, ""], ["2", TEXT, row])
    with pytest.raises(ClassifierError, match=message):
        read_labelled([path], MINE)


def test_two_columns_that_differ(tmp_path: Path) -> None:
    """Where codes and sentences of a facet say different things, neither is taken in silence."""
    head = ["id", "tekst", "klage", "klage_setninger"]
    cell = "[pris] Det er dyrt 🌕!"
    path = sheet(tmp_path / "t.csv", head, ["1", TEXT, "pris", cell], ["2", TEXT, "pris;stoy", cell])
    with pytest.raises(ClassifierError, match=r"row 3 \(id 2\): klage says pris;stoy, klage_setninger says pris; make them agree"):
        read_labelled([path], MINE)


def test_rows_left_out_are_told(run: Run, tmp_path: Path) -> None:
    """Rows that nobody annotated, and proposals that nobody has looked at, are left out, and counted on stderr."""
    head = ["id", "tekst", "tema", "annotering"]
    rows = [["1", TEXT, "buss", ""], ["2", "Parken er fin.", "park", "Forslag"], ["3", "Boka er god.", "", ""], ["4", " ", "park", ""]]
    path = sheet(tmp_path / "t.csv", head, *rows)
    done = run("check", path, "--taxonomy", HERE / "data/feedback.toml")
    assert done.returncode == 0
    assert re.search(r"^documents +1$", done.stdout, re.M)
    assert "t.csv: 3 rows are not annotated and left out (id 2, 3, 4); - in a cell says that there is no label" in done.stderr


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_what_label_wrote_is_labelled_data(run: Run, tmp_path: Path, suffix: str) -> None:
    """A table of `label` can be checked and trained on as it stands, with the very labels and places that were predicted."""
    texts = [r["text"] for r in read_labelled([ROOT / "labelled_data/test.jsonl"], SHIPPED)[:60]]
    texts.append("\r\nHei! Hei!\r\nKostnaden hindrer oss. 🌕")
    source = jsonl(tmp_path / "in.jsonl", [{"id": f"x{i}", "text": t} for i, t in enumerate(texts)])
    table = tmp_path / f"out{suffix}"
    assert run("label", source, "-o", table).returncode == 0
    notes: list[str] = []
    records = read_labelled([table], SHIPPED, note=notes.append)
    assert notes == [f"{table}: the labels were filled in by the model default 1.0.0; they count as a person's now"]
    for record, text, prediction in zip(records, texts, predict_many(texts), strict=True):
        assert record["text"] == text
        assert (record["type"], record["fase"]) == (prediction.labels("type"), prediction.labels("fase")[0])
        places = [(m["start"], m["end"], [x["label"] for x in m["labels"]]) for m in prediction.facets["barriere"]]
        assert [(s["start"], s["end"], s["labels"]) for s in record["barriere"]] == places


def test_corrected_in_excel(cli: Run, tmp_path: Path) -> None:
    """Tasks go out as a workbook, a person fills it in and saves it, `train` and `evaluate` take it."""
    records = [json.loads(line) for line in (HERE / "data/feedback.jsonl").read_text(encoding="utf-8").splitlines()]
    tasks = jsonl(tmp_path / "tasks.jsonl", [{"id": r["id"], "text": r["text"]} for r in records])
    options = ["--taxonomy", HERE / "data/feedback.toml"]
    done = cli("convert", tasks, tmp_path / "t.xlsx", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{len(records)} texts, 0 of them annotated" in done.stdout
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    assert book.sheetnames == ["innovasjon", "koder"]
    page = book.worksheets[0]
    at = {cell.value: cell.column for cell in page[1]}
    for i, r in enumerate(records, 2):
        spans = "\n".join(f"[{';'.join(s['labels'])}] {r['text'][s['start'] : s['end']]}" for s in r["klage"])
        for name, value in (("tema", r["tema"]), ("kanal", ";".join(r["kanal"])), ("klage_setninger", spans)):
            page.cell(i, at[name], value)
    book.save(tmp_path / "t.xlsx")
    back = read_labelled([tmp_path / "t.xlsx"], MINE)
    facets = ("id", "text", "tema", "kanal", "klage")
    assert [{k: r[k] for k in facets} for r in back] == [{k: r[k] for k in facets} for r in records]
    done = cli("train", tmp_path / "t.xlsx", "-o", tmp_path / "m", *options)
    assert done.returncode == 0, done.stderr
    assert cli("evaluate", tmp_path / "t.xlsx", "--model", tmp_path / "m").returncode == 0


# convert


def test_convert(cli: Run, tmp_path: Path) -> None:
    """IN is known by suffix and look, OUT by suffix or --to; there and back again it is the same file."""
    data = jsonl(tmp_path / "a.jsonl", [{"id": "1", "text": TEXT, "kanal": ["app"], "klage": [span(17, 34, "pris")]}])
    options = ["--taxonomy", HERE / "data/feedback.toml"]
    for name, *more in (("l.json",), ("t.xlsx",), ("t.tsv",), ("d.jsonl", "--to", "doccano"), ("p.jsonl", "--to", "prodigy")):
        done = cli("convert", data, tmp_path / name, *more, *options)
        assert done.returncode == 0, done.stderr
        assert "1 texts, 1 of them annotated" in done.stdout
        assert ("carriage returns" in done.stderr) == (name == "d.jsonl")
        done = cli("convert", tmp_path / name, tmp_path / "back.jsonl", "--force", *options)
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads((tmp_path / "back.jsonl").read_text(encoding="utf-8")) == json.loads(data.read_text(encoding="utf-8"))
    assert "<View>" in (tmp_path / "l.xml").read_text(encoding="utf-8")


def test_convert_refuses(cli: Run, tmp_path: Path) -> None:
    """What cannot be read or should not be written is one line, and nothing is written."""
    data = jsonl(tmp_path / "a.jsonl", [{"id": "1", "text": TEXT}])
    options = ["--taxonomy", HERE / "data/feedback.toml"]
    one_line(cli("convert", tmp_path / "no.jsonl", tmp_path / "b.json", *options), r"no\.jsonl: no such file")
    one_line(cli("convert", data, tmp_path / "b.docx", *options), r"b\.docx: unknown format \.docx; known are \.jsonl")
    one_line(cli("convert", data, tmp_path / "no" / "b.json", *options), "make it first")
    one_line(cli("convert", data, data, *options), "exists already; --force")
    one_line(cli("convert", data, tmp_path / "b.json", "--split", *options), "no annotators are told apart there")
    jsonl(data, [{"id": "1", "text": TEXT, "kanal": ["brev"]}, {"id": "1", "text": TEXT}])
    done = cli("convert", data, tmp_path / "b.json", *options)
    assert done.returncode == 2
    assert "a.jsonl:1: kanal: unknown label 'brev'" in done.stderr
    assert "a.jsonl:2: id '1' stands there already" in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.jsonl"]


def export(path: Path) -> Path:
    """A Label Studio export in which two people have annotated the same text, and one of them another."""

    def by(who: str, *codes: str) -> dict[str, Any]:
        chosen = [{"from_name": "kanal", "to_name": "text", "type": "choices", "value": {"choices": list(codes)}}] if codes else []
        return {"completed_by": {"email": who}, "result": chosen, "updated_at": who}

    tasks = [
        {"id": 1, "data": {"text": TEXT, "id": "a"}, "annotations": [by("kari@x.no", "app"), by("ola@x.no", "epost")]},
        {"id": 2, "data": {"text": "Hei.", "id": "b"}, "annotations": [by("kari@x.no")]},
    ]
    path.write_text(json.dumps(tasks), encoding="utf-8")
    return path


def test_several_annotators(cli: Run, tmp_path: Path) -> None:
    """One annotation a text is chosen and the rest counted; --split writes a file for each; `agreement` takes the export as it is."""
    source, options = export(tmp_path / "e.json"), ["--taxonomy", HERE / "data/feedback.toml"]
    done = cli("convert", source, tmp_path / "o.jsonl", *options)
    assert "1 more annotations of the same texts are left out: --annotator chooses" in done.stderr
    assert [json.loads(x).get("kanal") for x in (tmp_path / "o.jsonl").read_text(encoding="utf-8").splitlines()] == [["epost"], []]
    cli("convert", source, tmp_path / "o.jsonl", "--annotator", "kari@x.no", "--force", *options)
    assert [json.loads(x).get("kanal") for x in (tmp_path / "o.jsonl").read_text(encoding="utf-8").splitlines()] == [["app"], []]
    assert cli("convert", source, tmp_path / "s.jsonl", "--split", *options).returncode == 0
    ola = [json.loads(x) for x in (tmp_path / "s-ola@x.no.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(r["id"], r.get("kanal")) for r in ola] == [("a", ["epost"]), ("b", None)]
    done = cli("agreement", source, *options)
    assert done.returncode == 0
    assert "1 texts annotated by more than one of kari@x.no, ola@x.no" in done.stdout
    assert "only in kari@x.no: 1 (id b)" in done.stdout
    one_line(cli("agreement", tmp_path / "o.jsonl", *options), "labels of 1 annotator; at least two are needed")


# agreement


def span(start: int, end: int, *labels: str) -> dict[str, Any]:
    return {"start": start, "end": end, "labels": list(labels)}


def people() -> dict[str, dict[str, dict[str, Any]]]:
    """Three annotators of three texts; the third has left a facet out."""
    first = {"a": {"tema": "buss", "kanal": ["app"], "klage": [span(0, 16, "ventetid"), span(55, 69, "pris")]}}
    first |= {"b": {"tema": "park", "kanal": [], "klage": []}, "c": {"tema": "buss", "kanal": ["app", "epost"], "klage": []}}
    second = {"a": {"tema": "buss", "kanal": ["app"], "klage": [span(2, 16, "stoy")]}}
    second |= {"b": {"tema": "bibliotek", "kanal": [], "klage": []}, "c": {"tema": "buss", "kanal": ["telefon"], "klage": []}}
    third = {"a": {"tema": "buss"}, "b": {"tema": "park"}}
    everyone = {"kari": first, "ola": second, "per": third}
    return {who: {own: {"id": own, "text": TEXT + own, **r} for own, r in records.items()} for who, records in everyone.items()}


def test_alpha_by_hand() -> None:
    """Krippendorff's alpha as the formula gives it: 1 - (n - 1) Σ o / Σ n_c n_k over pairable values, missing values left out."""
    found = alphas({who: r for who, r in people().items() if who != "per"}, MINE)
    # tema of two annotators: (buss, buss), (park, bibliotek), (buss, buss): 2 of 6 pairs disagree; n_buss 4, n_park 1, n_bibliotek 1
    assert found["tema"] == pytest.approx(1 - 5 * 2 / (2 * (4 * 1 + 4 * 1 + 1 * 1)))
    assert found["kanal.app"] == pytest.approx(1 - 5 * 2 / (2 * 3 * 3))
    everyone = alphas(people(), MINE)
    # a: three times buss; b: park, bibliotek, park (each of its 6 ordered pairs weighs 1/2, 4 disagree); c: twice buss
    assert everyone["tema"] == pytest.approx(1 - 7 * 2 / (2 * (5 * 2 + 5 * 1 + 2 * 1)))
    assert everyone["kanal.app"] == found["kanal.app"]


def test_confusions() -> None:
    """What one says instead of the other, for documents and for spans that overlap."""
    first, second = (list(people()[who].values()) for who in ("kari", "ola"))
    assert confusions(first, second, MINE) == {
        ("tema", "park", "bibliotek"): 1, ("kanal", "app", "telefon"): 1, ("kanal", "epost", "telefon"): 1,
        ("klage", "ventetid", "stoy"): 1, ("klage", "pris", "–"): 1,
    }  # fmt: skip


def test_disagreements() -> None:
    """Each document or place that is labelled differently is a row; a task has what all agree on, and why it is there."""
    rows, tasks = disagreements(people(), MINE)
    assert [(r["id"], r["fasett"], r["setning"], r["kari"], r["ola"], r["per"]) for r in rows] == [
        ("a", "klage", "Bussen kom ikke.", "ventetid", "stoy", ""), ("a", "klage", "Det er dyrt 🌕!", "pris", "–", ""),
        ("b", "tema", "", "park", "bibliotek", "park"), ("c", "kanal", "", "app;epost", "telefon", ""),
    ]  # fmt: skip
    assert [(t["id"], t["predicted"]) for t in tasks] == [
        ("a", {"tema": "buss", "kanal": ["app"], "klage": []}), ("b", {"kanal": [], "klage": []}),
        ("c", {"tema": "buss", "kanal": [], "klage": []}),
    ]  # fmt: skip
    assert tasks[1]["reason"] == "uenighet: tema (kari: park, ola: bibliotek, per: park)"


def test_agreement(cli: Run, tmp_path: Path) -> None:
    """Figures for people and as JSON, disagreements as a table and as tasks; ids and texts that do not match are told."""
    three = people()
    three["ola"]["d"] = {"id": "d", "text": "Bare Ola.", "tema": "park"}
    three["ola"]["c"]["text"] = "En annen tekst."
    files = [jsonl(tmp_path / f"{who}.jsonl", list(records.values())) for who, records in three.items()]
    options = ["--taxonomy", HERE / "data/feedback.toml"]
    done = cli("agreement", *files, *options, "-o", tmp_path / "d.xlsx", "--json", tmp_path / "f.json")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "2 texts annotated by more than one of kari, ola, per"
    assert {"only in ola: 1 (id d)", "with different texts, left out: 1 (id c)"} <= set(lines)
    assert "most confused, klage: ventetid / stoy 1, pris / – 1" in done.stdout
    figures = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    pairs = [(p["first"], p["second"], p["documents"]) for p in figures["pairs"]]
    assert pairs == [("kari", "ola", 2), ("kari", "per", 2), ("ola", "per", 2)]
    rows = list(openpyxl.load_workbook(tmp_path / "d.xlsx").worksheets[0].values)
    assert rows[0] == ("id", "fasett", "setning", "kari", "ola", "per", "tekst")
    assert len(rows) == 4
    for name in ("t.jsonl", "t.json"):
        assert cli("agreement", *files, *options, "-o", tmp_path / name).returncode == 0
    assert len(json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))) == 2
    one_line(cli("agreement", files[0], jsonl(tmp_path / "x.jsonl", [three["ola"]["d"]]), *options), "no text is annotated twice")


# suspects


@pytest.mark.slow
def test_planted_errors_are_found() -> None:
    """Where one phase in twenty was changed to a wrong one, the first suspects are mostly these; words and sentences stand in the text."""
    records = [dict(r) for r in read_labelled([ROOT / "labelled_data/train.jsonl"], SHIPPED)[::4]]
    rng = random.Random(0)
    planted = {}
    for record in rng.sample(records, len(records) // 20):
        planted[record["id"]] = record["fase"] = rng.choice([c for c in SHIPPED["fase"].codes if c != record["fase"]])
        record.pop("evidence", None)
    found = suspects(records, SHIPPED, most=400, jobs=2)  # of all facets: among fewer, twenty may not be phases
    assert all(tuple(s) == COLUMNS for s in found)
    assert [s["sannsynlighet"] for s in found] == sorted((s["sannsynlighet"] for s in found), reverse=True)
    phases = [s for s in found if s["fasett"] == "fase"][:20]
    assert len(phases) == 20
    assert sum(planted.get(s["id"]) == s["annotert"] for s in phases) >= 12
    texts = {r["id"]: r["text"] for r in records}
    for s in found:
        assert all(word in texts[s["id"]] for word in s["ord"].split(", ") if word)
        assert s["setning"] in " ".join(texts[s["id"]].split())


def test_near_duplicates_that_differ(cli: Run, tmp_path: Path) -> None:
    """Two texts that are nearly the same and labelled differently are told, facet by facet; the same label is no contradiction."""
    some = read_labelled([HERE / "data/feedback.jsonl"], MINE)
    first = some[0]
    twin = first | {"id": "twin", "text": first["text"] + " Slutt.", "tema": "park"}
    data = jsonl(tmp_path / "d.jsonl", [*some, twin])
    done = cli("suspects", data, "-o", tmp_path / "s.csv", "-n", 5, "--taxonomy", HERE / "data/feedback.toml")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{first['id']}  tema: {first['tema']}, but it is like twin (")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "s.csv").read_text(encoding="utf-8-sig"), newline=""), delimiter=";"))
    assert list(rows[0]) == [*COLUMNS, "tekst"]
    assert rows[0]["tekst"] == first["text"]
    assert f"1 contradictions between near-duplicates, {len(rows) - 1} labels that the model contradicts" in done.stdout
    (found,) = contradictions([*some, twin], MINE)
    assert found["ligner"].endswith(": park")
    (task,) = as_tasks([found], some)
    assert task == first | {"reason": f"tema: annotert {first['tema']}, ligner {found['ligner']}"}


def test_suspects_of_too_few(cli: Run, tmp_path: Path) -> None:
    """Too few texts to train on is one line."""
    data = jsonl(tmp_path / "d.jsonl", [{"id": str(i), "text": f"{TEXT} {i}", "tema": "buss"} for i in range(5)])
    one_line(cli("suspects", data, "--taxonomy", HERE / "data/feedback.toml"), "too few labelled texts")
