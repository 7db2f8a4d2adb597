"""What people see: on a terminal of a width, in a pipe, in their language; by real processes on a real pseudo-terminal."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from classifier import Prediction, predict, taxonomy
from classifier.cli.progress import expected_rows
from classifier.display import as_text
from classifier.display.items import Bar, Line
from classifier.display.words import NOTES, WORDS

Run = Callable[..., "subprocess.CompletedProcess[str]"]
TEXT = "Kommunen tester en ny app for innbyggerne. Kommunen har ikke råd til å fortsette når tilskuddet tar slutt."
ROOT = Path(__file__).parent.parent
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-7]|9[0-7])(?:;\d+)*m")


def on_terminal(*args: object, columns: int = 80, **environment: str) -> str:
    """What a program run of ours writes to a terminal, its two streams together."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    hidden = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE")
    clean = {k: v for k, v in os.environ.items() if k not in hidden} | {"TERM": "xterm-256color", "PYTHONUTF8": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "classifier", *map(str, args)], stdin=theirs, stdout=theirs, stderr=theirs, env=clean | environment
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # nobody has the other end any more
            break
        if not more:
            break
        seen += more
    os.close(ours)
    assert process.wait(timeout=60) == 0, seen
    return seen.decode("utf-8").replace("\r\n", "\n")


@pytest.fixture(scope="module")
def found() -> Prediction:
    """What there is to show of TEXT: a label, and a barrier in its second sentence, with the shipped model."""
    made = predict(TEXT)
    assert made.labels("type")
    assert [TEXT[s["start"] : s["end"]] for s in made.facets["barriere"]] == [TEXT.partition(". ")[2]]
    return made


def codes(found: Prediction) -> str:
    return f" [{';'.join(x['label'] for x in found.facets['barriere'][0]['labels'])}]"


def strongest(found: Prediction) -> str:
    """The word that spoke most for the first label."""
    best = found.facets["type"][0]["evidence"][0]
    return TEXT[best["start"] : best["end"]]


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_predict_on_a_terminal(columns: int, found: Prediction) -> None:
    """Labels have bars, evidence is bold in the text, barrier sentences are underlined with codes; nothing is wider than the terminal."""
    seen = on_terminal("predict", TEXT, columns=columns)
    plain = CODES.sub("", seen)
    assert max(cell_len(line) for line in plain.splitlines()) <= min(columns, 100)
    first = found.facets["type"][0]
    name = next(label.name() for label in taxonomy.shipped()["type"].labels if label.code == first["label"])
    assert re.search(rf"^  {name} +━+─* +{first['probability']:.2f}$", plain, re.M)
    words = " ".join(plain.split("\n\n")[-1].split())
    assert words == TEXT + codes(found)
    underlined = "".join(re.findall(r"\x1b\[(?:\d+;)*4(?:;\d+)*m([^\x1b]*)", seen))
    assert "".join(underlined.split()) == TEXT.partition(". ")[2].replace(" ", "")
    assert re.search(rf"\x1b\[1;(?:4;)?3\dm{strongest(found)}\x1b", seen)


def test_no_color(found: Prediction) -> None:
    """With NO_COLOR there is no colour; bold and underlined words still are."""
    assert COLOUR.search(on_terminal("predict", TEXT))
    seen = on_terminal("predict", TEXT, NO_COLOR="1")
    assert not COLOUR.search(seen)
    assert re.search(rf"\x1b\[1(?:;4)?m{strongest(found)}\x1b", seen)
    assert re.search(r"\x1b\[4m", seen)


def test_a_terminal_that_knows_nothing() -> None:
    """On a dumb terminal it is plain, as in a pipe."""
    assert "\x1b" not in on_terminal("predict", TEXT, TERM="dumb")


def test_plain_in_a_pipe(run: Run, tmp_path: Path, found: Prediction) -> None:
    """In a pipe there are no codes, no line of ours beyond 80 columns, and rich is not even imported."""
    done = run("predict", TEXT)
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines()[-1] == TEXT + codes(found)
    done = run("label", ROOT / "examples/projects.csv", "-o", tmp_path / "ut.csv")
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines()[1:])) <= 80
    code = "import sys\nfrom classifier.cli import main\ntry:\n    main(['predict', 'Hei'])\nfinally:\n    assert 'rich' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_summary_on_a_terminal(tmp_path: Path) -> None:
    """`label` shows how far it has come, and ends with a table of bars and shares; the progress bar is gone then."""
    seen = on_terminal("label", ROOT / "examples/projects.csv", "-o", tmp_path / "ut.csv", columns=60)
    assert re.search(r"merker.*?(\d+)/28", seen, re.S)
    end = CODES.sub("", seen).rpartition("28 rader merket")[2]
    assert re.search(r"^  Tjenesteinnovasjon +━+─+ +\d+ +\d+%$", end, re.M)
    assert max(cell_len(line) for line in end.splitlines()) <= 60
    assert "/28" not in end


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("nb", ["2 rader merket", "Tjenesteinnovasjon", "Merknader: teksten er tom (1)", "id b: teksten er tom"]),
        ("nn", ["2 rader merkte", "Tenesteinnovasjon", "Merknader: teksten er tom (1)", "id b: teksten er tom"]),
        ("en", ["2 rows labelled", "Service innovation", "Notes: the text is empty (1)", "id b: the text is empty"]),
    ],
)
def test_languages(run: Run, tmp_path: Path, language: str, said: list[str]) -> None:
    """`--language` is that of the words on the screen; the file is the same in all of them."""
    source = tmp_path / "in.csv"
    source.write_text(f"id;tekst\na;{TEXT}\nb;\n", encoding="utf-8")
    done = run("label", source, "-o", tmp_path / f"{language}.csv", "--language", language)
    assert all(s in done.stdout for s in said), done.stdout
    run("label", source, "-o", tmp_path / "uten.csv")
    assert (tmp_path / f"{language}.csv").read_bytes() == (tmp_path / "uten.csv").read_bytes()


