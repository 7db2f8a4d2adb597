"""An output in the making: a part file, a journal of what is safely in it, and a lock, so that it can be cut off anywhere and gone on with.

Beside `out.csv` stand `.out.csv.part` (the rows), `.out.csv.journal` (a line that names the run, then a line for each safe place) and
`.out.csv.lock` (held by the run; one left by a dead run holds nobody up). Rows are on the disk before the journal says so.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from classifier.errors import ClassifierError


@dataclass(frozen=True, slots=True)
class Making:
    """The files of an output in the making."""

    out: Path
    part: Path
    journal: Path
    made: Path  # the output in whole, before it has its name; formats that are no plain text only


@contextlib.contextmanager
def making(out: Path) -> Iterator[Making]:
    """The files of an output, for this run alone. Raises `ClassifierError` while another run has them."""
    if not out.parent.is_dir():
        raise ClassifierError(f"{out}: the folder {out.parent} does not exist; make it first")
    if out.is_dir():
        raise ClassifierError(f"{out}: is a folder; name a file")
    part, journal, made, name = (out.parent / f".{out.name}.{kind}" for kind in ("part", "journal", "made", "lock"))
    lock = FileLock(name, blocking=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise ClassifierError(f"{out}: another run is writing it; wait for it, or name another file") from error
    try:
        yield Making(out, part, journal, made)
    finally:
        with contextlib.suppress(OSError):  # before it is let go of: a run that waits for it sees that it is gone
            name.unlink()
        lock.release()


def may_write(files: Making, force: bool, resume: bool) -> None:
    """Raises `ClassifierError` where an output, or an unfinished run, would be replaced unasked."""
    if force or resume:
        return
    if files.out.exists():
        raise ClassifierError(f"{files.out}: exists already; --force replaces it, or choose another name")
    if files.part.exists():
        raise ClassifierError(
            f"{files.out}: an unfinished run is kept beside it ({files.part.name}); --resume goes on with it, --force starts afresh"
        )


def is_finished(files: Making) -> bool:
    """Whether the output has its name and nothing waits to be gone on with; a run that died just then is tidied up after."""
    if files.out.exists() and not files.part.exists() and not files.made.exists():
        files.journal.unlink(missing_ok=True)
        return True
    return False


def safe_place(files: Making, run: dict[str, Any]) -> dict[str, Any] | None:
    """The last safe place of an earlier run of the same kind (`rows`, `bytes`, `counts`); None when there is nothing to go on with.

    Raises `ClassifierError` when the earlier run was of another kind.
    """
    if not (files.journal.exists() and files.part.exists()):
        return None
    first = last = None
    sound = 0
    with files.journal.open("rb") as file:
        for line in file:
            entry = None
            with contextlib.suppress(ValueError):  # the last line may be cut off
                entry = json.loads(line) if line.endswith(b"\n") else None
            if not isinstance(entry, dict):
                break
            first, last = first or entry, entry
            sound += len(line)
    if first is None:  # died before anything was safe
        return None
    if first != run:
        raise ClassifierError(f"{files.part}: the unfinished run was made with another model, input or options; --force starts afresh")
    if "rows" not in (last or {}) or files.part.stat().st_size < last["bytes"]:  # type: ignore[index]
        return None
    with files.journal.open("r+b") as file:
        file.truncate(sound)
    return last


@contextlib.contextmanager
def appending(
    files: Making, run: dict[str, Any], head: bytes, done: dict[str, Any] | None
) -> Iterator[tuple[IO[bytes], Callable[[int, Any], None]]]:
    """The part file behind its last safe place, and the function that makes what was written so far the next one: of so many rows, with
    what was counted in them."""
    with files.part.open("r+b" if done else "wb") as file, files.journal.open("a" if done else "w", encoding="utf-8") as log:

        def note(entry: dict[str, Any]) -> None:
            log.write(json.dumps(entry) + "\n")  # ASCII: an id may hold half a surrogate pair
            log.flush()
            os.fsync(log.fileno())

        def safe(rows: int, counts: Any) -> None:
            file.flush()
            os.fsync(file.fileno())
            note({"rows": rows, "bytes": file.tell(), "counts": counts})

        if done:
            file.truncate(done["bytes"])
            file.seek(done["bytes"])
        else:
            note(run)
            file.write(head)
            _sync(files.part.parent)
        yield file, safe


def finish(files: Making, convert: Callable[[Path, Path], None] | None) -> None:
    """Give the output its name: all of it is on the disk before that, and the name before the other files go."""
    whole = files.part
    if convert:
        convert(files.part, files.made)
        whole = files.made
        _sync(whole)
    os.replace(whole, files.out)
    _sync(files.out.parent)
    files.part.unlink(missing_ok=True)
    files.journal.unlink(missing_ok=True)


def _sync(place: Path) -> None:
    """What was written to a file, or the names in a folder, stand on the disk even if the power goes."""
    with contextlib.suppress(PermissionError):  # Windows opens no folders
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
