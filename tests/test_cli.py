"""The command line, by real processes: what it does, and what it says when it cannot."""

import csv
import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from classifier import load, predict, predict_many
from classifier.storage import FORMAT, Model

ROOT = Path(__file__).parent.parent
TRAIN, TEST = ROOT / "labelled_data/train.jsonl", ROOT / "labelled_data/test.jsonl"
TEXT = "Kommunen har tatt i bruk en ny app 😀 der pasientene melder målinger hjemmefra. Det stoppet da prosjektpengene tok slutt."
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def records(n: int) -> list[dict[str, Any]]:
    return [json.loads(line) for line in TEST.read_text(encoding="utf-8").splitlines()[:n]]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A small table as Norwegian Excel writes it."""
    path = tmp_path / "in.csv"
    path.write_text(f"id;tittel;beskrivelse\r\na;En app;{TEXT}\r\nb;Tom;\r\n", encoding="utf-8-sig", newline="")
    return path


def one_line(done: "subprocess.CompletedProcess[str]", pattern: str) -> None:
    """An error as it should be: exit code 2, one line on stderr that says what is wrong, nothing on stdout."""
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert re.fullmatch(r"innovasjon: [^\n]+\n", done.stderr), done.stderr
    assert re.search(pattern, done.stderr), done.stderr
    assert not done.stdout


# Start-up

HEAVY = {"rich", "lxml", "pypdfium2", "sklearn", "scipy", "nltk", "joblib", "openpyxl", "pyarrow", "numpy", "matplotlib", "jinja2"}
COMMANDS = ("label predict train evaluate report summarise check taxonomy sample convert agreement suspects").split()


def imported(code: str, *args: str) -> set[str]:
    """The heavy packages that a fresh process has loaded after some code."""
    end = f"\nimport sys\nprint('LOADED', *(set(sys.modules) & {HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", code + end, *args], capture_output=True, text=True, check=True, encoding="utf-8")
    return set(done.stdout.rpartition("LOADED")[2].split())


def test_import_is_light() -> None:
    """`import classifier` imports none of the heavy packages."""
    assert imported("import classifier") == set()


@pytest.mark.parametrize("args", [["--help"], ["--version"], *([c, "--help"] for c in COMMANDS), ["taxonomy"]], ids=" ".join)
def test_help_is_light(args: list[str]) -> None:
    """`--help`, of every command, and `taxonomy` import neither scikit-learn, scipy nor nltk."""
    code = "import sys\nfrom classifier.cli import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit as e:\n    assert e.code == 0"
    assert not imported(code, *args) & {"sklearn", "scipy", "nltk", "matplotlib", "jinja2"}


def test_labelling_needs_no_scikit_learn() -> None:
    """A text is labelled without scikit-learn or nltk being imported."""
    assert not imported("from classifier import predict\npredict('Vi prøver en app.')") & {"sklearn", "nltk", "joblib"}


def test_every_command_is_told(run: Run) -> None:
    """`--help` lists each command with a line on what it does; each command explains itself and every option it has."""
    out = run("--help").stdout
    assert set(re.findall(r"^  ([a-z]+) +\S", out.split("Commands:")[1], re.M)) == set(COMMANDS)
    for command in COMMANDS:
        text = run(command, "--help").stdout
        for option in re.findall(r"^ +(?:-\w, )?(--[a-z-]+)(.*(?:\n {10,}.*)?)", text.split("Options:")[1], re.M):
            assert re.search(r"[a-z]{3,}", option[1]), (command, option)


# label


def test_label(run: Run, table: Path, tmp_path: Path) -> None:
    """`label` writes the output, prints a summary for people, and says nothing on stderr."""
    done = run("label", table, "-o", tmp_path / "out.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 rader merket" in done.stdout
    assert "Tjenesteinnovasjon" in done.stdout
    assert "id b: teksten er tom" in done.stdout
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8-sig"), newline=""), delimiter=";"))
    assert [(r["id"], r["tittel"], r["beskrivelse"]) for r in rows] == [("a", "En app", TEXT), ("b", "Tom", "")]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_label_in_pipes(run: Run, table: Path) -> None:
    """`-` reads standard input, JSONL or CSV by its look; without -o the rows go to standard output and the summary to stderr."""
    done = run("label", "-", input=json.dumps({"id": "x", "text": TEXT}) + "\n")
    assert done.returncode == 0
    assert json.loads(done.stdout)["id"] == "x"
    assert "1 rad merket" in done.stderr
    done = run("label", "-", input=table.read_bytes())
    rows = list(csv.DictReader(io.StringIO(done.stdout.removeprefix("\ufeff"), newline=""), delimiter=";"))
    assert [r["id"] for r in rows] == ["a", "b"]


def test_label_options(run: Run, tmp_path: Path, small_model: Path) -> None:
    """Text and id columns, a model, several processes and all scores are chosen by option."""
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"nr": 5, "prosa": TEXT, "text": "annet"}) + "\n", encoding="utf-8")
    options = ["--text-column", "prosa", "--id-column", "nr", "--model", small_model, "--all-scores", "--jobs", 2]
    done = run("label", source, "-o", tmp_path / "out.jsonl", *options)
    assert done.returncode == 0, done.stderr
    (row,) = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert (row["id"], row["model"], row["text"]) == ("5", "small 1.0.0", "annet")
    expected = predict(TEXT, load(small_model)).to_dict(all_scores=True)
    assert {k: row[k] for k in expected} == expected


@pytest.mark.parametrize("jobs", [1, 2])
def test_threshold_changes_what_is_given(run: Run, table: Path, tmp_path: Path, model: Model, jobs: int) -> None:
    """`--threshold` decides which labels are given, with several processes too; a decimal comma will do."""
    for threshold, expected in (("0", True), ("1,0", False)):
        out = tmp_path / f"{threshold}.jsonl"
        codes = [f for f in model.thresholds if f.startswith("type.")]
        options = [x for code in codes for x in ("--threshold", f"{code}={threshold}")]
        assert run("label", table, "-o", out, "--jobs", jobs, *options).returncode == 0
        row = json.loads(out.read_text(encoding="utf-8").splitlines()[0])
        assert ([f"type.{x['label']}" for x in row["type"]] == codes) is expected
        assert (row["type"] == []) is not expected


def test_output_is_replaced_with_force_only(run: Run, table: Path, tmp_path: Path) -> None:
    """An output that exists is refused, replaced with --force, even when it is the input; --resume leaves a finished one alone."""
    out = tmp_path / "out.csv"
    out.write_text("precious", encoding="utf-8")
    one_line(run("label", table, "-o", out), r"out\.csv: exists already; --force")
    assert out.read_text(encoding="utf-8") == "precious"
    done = run("label", table, "-o", out, "--resume")
    assert (done.returncode, out.read_text(encoding="utf-8")) == (0, "precious")
    assert "er ferdig, ingenting gjenstår" in done.stderr
    assert run("label", table, "-o", out, "--force").returncode == 0
    assert out.read_text(encoding="utf-8-sig").startswith("id;tittel;beskrivelse;type;")
    assert run("label", table, "-o", table, "--force").returncode == 0
    assert table.read_bytes() == out.read_bytes()


def test_head_ends_it_quietly(tmp_path: Path) -> None:
    """`innovasjon label … | head -1` ends without a word on stderr, long before the input does."""
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"text": f"{TEXT} {i}"}) + "\n" for i in range(3000)), encoding="utf-8")
    command = f"'{sys.executable}' -m classifier label '{source}' | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, encoding="utf-8", check=True, timeout=120)
    assert json.loads(done.stdout)["id"] == "1"
    assert done.stderr == ""


# Cut off, and gone on with


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough rows for a run to be cut off in the middle of."""
    path = tmp_path_factory.mktemp("many") / "in.csv"
    texts = [r["text"][:300] for r in records(200)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["id", "text"])
        writer.writerows((i, f"{text} {i}") for i, text in ((i, texts[i % len(texts)]) for i in range(5000)))
    return path


