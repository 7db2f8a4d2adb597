"""`--backend dask` on a real cluster of separate processes on this machine: the same bytes, whatever happens to a worker."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from classifier import ClassifierError, batch, load, parallel
from classifier.documents import open_source
from classifier.parallel import spread

Client: Any = pytest.importorskip("distributed").Client
pytestmark = pytest.mark.slow
ROWS = 1500


class Cluster:
    """A scheduler and its workers, each a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running = [self.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", "s.json")]
        self.workers = [self.worker(), self.worker()]
        self.address = str(json.loads(self.wait_for("s.json"))["address"])
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(len(self.workers), timeout=60)

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        with (self.folder / "log").open("ab") as log:
            here = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
            return subprocess.Popen([sys.executable, "-m", "dask", *command], cwd=self.folder, stdout=log, stderr=log, env=here)

    def worker(self) -> "subprocess.Popen[bytes]":
        command = ["worker", "--scheduler-file", "s.json", "--no-nanny", "--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard"]
        self.running.append(self.start(*command))
        return self.running[-1]

    def wait_for(self, name: str) -> str:
        until = time.monotonic() + 60
        while not ((self.folder / name).exists() and (text := (self.folder / name).read_text(encoding="utf-8"))):
            assert time.monotonic() < until, (self.folder / "log").read_text(encoding="utf-8")
            time.sleep(0.1)
        return text


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    for process in made.running:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "in.jsonl"
    rows = ({"id": f"d{i}", "text": f"Kommunen har tatt i bruk app nummer {i}. Pengene tok slutt i {i}."} for i in range(ROWS))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def label(path: Path, out: Path, small_model: Path, **more: Any) -> batch.Summary:
    return batch.label(open_source(str(path)), out, load(small_model), chunk=25, **more)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_worker_killed(tmp_path: Path, source: Path, small_model: Path, cluster: Cluster, suffix: str) -> None:
    """One of two workers killed -9 in the middle: every row once, in order, byte for byte as a run on this machine alone gives it."""
    done = 0

    def progress(n: int) -> None:
        nonlocal done
        done += n
        if done >= 300 and cluster.workers[0].poll() is None:
            cluster.workers[0].kill()

    summary = label(source, tmp_path / f"far{suffix}", small_model, scheduler=cluster.address, progress=progress)
    assert cluster.workers[0].wait() == -9
    label(source, tmp_path / f"near{suffix}", small_model)
    assert summary.rows == ROWS
    assert (tmp_path / f"far{suffix}").read_bytes() == (tmp_path / f"near{suffix}").read_bytes()


def test_all_workers_killed(tmp_path: Path, source: Path, small_model: Path, cluster: Cluster) -> None:
    """All workers killed, and another comes: the run ends well, or in one error after which --resume does; never in a wrong file."""
    done = 0

    def progress(n: int) -> None:
        nonlocal done
        done += n
        if done >= 300 and len(cluster.workers) == 2:
            for worker in cluster.workers:
                worker.kill()
            cluster.workers.append(cluster.worker())

    out = tmp_path / "far.csv"
    try:
        label(source, out, small_model, scheduler=cluster.address, progress=progress)
    except ClassifierError as error:
        assert f"the cluster at {cluster.address} gave up" in str(error)  # noqa: PT017
        assert label(source, out, small_model, resume=True, scheduler=cluster.address).resumed >= 275
    label(source, tmp_path / "near.csv", small_model)
    assert out.read_bytes() == (tmp_path / "near.csv").read_bytes()


def test_shipped_once(cluster: Cluster) -> None:
    """What is shared goes to each worker once, not with each chunk."""
    shared = ("x" * 1_000_000,)
    seen = list(spread(identity, ([str(i)] for i in range(50)), shared, scheduler=cluster.address))
    assert [chunk for chunk, _, _ in seen] == [[str(i)] for i in range(50)]
    assert len({process for _, process, _ in seen}) == 2
    assert len({(process, place) for _, process, place in seen}) <= 4  # on its way to all it may come to a worker twice


def identity(chunk: list[str], shared: Any) -> tuple[list[str], int, int]:
    """The chunk, the process, and where in its memory the shared object lies."""
    return chunk, os.getpid(), id(shared)


def exit_for_good(chunk: list[str], shared: Any) -> None:
    os._exit(1)


def test_one_worker_is_enough(cluster: Cluster) -> None:
    """On a cluster of one thread the work is done there, not in this process."""
    cluster.workers[0].kill()
    cluster.workers[0].wait()
    with Client(cluster.address, set_as_default=False) as client:
        while len(client.ncores()) > 1:
            time.sleep(0.1)
    seen = list(spread(identity, ([str(i)] for i in range(5)), ("x",), scheduler=cluster.address))
    assert {process for _, process, _ in seen} == {cluster.workers[1].pid}


def test_chunk_that_kills_workers(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk that ends every worker that takes it is an error in the end, not a wait for ever."""
    monkeypatch.setattr(parallel, "STUCK", 10)
    with pytest.raises(ClassifierError, match=r"the cluster at .* gave up"):
        list(spread(exit_for_good, [["a"], ["b"]], ("x",), scheduler=cluster.address))


def test_command_line(run: Any, tmp_path: Path, source: Path, small_model: Path, cluster: Cluster) -> None:
    """`--backend dask --scheduler ADDRESS` labels; without an address, or where nobody answers, one line says so."""
    done = run("label", source, "-o", tmp_path / "o.csv", "--model", small_model, "--backend", "dask", "--scheduler", cluster.address)
    assert done.returncode == 0, done.stderr
    label(source, tmp_path / "near.csv", small_model)
    assert (tmp_path / "o.csv").read_bytes() == (tmp_path / "near.csv").read_bytes()
    for options, told in (
        (["--backend", "dask"], "--backend dask and --scheduler ADDRESS go together; give both or neither"),
        (["--backend", "dask", "--scheduler", "127.0.0.1:9"], "127.0.0.1:9: no Dask scheduler answers there"),
    ):
        done = run("label", source, "-o", tmp_path / "p.csv", "--model", small_model, *options)
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].startswith(f"innovasjon: {told}"), done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
