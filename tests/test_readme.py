"""The README's examples run as they stand."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.S) for line in block.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a newcomer has it: what the examples read, and an empty build/."""
    folder = tmp_path_factory.mktemp("readme")
    for name in ("examples", "labelled_data", "models"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "build").mkdir()
    return folder


def test_commands_run_in_order(copy: Path) -> None:
    """Every command in a sh block of the README succeeds, one after the other."""
    assert len(COMMANDS) >= 8
    for command in COMMANDS:
        program, *arguments = shlex.split(command)
        assert program == "innovasjon"
        done = subprocess.run([sys.executable, "-m", "classifier", *arguments], cwd=copy, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert "Traceback" not in done.stderr


def test_python_runs() -> None:
    """The README's Python block runs and prints predictions."""
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("'model'") == 2


def test_links_lead_somewhere() -> None:
    """Every relative link of the README is a file of the repository."""
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_command_is_told() -> None:
    """The README names every command of the program."""
    done = subprocess.run([sys.executable, "-m", "classifier", "--help"], capture_output=True, text=True, check=True)
    commands = re.findall(r"^  (\w+) ", done.stdout.split("Commands:")[1], re.M)
    assert commands
    assert [c for c in commands if f"innovasjon {c}" not in README] == []
