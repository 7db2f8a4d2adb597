"""Runs that are cut off, anywhere and by anything, and gone on with: the output is that of a run that nothing happened to."""

import csv
import gzip
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from classifier import ClassifierError, batch, journal, load
from classifier.documents import open_source, open_sources
from classifier.journal import making
from classifier.storage import Model

ROWS, CHUNK = 96, 8  # twelve safe places
FORMATS = [".csv", ".xlsx", *(pytest.param(s, marks=pytest.mark.slow) for s in (".jsonl", ".jsonl.gz", ".csv.zst", ".parquet"))]
TEXT = "Kommunen har tatt i bruk en ny app for varsling, nummer {}. Det stoppet da pengene tok slutt."
linux_root = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("mount"), reason="mounting needs root on Linux"
)


@pytest.fixture(scope="module")
def small(small_model: Path) -> Model:
    return load(small_model)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "in.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows([("id", "tekst"), *((f"d{i}", TEXT.format(i)) for i in range(ROWS))])
    return path


def label(path: Path, out: Path, model: Model, **more: Any) -> batch.Summary:
    return batch.label(open_source(str(path)), out, model, chunk=CHUNK, **more)


@pytest.fixture(scope="module")
def whole(source: Path, small: Model, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """The output of a run that was left alone, by suffix."""
    folder = tmp_path_factory.mktemp("whole")

    def output(suffix: str) -> bytes:
        out = folder / f"out{suffix}"
        if not out.exists():
            label(source, out, small)
        return out.read_bytes()

    return output


def in_a_process(work: Callable[[], Any]) -> int:
    """The id of a new process, with all that is loaded here, that does some work and ends."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child


def killed(child: int) -> bool:
    """Whether a process was killed; it has ended now."""
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def kill_at(step: int, folder: Path) -> None:
    """This process dies by kill -9 just before it opens, renames, truncates or removes something in a folder for the so-manieth time."""
    seen = 0

    def watch(event: str, args: tuple[Any, ...]) -> None:
        nonlocal seen
        if event in ("open", "os.rename", "os.remove", "os.truncate") and str(args[0]).startswith(str(folder)):
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


# kill -9


@pytest.mark.parametrize("suffix", FORMATS)
def test_killed_at_every_file_operation(tmp_path: Path, source: Path, small: Model, whole: Callable[[str], bytes], suffix: str) -> None:
    """A run killed -9 before any of its steps beside the output, and resumed, gives the same bytes and leaves nothing else."""
    for step in range(1, 100):
        out = tmp_path / f"{step}" / f"out{suffix}"
        out.parent.mkdir()

        def work(step: int = step, out: Path = out) -> None:
            kill_at(step, out.parent)
            label(source, out, small)

        if not killed(in_a_process(work)):
            break
        label(source, out, small, resume=True)
        assert out.read_bytes() == whole(suffix), step
        assert [p.name for p in out.parent.iterdir()] == [out.name], step
    assert 5 < step < 99


@pytest.mark.parametrize("suffix", FORMATS)
def test_killed_at_random_points(tmp_path: Path, source: Path, small: Model, whole: Callable[[str], bytes], suffix: str) -> None:
    """Killed -9 twenty times, whenever it was, and gone on with each time: the same bytes; a safe place is never gone back behind."""
    began = time.monotonic()
    label(source, tmp_path / f"timed{suffix}", small)
    usual, draw, kills, run = time.monotonic() - began, random.Random(), 0, 0
    while kills < 20:
        run += 1
        out, safe = tmp_path / f"{run}" / f"out{suffix}", 0
        out.parent.mkdir()
        while True:
            child = in_a_process(lambda out=out: label(source, out, small, resume=True))  # type: ignore[misc]
            time.sleep(draw.uniform(0, usual / 2))
            os.kill(child, signal.SIGKILL)
            if not killed(child) or out.exists():
                break
            kills += 1
            log = out.parent / f".{out.name}.journal"
            entries = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
            rows = max([json.loads(line).get("rows", 0) for line in entries if line.endswith("}")], default=0)
            assert rows >= safe
            safe = rows
            if kills % 7 == 0:
                break
        label(source, out, small, resume=True)
        assert out.read_bytes() == whole(suffix)
        assert [p.name for p in out.parent.iterdir()] == [out.name]


DRIVER = """
import sys
from pathlib import Path
from classifier import batch, load
from classifier.documents import open_source
source, out, model, jobs = sys.argv[1:]
batch.label(open_source(source), Path(out), load(model), jobs=int(jobs), resume=True, chunk=8)
"""


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".xlsx", ".parquet"])
def test_killed_with_two_jobs(tmp_path: Path, source: Path, small_model: Path, whole: Callable[[str], bytes], suffix: str) -> None:
    """The same with two processes at work, the whole program started anew each time, twenty kills over the four formats."""
    out, draw, kills = tmp_path / "o" / f"out{suffix}", random.Random(), 0
    out.parent.mkdir()
    command = [sys.executable, "-c", DRIVER, str(source), str(out), str(small_model)]
    while kills < 5:
        process = subprocess.Popen([*command, "2"], start_new_session=True, stderr=subprocess.DEVNULL)
        try:
            process.wait(draw.uniform(0.5, 4))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
        if out.exists():
            assert out.read_bytes() == whole(suffix)
            out.unlink()
    subprocess.run([*command, "2"], check=True)
    assert out.read_bytes() == whole(suffix)
    assert [p.name for p in out.parent.iterdir()] == [out.name]


def test_nothing_is_labelled_again(tmp_path: Path, source: Path, small: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands behind the last safe place is all that a resumed run labels; a finished one labels nothing."""
    out, seen = tmp_path / "out.csv", []

    def counting(texts: list[str], *args: Any) -> Any:
        seen.extend(texts)
        return real(texts, *args)

    real = batch.predict_batch
    monkeypatch.setattr(batch, "predict_batch", counting)
    with pytest.raises(KeyboardInterrupt):
        label(source, out, small, progress=interrupt_after(5 * CHUNK))
    assert len(seen) == 5 * CHUNK
    summary = label(source, out, small, resume=True)
    assert (summary.resumed, summary.rows) == (4 * CHUNK, ROWS - 4 * CHUNK)  # the fifth chunk was written and not yet safe
    assert seen[5 * CHUNK :] == [row.text for row in open_source(str(source)).rows][4 * CHUNK :]
    del seen[:]
    assert label(source, out, small, resume=True).resumed == -1
    assert seen == []


def interrupt_after(rows: int) -> Callable[[int], None]:
    done = 0

    def progress(n: int) -> None:
        nonlocal done
        done += n
        if done >= rows:
            raise KeyboardInterrupt

    return progress


# Power loss


def unfinished(source: Path, out: Path, model: Model) -> tuple[Path, Path]:
    """(part, journal) of a run that was ended after five chunks."""
    with pytest.raises(KeyboardInterrupt):
        label(source, out, model, progress=interrupt_after(5 * CHUNK))
    return out.parent / f".{out.name}.part", out.parent / f".{out.name}.journal"


def test_torn_journal_and_part(tmp_path: Path, source: Path, small: Model, whole: Callable[[str], bytes]) -> None:
    """Whatever is missing from the ends of journal and part file, or stands there that should not, the result is the same."""
    out = tmp_path / "out.csv"
    part, log = unfinished(source, out, small)
    safe, noted = part.read_bytes(), log.read_bytes()
    draw = random.Random(3)
    torn = [noted + b'{"rows": 9', noted + b"\xff\0\0\0\n", noted + b"\0" * 512, b""]
    torn += [noted[: draw.randrange(len(noted))] for _ in range(12)] + [
        noted + b'{"rows": 9',
        noted + b"\xff\0\0\0\n",
        noted + b"\0" * 512,
        b"",
    ]
    for text in torn:
        for data in (safe + b"half a ro\0\xff", safe[: draw.randrange(len(safe))]):
            part.write_bytes(data)
            log.write_bytes(text)
            label(source, out, small, resume=True)
            assert out.read_bytes() == whole(".csv")
            out.unlink()


def test_cut_off_after_a_torn_journal(tmp_path: Path, source: Path, small: Model) -> None:
    """A torn last line does not swallow the lines that a resumed run adds: cut off again, it goes on from the later place."""
    out = tmp_path / "out.csv"
    _, log = unfinished(source, out, small)
    with log.open("ab") as file:
        file.write(b'{"rows": 4')
    with pytest.raises(KeyboardInterrupt):
        label(source, out, small, resume=True, progress=interrupt_after(8 * CHUNK))
    assert label(source, out, small, resume=True).resumed == 7 * CHUNK


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_order_on_the_disk(tmp_path: Path, source: Path, small: Model, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    """Rows are forced onto the disk before the journal says so, the output before it has its name, and the name before the rest goes."""
    out, events = tmp_path / f"out{suffix}", []
    fsync, replace, unlink = os.fsync, os.replace, Path.unlink

    def name(handle: int) -> str:
        return Path(f"/proc/self/fd/{handle}").resolve().name if Path("/proc").exists() else ""

    monkeypatch.setattr(journal.os, "fsync", lambda handle: (events.append(f"sync {name(handle)}"), fsync(handle))[1])
    monkeypatch.setattr(journal.os, "replace", lambda a, b: (events.append(f"name {b.name}"), replace(a, b))[1])
    monkeypatch.setattr(Path, "unlink", lambda p, *args, **more: (events.append(f"remove {p.name}"), unlink(p, *args, **more))[1])
    label(source, out, small)
    part, log, made = (f".{out.name}.{kind}" for kind in ("part", "journal", "made"))
    syncs = [e for e in events if e.startswith("sync ")]
    folder, last = f"sync {tmp_path.name}", [f"sync {made}"] if suffix == ".xlsx" else []
    places = [f"sync {part}", f"sync {log}"] * (ROWS // CHUNK + 1)
    assert syncs == [f"sync {log}", folder, *places, *last, folder]
    end = events.index(f"name {out.name}")
    assert events[end - 1] == (f"sync {made}" if suffix == ".xlsx" else f"sync {log}")
    assert events[end + 1 : end + 4] == [f"sync {tmp_path.name}", f"remove {part}", f"remove {log}"]


# Ctrl-C


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_interrupted(tmp_path: Path, small_model: Path, small: Model, jobs: int) -> None:
    """Ctrl-C in a terminal, which all processes get: one line that says how to go on, exit code 130; then --resume finishes."""
    source, out, rows = tmp_path / "in.jsonl", tmp_path / "out.csv", 60_000 * jobs  # far from done when the first are safe
    source.write_text("".join(json.dumps({"text": TEXT.format(i)}) + "\n" for i in range(rows)), encoding="utf-8")
    command = [sys.executable, "-m", "classifier", "label", str(source), "-o", str(out), "--model", str(small_model), "--jobs", str(jobs)]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell started with & hears no Ctrl-C, nor do its children
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    log, until = tmp_path / ".out.csv.journal", time.monotonic() + 90
    while not (log.exists() and '"rows"' in log.read_text(encoding="utf-8")):
        assert time.monotonic() < until
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    told = process.communicate(timeout=60)[1]
    assert (process.returncode, told.strip()) == (130, "innovasjon: stopped; what was done is kept: go on with --resume")
    assert not out.exists()
    summary = batch.label(open_source(str(source)), out, small, resume=True, progress=lambda n: None)
    assert summary.resumed >= 1024
    assert summary.resumed + summary.rows == rows


# No room, no right


@contextmanager
def mounted(place: Path, *options: str) -> Iterator[None]:
    place.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *options, str(place)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


@linux_root
@pytest.mark.parametrize("suffix", FORMATS)
def test_full_disk(tmp_path: Path, source: Path, small: Model, whole: Callable[[str], bytes], suffix: str) -> None:
    """On a disk that is full before the end: one error, nothing under the final name; with more room --resume finishes it."""
    disk = tmp_path / "disk"
    out = disk / f"out{suffix}"
    label(source, tmp_path / f"all{suffix}", small)
    with mounted(disk, "-t", "tmpfs", "-o", "size=24k", "tmpfs"):
        with pytest.raises(ClassifierError, match=r"cannot write: No space left.*--resume"):
            label(source, out, small)
        assert not out.exists()
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        label(source, out, small, resume=True)
        assert out.read_bytes() == whole(suffix)
        assert [p.name for p in disk.iterdir()] == [out.name]


@pytest.mark.parametrize("suffix", FORMATS)
def test_file_too_large(tmp_path: Path, source: Path, small: Model, whole: Callable[[str], bytes], suffix: str) -> None:
    """The same where a quota of any size ends it, in a step at the end too."""
    for size in (0, 100, 5_000, len(whole(suffix)) - 1):
        out = tmp_path / f"{size}" / f"out{suffix}"
        out.parent.mkdir()

        def work(size: int = size, out: Path = out) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            with pytest.raises(ClassifierError, match=r"cannot write: File too large.*--resume"):
                label(source, out, small)
            os.kill(os.getpid(), signal.SIGKILL)  # as told: the error was the one above

        assert killed(in_a_process(work)), size
        assert not out.exists()
        label(source, out, small, resume=True)
        assert out.read_bytes() == whole(suffix)
        assert [p.name for p in out.parent.iterdir()] == [out.name]


@linux_root
def test_read_only_folder(tmp_path: Path, source: Path, small: Model) -> None:
    """A folder that nobody may write to: one error that says so."""
    with (
        mounted(tmp_path / "closed", "-t", "tmpfs", "-o", "ro", "tmpfs"),
        pytest.raises(ClassifierError, match=r"out\.csv: cannot write: Read-only file system"),
    ):
        label(source, tmp_path / "closed" / "out.csv", small)


# Input that changes, two runs at once


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\n")


def replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes().replace(b"app", b"bil"))
    os.replace(other, path)


@pytest.mark.parametrize("change", [truncate, grow, replace, Path.unlink])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".jsonl.gz", ".parquet"])
def test_input_changed_while_it_is_read(tmp_path: Path, small: Model, suffix: str, change: Callable[[Path], None]) -> None:
    """An input that is cut, added to, replaced or removed while it is read: an error that names it, and no output with its name."""
    path, out = tmp_path / f"in{suffix}", tmp_path / "out.csv"
    rows = [{"id": f"d{i}", "text": TEXT.format(i) + "x" * 300} for i in range(ROWS)]
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    if suffix == ".csv":
        path.write_text("id;text\n" + "".join(f"{r['id']};{r['text']}\n" for r in rows), encoding="utf-8")
    elif suffix == ".parquet":
        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        path.write_bytes(gzip.compress(lines) if suffix.endswith(".gz") else lines)
    changed = False

    def progress(n: int) -> None:
        nonlocal changed
        if not changed:
            changed = True
            change(path)

    with pytest.raises(ClassifierError, match=rf"in{re.escape(suffix)}: (was changed while|cannot be read after row)"):
        label(path, out, small, progress=progress)
    assert changed
    assert not out.exists()
    if path.exists():
        with pytest.raises(ClassifierError, match=r"--force|cannot be read|not a readable|damaged|cannot read"):
            label(path, out, small, resume=True)


