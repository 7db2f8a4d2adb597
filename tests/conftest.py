"""What the tests share: two models to read from, and the program as a real process."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from classifier import storage, taxonomy
from classifier.documents.labelled import read_labelled
from classifier.model import train
from classifier.storage import Model

ROOT = Path(__file__).parent.parent
DATA = ROOT / "tests/data"
settings.register_profile("here", deadline=None)  # other work runs on the machine
settings.load_profile("here")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def model() -> Model:
    """The shipped model."""
    return storage.shipped()


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model trained on 200 texts; tests only read it."""
    records = read_labelled([ROOT / "labelled_data/train.jsonl"], taxonomy.shipped())
    made, _ = train(records[:: len(records) // 200][:200], taxonomy.shipped(), "small", jobs=2)
    folder = tmp_path_factory.mktemp("models") / "small"
    storage.save(made, folder, "# small\n")
    return folder


@pytest.fixture(scope="session")
def run() -> Run:
    """`run("label", "a.csv", input="…", cwd=…)`: the program as its users start it; text in and out is UTF-8."""

    def start(*args: Any, input: str | bytes | None = None, cwd: Path | None = None, **more: Any) -> "subprocess.CompletedProcess[str]":
        given = input.encode("utf-8") if isinstance(input, str) else input
        done = subprocess.run(
            [sys.executable, "-m", "classifier", *map(str, args)],
            input=given, stdin=subprocess.DEVNULL if given is None else None,
            stdout=more.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE, cwd=cwd, check=False, timeout=120, **more,
        )  # fmt: skip
        out = None if done.stdout is None else done.stdout.decode("utf-8")
        return subprocess.CompletedProcess(done.args, done.returncode, out, done.stderr.decode("utf-8"))

    return start


@pytest.fixture(scope="session")
def trained(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`trained("feedback")`: the model of a taxonomy in tests/data, trained once by the command line."""
    folder = tmp_path_factory.mktemp("own")

    def train(name: str) -> Path:
        if not (folder / name).exists():
            done = run("train", DATA / "feedback.jsonl", "--taxonomy", DATA / f"{name}.toml", "-o", folder / name)
            assert done.returncode == 0, done.stderr
        return folder / name

    return train
