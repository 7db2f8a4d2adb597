"""`innovasjon summarise`, from what `label` really wrote: reading it back, grouping, correcting, telling."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, Run
from openpyxl import load_workbook

from classifier import ClassifierError, predict_many, storage, taxonomy
from classifier.confusion import present
from classifier.documents.labelled import read_labelled
from classifier.documents.results import Result, open_results
from classifier.documents.writers import FORMATS
from classifier.prediction import Prediction
from classifier.prevalence import Share, count, shares, tables
from classifier.reliability import errors_on
from classifier.storage import Model

TAXONOMY = taxonomy.shipped()
FEEDBACK = ROOT / "tests/data/feedback.jsonl"
SCORED = [".csv", ".tsv", ".xlsx", "all.jsonl", "all.parquet"]  # these hold the probability of every label
Labelled = Callable[[str], Path]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Texts of all kinds: one empty, one English, one with a line break and marks that cells are divided by."""
    records = read_labelled([ROOT / "labelled_data/test.jsonl"], TAXONOMY)
    awkward = "Kommunen | [budsjett] testar app.\nTilskotet tek slutt; då manglar vi pengar til drift | [annen] og folk."
    return [r["text"] for r in records[:: len(records) // 26][:26]] + ["", "The pilot was stopped since the budget is annual.", awkward]


@pytest.fixture(scope="module")
def labelled(run: Run, texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    """`labelled(".csv")`, `labelled("all.jsonl")`: the texts labelled into a file of that kind; `all`: with `--all-scores`."""
    folder = tmp_path_factory.mktemp("labelled")
    with (folder / "in.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["id", "type", "år", "virksomhet", "tekst"])
        writer.writerows([f"p{i}", "brev", 2020 + i % 3, ["=Nord", "Sør kommune", ""][i % 3 - 1], text] for i, text in enumerate(texts))

    def make(kind: str) -> Path:
        out = folder / f"out{kind}"
        if not out.exists():
            done = run("label", folder / "in.csv", "-o", out, *(["--all-scores"] if "all" in kind else []))
            assert done.returncode == 0, done.stderr
        return out

    return make


def rows(path: Path) -> list[Result]:
    return list(open_results(str(path), TAXONOMY).rows)


def shares_of(path: Path, model: Model, *by: str) -> list[Share]:
    return shares(count(rows(path), TAXONOMY, model.errors, by))


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_label_wrote_is_read_back(suffix: str, labelled: Labelled, texts: list[str], model: Model) -> None:
    """Every format gives back each row's id, text, own columns, labels, sentences, verdict, review, notes, language and model; where the
    format has them, the words that spoke for a label too."""
    found, predicted = rows(labelled(suffix)), list(predict_many(texts, model))
    assert [r.id for r in found] == [f"p{i}" for i in range(len(texts))]
    assert [r.text for r in found] == texts
    for result, p in zip(found, predicted, strict=True):
        assert result.problem is None
        assert {f: list(codes) for f, codes in result.labels.items()} == {f: p.labels(f) for f in p.facets}
        assert result.innovation == (p.innovasjon or {})["verdict"]
        assert (result.review, result.notes, result.language, result.model) == (p.review, p.warnings, p.language, p.model)
        assert result.fields["type" if FORMATS[suffix].evidence is False else "input_type"] == "brev"
        check_mentions(result, p, FORMATS[suffix].evidence)
    assert [r.empty for r in found].count(True) == 1


def check_mentions(result: Result, p: Prediction, offsets: bool) -> None:
    said = [(" ".join(m["text"].split()), [x["label"] for x in m["labels"]]) for m in p.facets["barriere"]]
    assert [(" ".join(m.text.split()), list(m.labels)) for m in result.mentions["barriere"]] == said
    if offsets:
        assert all(result.text[m.start : m.end] == m.text for m in result.mentions["barriere"])
        given = [(f"{facet}.{x['label']}", x["evidence"]) for facet in ("type", "verdi") for x in p.facets[facet]]
        assert all([w.weight for w in result.evidence[name]] == [e["weight"] for e in words] for name, words in given)


def test_every_format_gives_the_same_shares(labelled: Labelled, model: Model) -> None:
    """The shares do not depend on the format; without the probabilities of all labels they are counted alike and corrected by decisions."""
    first, *others = [shares_of(labelled(kind), model, "år") for kind in SCORED]
    assert all(s.corrected is not None and s.lower is not None for s in first)
    for other in others:
        for a, b in zip(first, other, strict=True):
            assert (a.facet, a.label, a.group, a.documents, a.counted) == (b.facet, b.label, b.group, b.documents, b.counted)
            assert (a.corrected, a.lower, a.upper) == pytest.approx((b.corrected, b.lower, b.upper), abs=1e-6)
    for kind in (".jsonl", ".parquet"):
        by_decision = shares_of(labelled(kind), model, "år")
        assert [(s.group, s.label, s.counted) for s in by_decision] == [(s.group, s.label, s.counted) for s in first]
        assert all(s.corrected is not None for s in by_decision)


def test_shares_by_group(labelled: Labelled, model: Model) -> None:
    """Overall first, then groups in order; their documents and counts sum to all; phases sum to one in each; few are said to be few."""
    found = shares_of(labelled(".csv"), model, "år")
    assert list(dict.fromkeys(s.group for s in found)) == [(), ("2020",), ("2021",), ("2022",)]
    for label in TAXONOMY["barriere"].codes:
        everywhere, *parts = [s for s in found if s.label == label]
        assert everywhere.documents == sum(s.documents for s in parts)
        assert everywhere.counted == sum(s.counted for s in parts)
    for group in {s.group for s in found}:
        phases = [s for s in found if s.facet == "fase" and s.group == group]
        assert sum(s.corrected or 0 for s in phases) == pytest.approx(1)
        assert sum(s.counted for s in phases) == phases[0].documents
    assert all((s.note == "few") == (s.documents < 10) for s in found)


def test_fewer_columns_than_counted_by(labelled: Labelled, model: Model) -> None:
    """One pass serves several groupings: shares by one of two columns are those of a count by that column alone."""
    tally = count(rows(labelled(".csv")), TAXONOMY, model.errors, ["år", "virksomhet"])
    assert shares(tally, ["virksomhet"]) == shares_of(labelled(".csv"), model, "virksomhet")
    assert shares(tally, []) == shares_of(labelled(".csv"), model)
    assert {s.group for s in shares(tally)} >= {("2020", "Sør kommune"), ("2021", "=Nord")} or len(tally.documents) == 3


def test_a_group_is_one_however_the_file_writes_it(labelled: Labelled, model: Model) -> None:
    """A year that a workbook holds as a number, and an empty cell, make the same groups as in a text file."""
    groups = [{s.group for s in shares_of(labelled(kind), model, "år", "virksomhet")} for kind in (".csv", ".xlsx", ".parquet")]
    assert groups[0] == groups[1] == groups[2]
    assert any("" in group for group in groups[0])


def test_the_model_carries_its_errors(model: Model) -> None:
    """The shipped model knows its errors of every label from all texts that it was trained on, and is more often right than wrong."""
    n = model.training["documents"]
    names = {"fase", "innovasjon"} | {f"{f.code}.{code}" for f in TAXONOMY.facets for code in f.codes if f.code != "fase"}
    assert set(model.errors) == names
    for name, known in model.errors.items():
        counts = known.decisions().counts
        assert counts.sum() == n
        assert (counts.diagonal() / counts.sum(axis=1)).min() > 0.5, name
        assert 0 < known.worth <= 1


def test_known_errors_hold_on_other_texts(model: Model) -> None:
    """What the model knows of its errors is what the test split shows: sensitivities and specificities agree within 0.12."""
    records = read_labelled([ROOT / "labelled_data/test.jsonl"], TAXONOMY)
    measured = errors_on(records, list(predict_many((r["text"] for r in records), model, evidence=False)), model)
    for name, known in model.errors.items():
        a, b = (c.decisions().counts for c in (known, measured[name]))
        assert np.abs(a.diagonal() / a.sum(axis=1) - b.diagonal() / b.sum(axis=1)).max() < 0.12, name


def test_a_model_without_error_figures(labelled: Labelled, run: Run, tmp_path: Path) -> None:
    """A model made before gives counted shares and says that, and why, they are not corrected; with `--calibrate` they are."""
    shutil.copytree(ROOT / "models/default", tmp_path / "old")
    about = json.loads((tmp_path / "old/model.json").read_text(encoding="utf-8"))
    del about["errors"]
    (tmp_path / "old/model.json").write_text(json.dumps(about), encoding="utf-8")
    assert storage.load(tmp_path / "old").errors == {}
    done = run("summarise", labelled(".csv"), "--model", tmp_path / "old", "-o", tmp_path / "s.json")
    made = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    assert {(s["corrected"], s["lower"], s["note"]) for s in made["shares"]} == {(None, None, "unknown")}
    assert made["error_figures"] == "ingen: modellen default 1.0.0 har ikke feiltall"
    assert "har ikke feiltall" in done.stderr
    gold = ROOT / "labelled_data/test.jsonl"
    run("summarise", labelled(".csv"), "--model", tmp_path / "old", "--calibrate", gold, "-o", tmp_path / "s.json", "--force")
    made = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    assert made["error_figures"] == f"målt på {gold}, {len(read_labelled([gold], TAXONOMY))} tekster"
    assert all(s["corrected"] is not None for s in made["shares"])


def test_calibration_is_by_the_sample(model: Model, labelled: Labelled) -> None:
    """A label that the sample shows to be given wrongly is not corrected, nor is one with few examples in it; both are said."""
    records = read_labelled([ROOT / "labelled_data/test.jsonl"], TAXONOMY)[:200]
    predicted = list(predict_many((r["text"] for r in records), model, evidence=False))
    code = TAXONOMY["type"].codes[0]
    for record in records:
        record["type"] = [c for c in record["type"] if c != code]
    for record, p in zip(records, predicted, strict=True):  # says the opposite of the model
        record["type"] += [] if code in p.labels("type") else [code]
        record["verdi"] = []
    found = shares(count(rows(labelled(".csv")), TAXONOMY, errors_on(records, predicted, model)))
    notes = {s.label: s.note for s in found}
    assert notes[code] == "weak"
    assert {notes[c] for c in TAXONOMY["verdi"].codes} == {"few_known"}
    assert {s.corrected for s in found if s.note} == {None}


def test_calibrated_shares_are_nearer_the_truth(run: Run, small_model: Path, tmp_path: Path) -> None:
    """A weak model's shares, corrected by hand-labelled texts of the same kind, are much nearer the true ones than counted, and most
    intervals hold these."""
    lines = (ROOT / "labelled_data/test.jsonl").read_text(encoding="utf-8").splitlines()
    for name, part in (("gold", lines[::2]), ("rest", lines[1::2])):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(part) + "\n", encoding="utf-8")
    run("label", tmp_path / "rest.jsonl", "-o", tmp_path / "l.csv", "--model", small_model)
    done = run("summarise", tmp_path / "l.csv", "--model", small_model, "--calibrate", tmp_path / "gold.jsonl", "-o", tmp_path / "s.json")
    assert done.returncode == 0, done.stderr
    records = read_labelled([tmp_path / "rest.jsonl"], TAXONOMY)
    truth = {(f.code, code): p for f in TAXONOMY.facets for code, p in zip(f.codes, present(records, f).mean(axis=0), strict=True)}
    told = [s for s in json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))["shares"] if s["corrected"] is not None]
    told = [s for s in told if (s["facet"], s["label"]) in truth]
    assert len(told) > len(truth) / 2
    true = np.array([truth[s["facet"], s["label"]] for s in told])
    raw, corrected = (np.abs([s[k] for s in told] - true).mean() for k in ("raw", "corrected"))
    assert corrected < 0.8 * raw, (corrected, raw, len(told))
    assert np.mean([s["lower"] <= t <= s["upper"] for s, t in zip(told, true, strict=True)]) >= 0.85


def test_other_thresholds(labelled: Labelled, run: Run, model: Model, tmp_path: Path) -> None:
    """With labels given at another threshold the correction goes by the probabilities; where the file lacks them, there is none."""
    facet, code = "type", TAXONOMY["type"].codes[0]
    source = labelled(".csv").parent / "in.csv"
    for out in ("t.csv", "t.jsonl"):
        run("label", source, "-o", tmp_path / out, "--threshold", f"{facet}.{code}=0.01")
    usual = next(s for s in shares_of(labelled(".csv"), model) if s.label == code)
    scored, decided = (next(s for s in shares_of(tmp_path / out, model) if s.label == code) for out in ("t.csv", "t.jsonl"))
    assert scored.counted == decided.counted > usual.counted
    assert (scored.corrected, scored.lower, scored.upper) == (usual.corrected, usual.lower, usual.upper)
    assert (scored.note, decided.note, decided.corrected) == ("moved", "thresholds", None)


def test_rows_that_do_not_count_are_told(labelled: Labelled, run: Run, tmp_path: Path) -> None:
    """Rows without text, and rows that are not as `label` wrote them, are left out of the shares and named."""
    lines = list(csv.reader(io.StringIO(labelled(".csv").read_bytes().decode("utf-8-sig"), newline=""), delimiter=";"))
    lines[2][lines[0].index("ny_type")] = "tjenest"
    lines.insert(5, ["rot", "brev"])
    with (tmp_path / "l.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows(lines)
    done = run("summarise", tmp_path / "l.csv", "-o", tmp_path / "s.json")
    made = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    whole = len(rows(labelled(".csv")))
    assert (made["documents"], made["without_text"], made["unreadable"]) == (whole - 2, 1, 2)
    assert "Rader uten tekst, ikke regnet med: 1" in done.stderr
    assert "Rader som ikke kunne leses, ikke regnet med: 2" in done.stderr
    assert "id rot: raden har 2 felt" in done.stderr
    assert "id p1: type: unknown label 'tjenest'" in done.stderr


@pytest.mark.parametrize(("language", "head"), [("nb", "andel_korrigert"), ("nn", "del_korrigert"), ("en", "corrected_share")])
def test_files_of_shares(language: str, head: str, labelled: Labelled, run: Run, tmp_path: Path) -> None:
    """CSV as Norwegian spreadsheets want it, TSV and XLSX hold the same rows: facet, code and name, groups, documents, shares, note, and
    which error figures were used. No cell starts a formula."""
    tables_ = {}
    for suffix in (".csv", ".tsv", ".xlsx") if language == "nb" else (".csv",):
        out = tmp_path / f"s{suffix}"
        done = run("summarise", labelled(".csv"), "--by", "virksomhet", "--by", "år", "-o", out, "--language", language)
        assert (done.returncode, done.stdout) == (0, "")
        if suffix == ".xlsx":
            lines = load_workbook(out).worksheets[0].iter_rows(values_only=True)
            tables_[suffix] = [["" if v is None else v for v in row] for row in lines]
        else:
            text = out.read_bytes().decode("utf-8-sig")
            tables_[suffix] = list(csv.reader(io.StringIO(text), delimiter=";" if suffix == ".csv" else "\t"))
    columns = tables_[".csv"][0]
    assert head in columns
    assert columns[3:5] == ["virksomhet", "år"]
    names = {row[2] for row in tables_[".csv"][1:]}
    assert {label.name(language) for facet in TAXONOMY.facets for label in facet.labels} < names
    if language != "nb":
        return
    assert columns == tables_[".tsv"][0] == tables_[".xlsx"][0]
    own = columns.index(head)
    for a, b, c in zip(*(t[1:] for t in tables_.values()), strict=True):
        assert a[:own] == [*b[: own - 1], b[own - 1].replace(".", ",")]
        assert float(a[own].replace(",", ".")) == float(b[own]) == c[own]
        assert a[3] in ("'=Nord", *(str(x[3]) for x in tables_[".xlsx"]))
        assert not any(cell.startswith("=") for cell in a + b)
        assert a[-1] == b[-1] == c[-1] != ""


def test_on_the_terminal(labelled: Labelled, run: Run) -> None:
    """80 columns, plain when piped: what was counted, which error figures, every label, every group under its label, notes below."""
    done = run("summarise", labelled(".jsonl"), "--by", "virksomhet", "--by", "år")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert all(len(line) <= 80 for line in lines if str(labelled(".jsonl")) not in line)
    assert "\x1b" not in done.stdout
    assert f"Feiltall: modellens egne, fra {storage.shipped().training['documents']} treningstekster" in " ".join(done.stdout.split())
    for label in (label for facet in TAXONOMY.facets for label in facet.labels):
        assert any(line.strip().startswith(label.name()[:25]) for line in lines)
    assert sum(line.startswith("  Sør kommune, 20") for line in lines) == sum("Sør kommune" in line for line in lines) >= 23
    assert any(line.startswith("  (ikke oppgitt), 20") for line in lines)
    assert lines[-1] == "a  færre enn 10 dokumenter: se på intervallet, ikke på andelen"


def test_long_group_names_keep_their_differences() -> None:
    """Where names of groups are cut to fit, the short one of two (a year) is kept whole."""
    shown = [tables._group([name, "2024"]) for name in ("Direktoratet for nokså lange navn og forkortelser", "Kort kommune")]
    assert all(len(s) < tables.WIDTH for s in shown)
    assert shown == ["Direktoratet for nokså l…, 2024", "Kort kommune, 2024"]


def test_own_taxonomy(run: Run, tmp_path: Path) -> None:
    """With a model and facets of one's own, single choices of sentences too, all is as with the shipped ones, but for the verdict."""
    both = "".join((ROOT / f"tests/data/{name}.toml").read_text(encoding="utf-8") for name in ("feedback", "tone"))
    (tmp_path / "mine.toml").write_text(both, encoding="utf-8")
    run("train", FEEDBACK, "--taxonomy", tmp_path / "mine.toml", "-o", tmp_path / "mine")
    facets = storage.load(tmp_path / "mine").taxonomy.facets
    assert {(f.unit, f.choice) for f in facets} == {(unit, choice) for unit in ("document", "sentence") for choice in ("single", "multi")}
    source = tmp_path / "in.jsonl"
    source.write_text(FEEDBACK.read_text(encoding="utf-8").replace('"tema"', '"emne"'), encoding="utf-8")
    for suffix in (".csv", ".jsonl"):
        done = run("label", source, "-o", tmp_path / f"l{suffix}", "--model", tmp_path / "mine")
        assert done.returncode == 0, done.stderr
        out = tmp_path / f"s{suffix}.json"
        done = run("summarise", tmp_path / f"l{suffix}", "--model", tmp_path / "mine", "-o", out, "--by", "emne")
        assert done.returncode == 0, done.stderr
        told = json.loads(out.read_text(encoding="utf-8"))["shares"]
        assert {(s["facet"], s["label"]) for s in told} == {(f.code, code) for f in facets for code in f.codes}
        assert len({tuple(s["group"].items()) for s in told}) == 4
    done = run("summarise", tmp_path / "l.csv")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "not made by `label` with this model" in done.stderr


def test_errors_of_the_user(labelled: Labelled, run: Run, tmp_path: Path) -> None:
    """What the user can mend is told in one line that says what is wrong and what to do, with exit code 2; nothing is written."""
    good, out = labelled(".csv"), tmp_path / "s.csv"
    nothing = tmp_path / "none.csv"
    text = good.read_bytes().decode("utf-8-sig")
    nothing.write_text(text.split("\r\n")[0] + "\r\n", encoding="utf-8")
    other = tmp_path / "other.csv"
    other.write_text(text.replace("default 1.0.0", "mitt 2.0"), encoding="utf-8")
    cases: list[tuple[list[Any], str]] = [
        ([ROOT / "examples/projects.csv"], "not made by `label` with this model (no column 'type'); label it first"),
        ([tmp_path / "no.csv"], "no such file"),
        ([good, "--by", "fylke"], "no column 'fylke' for --by; the columns are: id, type, år, virksomhet, tekst"),
        ([good, "-o", tmp_path / "s.pdf"], "unknown output format .pdf; known are .csv, .tsv, .xlsx, .json"),
        ([good, "-o", good], "exists already; --force replaces it"),
        ([good, "-o", tmp_path / "no/s.csv"], "cannot write"),
        ([good, "--calibrate", ROOT / "labelled_data/second/corrections.tsv"], "corrections.tsv"),
        ([nothing], "no row that can be counted"),
        ([other], "labelled by 'mitt 2.0' (id p0), not by 'default 1.0.0'; name its folder with --model"),
    ]
    for args, message in cases:
        done = run("summarise", *args, *([] if "-o" in args else ["-o", out]))
        assert done.returncode == 2, args
        assert message in done.stderr
        assert done.stderr.startswith("innovasjon: ")
        assert "Traceback" not in done.stderr
        assert not out.exists()


def test_columns_that_make_no_groups(model: Model) -> None:
    """A column with a value of its own for every row is refused before memory runs out."""
    row = Result("1", "", {}, {}, {}, {}, {}, None, (), (), "nb", str(model))
    many = (Result(**{**{f: getattr(row, f) for f in row.__slots__}, "fields": {"id": i}, "labels": LABELS}) for i in range(10**6))
    with pytest.raises(ClassifierError, match="id: more than 20000 different values; choose columns that make groups"):
        count(many, TAXONOMY, {}, ["id"])


LABELS = {f.code: (f.codes[:1] if f.choice == "single" else ()) for f in TAXONOMY.facets}


def test_a_trend_is_seen(labelled: Labelled, model: Model) -> None:
    """Years stand in their order, so that a share can be read as a trend."""
    years = [s.group[0] for s in shares_of(labelled(".csv"), model, "år") if s.group and s.label == "pilot"]
    assert all(int(a) < int(b) for a, b in pairwise(years))