def test_words_are_in_every_language() -> None:
    """No word of the screen lacks a language, and the same values go into each."""
    for key, words in WORDS.items():
        assert len({w.count("{}") for w in words}) == 1, key
        assert all(w.strip() for w in words), key
    assert all(len(words) == 2 and all(words) for words in NOTES.values())


def test_text_cannot_steer_the_terminal(tmp_path: Path) -> None:
    """Codes for a terminal that stand in a text, or in a note's id, are shown as signs, not obeyed; markup of rich is no markup."""
    seen = on_terminal("predict", "Kommunen \x1b[2J\x1b]0;x\x07 tester [bold]en[/bold] app\x9b2J :smile:")
    assert "\x1b[2J" not in seen
    assert "\x1b]" not in seen
    assert "\x07" not in seen
    assert "\x9b" not in seen
    assert "tester [bold]en[/bold] app" in CODES.sub("", seen)
    assert ":smile:" in CODES.sub("", seen)
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"id": "\x1b[2J", "text": ""}) + "\n", encoding="utf-8")
    assert "\x1b[2J" not in on_terminal("label", source, "-o", tmp_path / "ut.jsonl")


def test_own_taxonomy_with_long_names(run: Run, tmp_path: Path) -> None:
    """Facets of one's own, with names longer than the terminal is wide, are shown whole on a terminal, and cut in a pipe."""
    name = "Et navn som er mye lengre enn det som får plass på en linje i en smal terminal"
    toml = tmp_path / "t.toml"
    toml.write_text(f'[facet.tone.label.glad]\nname = "{name}"\n[facet.tone.label.sur]\nname = "Sur"\n', encoding="utf-8")
    data = tmp_path / "d.jsonl"
    rows = [
        {"id": str(i), "text": f"{'Bra og fint' if i % 2 else 'Dårlig og trist'} nummer {i}.", "tone": [("sur", "glad")[i % 2]]}
        for i in range(40)
    ]
    data.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    done = run("train", data, "-o", tmp_path / "m", "--taxonomy", toml)
    assert done.returncode == 0, done.stderr
    seen = CODES.sub("", on_terminal("label", data, "-o", tmp_path / "ut.jsonl", "--model", tmp_path / "m", columns=60))
    assert max(cell_len(line) for line in seen.rpartition("40 rader")[2].splitlines()) <= 60
    shown = re.sub(r"[━─]+ +\d+ +\d+%", " ", seen)
    assert name in " ".join(shown.split())  # over several lines, with its bar beside the first


def test_plain_bars() -> None:
    """A bar in a pipe is as long as its share."""
    items = [
        Line((("Type", "bold"),)),
        Bar("Ny", 0.5, "0.50", "cyan"),
        Bar("x" * 60, 1, "1.00", "cyan"),
        Line((("a", ""), ("b", "bold")), 2),
    ]
    lines = as_text(items).split("\n")
    assert lines == ["Type", f"  {'Ny':42} {'█' * 10}{'·' * 10} 0.50", f"  {'x' * 42} {'█' * 20} 1.00", "  ab"]


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.csv", "id;tekst\r\n1;a\r\n2;b\r\n", 2),
        ("a.csv", 'id;tekst\n1;"a\nb ""c""\nd"\n2;b', 2),
        ("a.jsonl", '{"text": "a"}\n{"text": "b"}', 2),
        ("a.csv", "id;tekst\n", 0),
        ("a.xlsx", "x", None),
    ],
)
def test_expected_rows(tmp_path: Path, name: str, content: str, rows: int | None) -> None:
    """The total of the progress bar is the number of rows, line ends in cells aside; what only reading would tell is not told."""
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    assert expected_rows((str(tmp_path / name),)) == rows
    assert expected_rows(("-",)) is None


def test_picture_is_small_and_whole() -> None:
    """The README's picture of `predict` is small, and needs nothing from elsewhere."""
    svg = (ROOT / "examples/predict.svg").read_text(encoding="utf-8")
    assert len(svg) < 100_000
    assert not re.search(r"url\([\"']?http|href=[\"']http|@import", svg)
    names = [facet.name() for facet in taxonomy.shipped().facets]
    assert all(name.replace(" ", "&#160;") in svg for name in names)


def test_rows_without_text_are_not_counted(tmp_path: Path, run: Run) -> None:
    """The summary of `label` counts labels, phases too, of the rows that have a text, as `summarise` does."""
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("id;tekst\n1;Kommunen har tatt i bruk en ny app.\n2;\n3;  \n", encoding="utf-8")
    done = run("label", source, "-o", out)
    assert "2 uten tekst" in done.stdout
    shares = [line.split()[-2:] for line in done.stdout.split("Fase")[1].split("Oppnådd")[0].splitlines() if "%" in line]
    assert sorted(shares) == [["0", "0%"]] * 4 + [["1", "100%"]]