def test_folder_changed_while_it_is_read(tmp_path: Path, small: Model) -> None:
    """The same for a folder of texts; an output in that folder is no change of it."""
    folder = tmp_path / "texts"
    folder.mkdir()
    for i in range(20):
        (folder / f"{i:02}.txt").write_text(TEXT.format(i), encoding="utf-8")
    label(folder, folder / "out.csv", small)
    (folder / "out.csv").unlink()
    with pytest.raises(ClassifierError, match="was changed while it was read"):
        label(folder, folder / "out.csv", small, progress=lambda n: grow(folder / "19.txt") if n else None)


def test_two_runs_on_one_output(tmp_path: Path, source: Path, small: Model, small_model: Path, whole: Callable[[str], bytes]) -> None:
    """While a run writes an output, another one is refused, whatever its options; the first one is not disturbed."""
    out, refused = tmp_path / "out.csv", []

    def progress(n: int) -> None:
        if not refused:
            for option in ("--force", "--resume"):
                command = [sys.executable, "-m", "classifier", "label", str(source), "-o", str(out), "--model", str(small_model), option]
                refused.append(subprocess.run(command, capture_output=True, text=True, check=False))

    label(source, out, small, progress=progress)
    assert [(r.returncode, r.stderr) for r in refused] == [
        (2, f"innovasjon: {out}: another run is writing it; wait for it, or name another file\n")
    ] * 2
    assert out.read_bytes() == whole(".csv")