def killed(source: Path, out: Path, *options: str) -> None:
    """Start a run and kill -9 it once something is safely written and not all is."""
    journal = out.parent / f".{out.name}.journal"
    process = subprocess.Popen([sys.executable, "-m", "classifier", "label", str(source), "-o", str(out), *options], stderr=subprocess.PIPE)
    until = time.monotonic() + 90
    while not (journal.exists() and '"rows"' in journal.read_text(encoding="utf-8")):
        assert process.poll() is None, process.stderr
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run was over before it was killed"
    if process.stderr:
        process.stderr.close()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl.gz"])
def test_resume_after_kill(run: Run, many: Path, tmp_path: Path, suffix: str) -> None:
    """A run killed with -9 and resumed gives the file of a run that was never cut off, byte for byte; no half file has its name."""
    out, whole = tmp_path / f"out{suffix}", tmp_path / f"whole{suffix}"
    killed(many, out)
    assert not out.exists()
    part = tmp_path / f".{out.name}.part"
    with part.open("ab") as file:  # what came after the last safe place may be anything
        file.write(b"half a ro")
    one_line(run("label", many, "-o", out), r"unfinished run .*--resume .*--force")
    done = run("label", many, "-o", out, "--resume")
    assert done.returncode == 0, done.stderr
    assert int(re.search(r"\((\d+) fra før\)", done.stdout)[1]) >= 1024  # type: ignore[index]
    at_once = run("label", many, "-o", whole)
    assert at_once.returncode == 0
    assert out.read_bytes() == whole.read_bytes()
    assert done.stdout.partition("\n")[2] == at_once.stdout.partition("\n")[2]  # the summary is of all rows
    assert re.match(r"5000 rader merket \(\d+ fra før\)", done.stdout)
    assert sorted(p.name for p in tmp_path.iterdir()) == [out.name, whole.name]


