"""The tutorial runs as written; prepared files stand for the person who labels.

Where `sample` has come to choose other texts, `python tests/test_tutorial.py` writes the prepared files anew, from `key.csv`.
"""

import csv
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from classifier.preprocessing import language

ROOT = Path(__file__).parent.parent
HERE = ROOT / "examples/tutorial"
TUTORIAL = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TUTORIAL, re.S) for line in block.splitlines() if line.strip()]
Rows = list[list[str]]


def table(path: Path) -> Rows:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter=";"))


def answers(tasks: Path) -> Rows:
    """What the person makes of a sheet of tasks: the rows of the key."""
    chosen = {json.loads(line)["id"] for line in tasks.read_text(encoding="utf-8").splitlines()}
    head, *rows = table(HERE / "key.csv")
    return [head, *(row for row in rows if row[0] in chosen)]


PROGRAM = """
import json, shlex, sys, io, contextlib
from classifier.cli import main
for command in json.load(sys.stdin):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            main(shlex.split(command)[1:])
        except SystemExit as end:
            if end.code:
                sys.exit(f"{command}: exit code {end.code}")
    print(json.dumps(out.getvalue()), flush=True)
"""


def run(commands: list[str], folder: Path) -> list[str]:
    """What each command prints; one process for all, which saves the start-up of each."""
    assert {shlex.split(command)[0] for command in commands} == {"innovasjon"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=folder, input=json.dumps(commands), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """(the folder after all commands, what each printed)."""
    folder = tmp_path_factory.mktemp("tutorial")
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / "build").mkdir()
    return folder, dict(zip(COMMANDS, run(COMMANDS, folder), strict=True))


def test_all_steps_run(done: tuple[Path, dict[str, str]]) -> None:
    """sample, label, train, evaluate, sample again: every command succeeds, and each new one is shown."""
    used = {shlex.split(command)[1] for command in COMMANDS}
    assert used == {"taxonomy", "sample", "convert", "check", "train", "evaluate", "suspects", "agreement", "label"}
    assert (done[0] / "build/label_studio.xml").exists()


@pytest.mark.parametrize("number", [1, 2])
def test_prepared_files_answer_the_tasks(done: tuple[Path, dict[str, str]], number: int) -> None:
    """The prepared files label just the texts that `sample` chose; if not, see the top of this file."""
    assert table(HERE / f"labelled_{number}.csv") == answers(done[0] / f"build/tasks_{number}.jsonl")


def test_more_labels_help(done: tuple[Path, dict[str, str]]) -> None:
    """The second model is better on the test texts than the first, as the tutorial says."""
    first, second = (
        float(re.search(r"micro-F1 ([\d.]+)", out)[1])  # type: ignore[index]
        for command, out in done[1].items()
        if " evaluate " in command
    )
    assert second > first


def test_texts() -> None:
    """Sixty unlabelled texts, in both standards, and a test that has none of them."""
    texts = {row[1] for row in table(HERE / "texts.csv")[1:]}
    assert len(texts) == 60
    assert not texts & {row[1] for row in table(HERE / "test.csv")}
    assert min(sum(language(text) == standard for text in texts) for standard in ("nb", "nn")) >= 10


def write_answers() -> None:
    """Run the tutorial, and write the answers to each sample as soon as it is drawn."""
    for command in COMMANDS:
        print(command)
        run([command], ROOT)
        if found := re.search(r" sample .*build/tasks_(\d)\.jsonl", command):
            with (HERE / f"labelled_{found[1]}.csv").open("w", encoding="utf-8-sig", newline="") as file:
                csv.writer(file, delimiter=";", lineterminator="\r\n").writerows(answers(ROOT / f"build/tasks_{found[1]}.jsonl"))


if __name__ == "__main__":
    write_answers()