def test_lock_of_a_dead_run(tmp_path: Path, source: Path, small: Model) -> None:
    """A lock that a killed run left holds nobody up, and goes with the next run."""
    out = tmp_path / "out.csv"

    def work() -> None:
        with making(out):
            os.kill(os.getpid(), signal.SIGKILL)

    assert killed(in_a_process(work))
    assert (tmp_path / ".out.csv.lock").exists()
    label(source, out, small)
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.slow
def test_no_worker_outlives_the_run(tmp_path: Path, small_model: Path) -> None:
    """Killed -9 with two processes at work, a run leaves none of them behind."""
    psutil = pytest.importorskip("psutil")
    source, log = tmp_path / "in.jsonl", tmp_path / ".out.csv.journal"
    source.write_text("".join(json.dumps({"text": TEXT.format(i)}) + "\n" for i in range(20_000)), encoding="utf-8")
    command = [sys.executable, "-m", "classifier", "label", str(source), "-o", str(tmp_path / "out.csv"), "--model", str(small_model)]
    process = subprocess.Popen([*command, "--jobs", "2"], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 90
    while not (log.exists() and '"rows"' in log.read_text(encoding="utf-8")):
        assert time.monotonic() < until
        time.sleep(0.01)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2
    process.kill()
    process.wait()
    assert psutil.wait_procs(children, timeout=30)[1] == []


@pytest.mark.slow
def test_worker_killed(tmp_path: Path, small_model: Path, small: Model) -> None:
    """A worker process that dies (memory) is an error of one line; --resume goes on."""
    psutil = pytest.importorskip("psutil")
    source, out = tmp_path / "in.jsonl", tmp_path / "out.csv"
    source.write_text("".join(json.dumps({"text": TEXT.format(i)}) + "\n" for i in range(20_000)), encoding="utf-8")
    command = [sys.executable, "-m", "classifier", "label", str(source), "-o", str(out), "--model", str(small_model), "--jobs", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    log, until = tmp_path / ".out.csv.journal", time.monotonic() + 90
    while not (log.exists() and '"rows"' in log.read_text(encoding="utf-8")):
        assert time.monotonic() < until
        time.sleep(0.01)
    for child in psutil.Process(process.pid).children(recursive=True):
        if "LokyProcess" in " ".join(child.cmdline()):
            child.kill()
            break
    told = process.communicate(timeout=90)[1]
    assert process.returncode == 2
    assert re.fullmatch(r"innovasjon: a worker process was ended from outside.*\n", told), told
    assert batch.label(open_sources([str(source)]), out, small, resume=True).resumed >= 1024