def test_resume_is_of_the_same_run(run: Run, many: Path, table: Path, tmp_path: Path) -> None:
    """An unfinished run is not gone on with by another model, threshold, option or input; --force starts afresh."""
    out = tmp_path / "out.csv"
    killed(many, out)
    other = tmp_path / "other.csv"
    shutil.copy(many, other)
    for arguments in (
        [many, "--threshold", "type.prosess=0.9"],
        [many, "--all-scores"],
        [many, "--text-column", "id"],
        [other],
        [table],
    ):
        one_line(run("label", *arguments, "-o", out, "--resume"), r"another model, input or options; --force")
        assert not out.exists()
    assert run("label", table, "-o", out, "--force").returncode == 0
    assert out.read_text(encoding="utf-8-sig").count("\n") == 3


def test_resume_of_a_forced_run(run: Run, many: Path, tmp_path: Path) -> None:
    """A --force run that was cut off leaves the old output as it was, and --resume finishes it."""
    out = tmp_path / "out.csv"
    out.write_text("old", encoding="utf-8")
    killed(many, out, "--force")
    assert out.read_text(encoding="utf-8") == "old"
    assert run("label", many, "-o", out, "--resume").returncode == 0
    assert len(list(csv.reader(io.StringIO(out.read_text(encoding="utf-8-sig"), newline=""), delimiter=";"))) == 5001


def no_more_than(size: int) -> Callable[[], None]:
    """A disk that is full after so many bytes of a file."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".xlsx", ".parquet"])
def test_disk_full(run: Run, many: Path, tmp_path: Path, suffix: str) -> None:
    """On a full disk: one line, no file under the final name; with room again --resume finishes the job."""
    source, out = tmp_path / "in.csv", tmp_path / f"out{suffix}"
    source.write_text("".join(many.read_text(encoding="utf-8").splitlines(keepends=True)[:100]), encoding="utf-8")
    one_line(run("label", source, "-o", out, preexec_fn=no_more_than(5_000)), r"cannot write: File too large.*--resume")
    assert not out.exists()
    assert run("label", source, "-o", out, "--resume").returncode == 0
    assert out.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", out.name]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "args", [["label", "-"], ["predict", TEXT], ["predict", "--json", TEXT], ["taxonomy"]], ids=lambda a: " ".join(a)[:14]
)
def test_standard_output_full(run: Run, args: list[str]) -> None:
    """Where standard output can take no more: one line, exit code 2."""
    with open("/dev/full", "wb") as full:
        done = run(*args, input=json.dumps({"text": TEXT}) + "\n", stdout=full)
    one_line(done, "No space left on device")


def test_disk_full_for_figures(run: Run, tmp_path: Path, small_model: Path) -> None:
    """`evaluate --json` on a full disk leaves the file that was there as it was."""
    data = tmp_path / "d.jsonl"
    data.write_text("".join(json.dumps(r) + "\n" for r in records(12)), encoding="utf-8")
    figures = tmp_path / "figures.json"
    figures.write_text("{}", encoding="utf-8")
    done = run("evaluate", data, "--model", small_model, "--json", figures, preexec_fn=no_more_than(1000))
    assert done.returncode == 2
    assert re.fullmatch(r"innovasjon: .*figures\.json: cannot write: File too large\n", done.stderr)
    assert figures.read_text(encoding="utf-8") == "{}"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d.jsonl", "figures.json"]


# Errors


def test_missing_file(run: Run, tmp_path: Path) -> None:
    """A file that is not there is named."""
    one_line(run("label", tmp_path / "no.csv", "-o", tmp_path / "out.csv"), r"no\.csv: no such file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        (["--text-column", "tekst"], r"in\.csv: no column 'tekst' for --text-column; the columns are: id, tittel, beskrivelse"),
        (["--id-column", "nr"], r"in\.csv: no column 'nr' for --id-column; the columns are: id, tittel, beskrivelse"),
        (["--threshold", "type.prosess"], r"'type\.prosess': should be of the form --threshold FACET\.LABEL=P"),
        (["--threshold", "type.pris=0.5"], r"type\.pris=0\.5: no such label; the model has .*type\.prosess"),
        (["--threshold", "type.prosess=high"], r"'high' is not a probability"),
        (["--threshold", "type.prosess=1.5"], r"'1\.5' is not a probability"),
        (["--threshold", "type.prosess=nan"], r"'nan' is not a probability"),
        (["--model", "nowhere"], r"nowhere: not a model folder"),
        (["--model", "damaged"], r"damaged: the model is damaged"),
        (["--model", "foreign"], r"foreign: the model is damaged or not one of ours"),
        (["--model", "newer"], r"newer: model format 99, this program reads"),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, list) else "",
)
def test_wrong_option(run: Run, table: Path, tmp_path: Path, small_model: Path, options: list[str], pattern: str) -> None:
    """What is wrong with a column, a threshold or a model is said in one line, and nothing is written."""
    for name, change in (("damaged", None), ("foreign", json.dumps({"a": 1, "format": FORMAT})), ("newer", '{"format": 99}')):
        shutil.copytree(small_model, tmp_path / name)
        weights = tmp_path / name / "weights.npz"
        if change:
            (tmp_path / name / "model.json").write_text(change, encoding="utf-8")
        else:
            weights.write_bytes(weights.read_bytes()[:5000])
    before = sorted(tmp_path.rglob("*"))
    one_line(run("label", "in.csv", "-o", "out.csv", *options, cwd=tmp_path), pattern)
    assert sorted(tmp_path.rglob("*")) == before


def test_no_column_of_the_usual_names(run: Run, tmp_path: Path) -> None:
    """A table without a text column: the error names the columns there are and the option to choose one, on one line."""
    (tmp_path / "in.csv").write_text('nr;"to\nlinjer";prosa\n1;2;3\n', encoding="utf-8")
    one_line(run("label", "in.csv", cwd=tmp_path), r"no column called text, tekst, beskrivelse; .*--text-column: nr, to linjer, prosa")


WRITTEN = {
    "empty.csv": b"",
    "empty.jsonl": b"\n\n",
    "blank.csv": b"\n",
    "picture.csv": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "wide.csv": "id;tekst\n1;Vi prøver\n".encode("utf-32"),
    "not.xlsx": b"id;tekst\n",
    "not.parquet": b"id;tekst\n",
    "not.jsonl.gz": b'{"text": "a"}\n',
    "what.odt": b"PK",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_unreadable_input(run: Run, tmp_path: Path, name: str) -> None:
    """An empty file, an unknown format, an encoding that cannot be read: one line that names the file; nothing is written."""
    (tmp_path / name).write_bytes(WRITTEN[name])
    one_line(run("label", name, "-o", "out.csv", cwd=tmp_path), re.escape(name) + ": ")
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_empty_standard_input(run: Run) -> None:
    """Nothing on standard input is an error that says so."""
    one_line(run("label", "-", input=""), "standard input: is empty")


def test_wrong_output(run: Run, table: Path, tmp_path: Path) -> None:
    """An output folder that is missing, is a folder, or has an unknown suffix is refused before anything is labelled."""
    (tmp_path / "folder").mkdir()
    one_line(run("label", table, "-o", tmp_path / "no" / "out.csv"), r"the folder .*no does not exist; make it first")
    one_line(run("label", table, "-o", tmp_path / "out.docx"), r"out\.docx: unknown output format \.docx; known are \.csv")
    (tmp_path / "f.csv").mkdir()
    one_line(run("label", table, "-o", tmp_path / "f.csv"), r"f\.csv: is a folder")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.csv", "folder", "in.csv"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_right_to_write(run: Run, table: Path, tmp_path: Path) -> None:
    """A folder that cannot be written to is an error of one line."""
    (tmp_path / "closed").mkdir(mode=0o500)
    one_line(run("label", table, "-o", tmp_path / "closed" / "out.csv"), "cannot write: Permission denied")


def test_bad_rows_never_stop_it(run: Run, tmp_path: Path) -> None:
    """Rows without text, in another language, broken or short come out with a note; the exit code is 0."""
    lines = [
        '{"id": "a", "text": ""}',
        "{oops",
        '{"id": "c", "text": "This is an English text that was written for the test of it."}',
        '{"id": "d"}',
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    done = run("label", "in.jsonl", "-o", "out.csv", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8-sig"), newline=""), delimiter=";"))
    assert [r["id"] for r in rows] == ["a", "", "c", "d"]
    assert rows[1]["merknad"].startswith("linjen er ikke gyldig JSON")
    assert [r["merknad"] for r in rows[::2]] == ["teksten er tom", "teksten ser ikke ut til å være norsk"]


# predict


def test_predict_json(run: Run) -> None:
    """`predict --json` gives the contract's JSON on one line, from the argument, from `-` and from a pipe, as the library does."""
    expected = {"id": "1", **predict(TEXT).to_dict()}
    for done in (run("predict", "--json", TEXT), run("predict", "--json", "-", input=TEXT), run("predict", "--json", input=TEXT)):
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.count("\n") == 1
        assert json.loads(done.stdout) == expected
    assert "scores" in json.loads(run("predict", "--json", "--all-scores", TEXT).stdout)


def test_library_command_and_batch_agree(run: Run, tmp_path: Path) -> None:
    """The library, one text by the command, and a batch give the same numbers, offsets and all."""
    texts = ["\r\n" + r["text"] + " 😀 e\u0301" for r in records(8)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in texts), encoding="utf-8")
    rows = [json.loads(line) for line in run("label", tmp_path / "in.jsonl").stdout.splitlines()]
    for i, (text, prediction) in enumerate(zip(texts, predict_many(texts), strict=True)):
        expected = prediction.to_dict()
        assert {k: rows[i][k] for k in expected} == expected
        assert predict(text) == prediction
    one = json.loads(run("predict", "--json", "-", input=texts[0].encode()).stdout)
    assert {k: one[k] for k in expected} == predict(texts[0]).to_dict()


@pytest.mark.parametrize(("language", "name"), [("nb", "Tjenesteinnovasjon"), ("nn", "Tenesteinnovasjon"), ("en", "Service innovation")])
def test_predict_for_people(run: Run, model: Model, language: str, name: str) -> None:
    """Without --json people read names, probabilities, the verdict and the text, in the language they ask for; plain when piped."""
    done = run("predict", "--language", language, TEXT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert all(facet.name(language) in done.stdout for facet in model.taxonomy.facets)
    given_codes = predict(TEXT).labels("type")
    shown = {
        label.code
        for label in model.taxonomy["type"].labels
        if re.search(rf"  {re.escape(label.name(language)[:42])} +[█·]+ 0\.\d\d", done.stdout)
    }
    assert shown == set(given_codes)
    assert {"nb": "Innovasjon: ", "nn": "Innovasjon: ", "en": "Innovation: "}[language] in done.stdout
    assert "Kommunen har tatt i bruk en ny app 😀" in done.stdout


def test_predict_of_nothing(run: Run) -> None:
    """An empty text is predicted with a warning, not refused."""
    done = run("predict", "--json", "-", input="")
    assert done.returncode == 0
    assert json.loads(done.stdout)["warnings"] == ["teksten er tom"]


def test_predict_of_bytes_that_are_no_text(run: Run) -> None:
    """Bytes that are no UTF-8, piped or as an argument, are labelled as far as they can be read."""
    for done in (
        run("predict", "--json", "-", input=b"Vi pr\xf8ver en app."),
        run("predict", "--json", os.fsdecode(b"Vi pr\xf8ver en app.")),
    ):
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["model"]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-16"])
def test_output_is_utf8_everywhere(run: Run, encoding: str) -> None:
    """What is printed is UTF-8 whatever the terminal's code page says."""
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    for args in (["predict", "Vi øver på æøå 😀."], ["label", "-"], ["taxonomy"]):
        done = run(*args, env=environment, input='{"text": "Vi øver på æøå 😀."}')
        assert done.returncode == 0
        assert ("Oppnådd" if args == ["taxonomy"] else "æøå 😀") in done.stdout


# train, evaluate, check, taxonomy


def test_train_evaluate_label(run: Run, tmp_path: Path) -> None:
    """`train` writes a model with its card; `evaluate` and `label` take it; a model that exists is not overwritten."""
    data, held = tmp_path / "train.jsonl", tmp_path / "held.jsonl"
    some = [json.loads(line) for line in TRAIN.read_text(encoding="utf-8").splitlines()]
    data.write_text("".join(json.dumps(r) + "\n" for r in some[:: len(some) // 60][:60]), encoding="utf-8")
    held.write_text("".join(json.dumps(r) + "\n" for r in records(12)), encoding="utf-8")
    done = run("train", data, "-o", tmp_path / "mine", "--model-version", "2.1", "--score", f"held={held}", "--jobs", 2)
    assert done.returncode == 0, done.stderr
    assert "trained on 60 texts" in done.stdout
    card = (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")
    assert card.startswith("# Model card: mine 2.1")
    assert "held (12 documents)" in card
    one_line(run("train", data, "-o", tmp_path / "mine"), "mine: exists already; --force")
    done = run("evaluate", held, "--model", tmp_path / "mine", "--json", tmp_path / "figures.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("12 documents")
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert figures["documents"] == 12
    assert set(figures["figures"]) == {"type", "barriere?", "barriere", "barriere-dok", "fase", "verdi"}
    done = run("predict", "--json", "--model", tmp_path / "mine", TEXT)
    assert json.loads(done.stdout)["model"] == "mine 2.1"


def test_check(run: Run, tmp_path: Path) -> None:
    """`check` counts good data; a bad row, in `check`, `train` and `evaluate`, is an error that names file and line."""
    data = tmp_path / "d.jsonl"
    data.write_text("".join(json.dumps(r) + "\n" for r in records(20)), encoding="utf-8")
    done = run("check", data)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^documents +20$", done.stdout, re.M)
    assert "no fault found" in done.stdout
    data.write_text(data.read_text(encoding="utf-8") + '{"id": "x", "text": "Vi prøver.", "type": ["pris"]}\n', encoding="utf-8")
    for args in (["check", data], ["evaluate", data], ["train", data, "-o", tmp_path / "m"]):
        one_line(run(*args), r"d\.jsonl:21: type: unknown label 'pris'; known are tjeneste")
    assert not (tmp_path / "m").exists()
    for args in (["check", tmp_path / "no.jsonl"], ["evaluate", tmp_path], ["train", tmp_path / "no.jsonl", "-o", tmp_path / "m"]):
        one_line(run(*args), "cannot read: (No such file|Is a directory)")


def test_check_finds_copies(run: Run, tmp_path: Path) -> None:
    """`check` names the texts that are near-duplicates of each other, and fails."""
    rows = records(3)
    rows.append(rows[0] | {"id": "copy"})
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    done = run("check", tmp_path / "d.jsonl")
    assert done.returncode == 2
    assert re.fullmatch(rf"innovasjon: near-duplicates \(1\.00\): {rows[0]['id']} and copy\n", done.stderr)


def test_train_into_a_file(run: Run, tmp_path: Path) -> None:
    """A model's folder that is a file is refused before any time is spent on training."""
    data = tmp_path / "d.jsonl"
    data.write_text(json.dumps(records(1)[0]) + "\n", encoding="utf-8")
    one_line(run("train", data, "-o", data, "--force"), r"d\.jsonl: is a file; name a folder")
    assert len(data.read_text(encoding="utf-8").splitlines()) == 1


def test_taxonomy(run: Run, model: Model) -> None:
    """`taxonomy` prints every code with its name and definition, in nb, nn or en."""
    for language in ("nb", "nn", "en"):
        out = run("taxonomy", "--language", language).stdout
        for facet in model.taxonomy.facets:
            assert f"{facet.code} – {facet.name(language)}" in out
            for label in facet.labels:
                assert re.search(
                    rf"^  {label.code} +{re.escape(label.name(language))}: {re.escape(label.definitions[language])}$", out, re.M
                )


def test_usage_errors_are_one_line(run: Run) -> None:
    """A wrong option, a missing argument or a wrong value is one line that says where to look, exit code 2."""
    for args in (["label"], ["label", "x.csv", "--bogus"], ["label", "x.csv", "--jobs", "0"], ["nonsense"]):
        done = run(*args)
        assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")
        assert done.stderr.startswith("innovasjon: ")
        assert "--help" in done.stderr


def test_check_and_taxonomy_know_a_models_labels(run: Run) -> None:
    """With --model the taxonomy is the model's own."""
    assert "Tjenesteinnovasjon" in run("taxonomy", "--model", "models/default", cwd=Path(__file__).parent.parent).stdout
    done = run("check", "labelled_data/test.jsonl", "--model", "models/default", cwd=Path(__file__).parent.parent)
    assert done.returncode == 0, done.stderr
