"""Streams of documents: read, label, write; bounded in memory, resumable, never half-written under the final name."""

import hashlib
import re
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from classifier import storage
from classifier.documents import Row, Settings, Source, encoder_of, head_of
from classifier.documents.rows import state_of
from classifier.documents.writers import FORMATS, check_width, format_of
from classifier.errors import ClassifierError
from classifier.journal import Making, appending, finish, is_finished, making, may_write, safe_place
from classifier.parallel import spread
from classifier.prediction import BATCH, EMPTY, Prediction, batched, predict_batch
from classifier.storage import Model

CHUNK = 4 * BATCH  # rows that are labelled together and then made safe
HEAVY = 8_000_000  # characters at which a chunk is full with fewer rows
LONGEST = 1_000_000  # characters of a text that are labelled
REPEATED = "id-en står også på en tidligere rad"
TOO_LONG = f"teksten er lengre enn {LONGEST} tegn; bare begynnelsen er lest"
FIRST = 5  # rows with a note that are told
NAMES = 80  # characters of an id that are told

Shipped = str | tuple[tuple[str, bytes], ...]  # a model's folder, or its files by name where the workers do not share the disk
Progress = Callable[[int], None]


@dataclass
class Summary:
    """What a run did: rows written, those written before it was cut off, and over both how many were without text, how often each label was
    given to the others, and the notes."""

    rows: int = 0
    resumed: int = 0
    empty: int = 0
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)
    innovations: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    first_notes: list[str] = field(default_factory=list)

    def add(self, row: Row, prediction: Prediction) -> None:
        self.rows += 1
        if EMPTY in prediction.warnings:  # the default label of a facet says nothing of a text that is not there
            self.empty += 1
        else:
            self.labels.update((facet, code) for facet in prediction.facets for code in prediction.labels(facet))
        self.innovations += bool(prediction.innovasjon and prediction.innovasjon["verdict"])
        for note in filter(None, (row.problem, *prediction.warnings)):
            self.notes[re.sub(r"\d+", "…", note.split(":")[0])] += 1  # kinds of notes, which are few
            if len(self.first_notes) < FIRST:
                self.first_notes.append(f"id {short(row.id)}: {note}")

    def merge(self, other: "Summary") -> None:
        """Add what was done of the rows that follow."""
        self.rows += other.rows
        self.empty += other.empty
        self.labels.update(other.labels)
        self.innovations += other.innovations
        self.notes.update(other.notes)
        self.first_notes = (self.first_notes + other.first_notes)[:FIRST]

    def counts(self) -> dict[str, Any]:
        """What a run that goes on with this one needs to know, as JSON."""
        labels = [[facet, code, n] for (facet, code), n in self.labels.items()]
        return {
            "empty": self.empty, "labels": labels, "innovations": self.innovations, "notes": self.notes, "first_notes": self.first_notes,
        }  # fmt: skip

    @classmethod
    def gone_on_with(cls, rows: int, counts: dict[str, Any]) -> "Summary":
        """The summary of a run that was cut off after so many rows."""
        labels = Counter({(facet, code): n for facet, code, n in counts["labels"]})
        return cls(0, rows, counts["empty"], labels, counts["innovations"], Counter(counts["notes"]), counts["first_notes"])


def label(
    source: Source,
    out: Path | None,
    model: Model,
    jobs: int = 1,
    force: bool = False,
    resume: bool = False,
    all_scores: bool = False,
    progress: Progress = lambda n: None,
    strict: bool = False,
    scheduler: str | None = None,
    chunk: int = CHUNK,
) -> Summary:
    """Label all rows of a source into a file (None: standard output, JSONL for JSONL input, else CSV).

    `strict` makes the first row with a problem an error; `scheduler` is the address of a Dask cluster that does the work instead of
    `jobs` processes here; every `chunk` rows there is a safe place to go on from. Raises `ClassifierError` where the output exists,
    cannot be written or (disk full) could not be finished, and where an input was changed while it was read.
    """
    if out is None:
        settings = Settings(source, model.taxonomy, ".jsonl" if source.format in (".jsonl", ".parquet") else ".csv", all_scores)
        stdout, summary = sys.stdout.buffer, Summary()
        stdout.write(head_of(settings))
        for lines, part in _labelled(_noted(source, strict), settings, model, jobs, scheduler, chunk):
            stdout.write(lines)
            stdout.flush()
            summary.merge(part)
            progress(part.rows)
        _unchanged(source)
        return summary
    settings = Settings(source, model.taxonomy, format_of(out), all_scores)
    check_width(settings, str(out))
    run: dict[str, Any] = {"model": [str(model), _digest(model)], "thresholds": model.thresholds, "input": source.state}
    run |= {"columns": source.columns, "text": source.text_column, "id": source.id_column, "all_scores": all_scores}
    try:
        with making(out) as files:
            may_write(files, force, resume)
            if resume and is_finished(files):
                return Summary(resumed=-1)
            done = safe_place(files, run) if resume else None
            return _write(settings, files, model, jobs, scheduler, strict, run, done, chunk, progress)
    except OSError as error:
        raise ClassifierError(
            f"{out}: cannot write: {error.strerror or error}; what was done is kept: mend it and go on with --resume"
        ) from error


def _write(
    settings: Settings, files: Making, model: Model, jobs: int, scheduler: str | None, strict: bool, run: dict[str, Any],
    done: dict[str, Any] | None, chunk: int, progress: Progress,
) -> Summary:  # fmt: skip
    summary = Summary.gone_on_with(done["rows"], done["counts"]) if done else Summary()
    rows = _noted(settings.source, strict)
    with appending(files, run, head_of(settings), done) as (file, safe):
        for _ in islice(rows, summary.resumed):
            progress(1)
        for lines, part in _labelled(rows, settings, model, jobs, scheduler, chunk):
            file.write(lines)
            summary.merge(part)
            progress(part.rows)
            safe(summary.resumed + summary.rows, summary.counts())
            _unchanged(settings.source, in_passing=True)
        _unchanged(settings.source)
        safe(summary.resumed + summary.rows, summary.counts())
    convert = FORMATS[settings.suffix].finish
    finish(files, (lambda part, made: convert(part, made, settings)) if convert else None)
    return summary


def _unchanged(source: Source, in_passing: bool = False) -> None:
    """Raises `ClassifierError` when an input is no longer what it was: rows already written may be of the one or of the other.

    In passing, folders are left out: all their files would be looked at each time.
    """
    for name, state in source.state.items():
        try:
            same = (in_passing and Path(name).is_dir()) or state_of(name) == state
        except OSError:
            same = False
        if not same:
            raise ClassifierError(f"{name}: was changed while it was read, so nothing is finished; start afresh with --force")


def _digest(model: Model) -> str:
    """Tells models apart that have one name."""
    digest = hashlib.blake2b(digest_size=16)
    for value in (getattr(model, own.name) for own in fields(model)):
        if isinstance(value, np.ndarray):
            digest.update(np.ascontiguousarray(value).data)
    return digest.hexdigest()


def short(name: str) -> str:
    """An id as it is told: one line, and not a long one."""
    return " ".join(name[: NAMES + 1].split())[:NAMES] + ("…" if len(name) > NAMES else "")


def _noted(source: Source, strict: bool) -> Iterator[Row]:
    """The rows, those with a repeated id or a text too long noted. With `strict`, a noted row is a `ClassifierError`."""
    is_new = _distinct()
    for number, row in enumerate(source.rows, 1):
        notes = [row.problem, None if row.numbered or is_new(row.id) else REPEATED, TOO_LONG if len(row.text) > LONGEST else None]
        row.problem = "; ".join(filter(None, notes)) or None
        if strict and row.problem:
            raise ClassifierError(
                f"{source.name}: row {number} (id {short(row.id)}): {row.problem}; mend it, or go on without --strict (--resume)"
            )
        yield row


def _distinct() -> Callable[[str], bool]:
    """A function that says whether it meets an id for the first time; what it has met lies in a nameless file, not in memory."""
    met = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # joblib reads rows in a thread of its own, one at a time
    met.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; CREATE TABLE met (id BLOB PRIMARY KEY) WITHOUT ROWID; BEGIN")

    def is_new(name: str) -> bool:
        key = name.encode("utf-8", "surrogatepass")
        key = key if len(key) < 64 else hashlib.sha256(key).digest()
        try:
            return met.execute("INSERT OR IGNORE INTO met VALUES (?)", (key,)).rowcount == 1
        except sqlite3.Error as error:
            raise ClassifierError(f"the temporary folder cannot hold the ids: {error}; make room, or name another in TMPDIR") from error

    return is_new


def _labelled(
    rows: Iterator[Row], settings: Settings, model: Model, jobs: int, scheduler: str | None, chunk: int
) -> Iterator[tuple[bytes, Summary]]:
    """Chunks of rows as they are written, with what there is to tell of them, in order."""
    chunks = _chunks(rows, chunk)
    if jobs == 1 and scheduler is None:
        for part in chunks:
            yield _lines(part, settings, model)
        return
    bare = replace(settings, source=replace(settings.source, rows=iter(()), schema=None, state={}))  # what can travel, and is asked for
    with _shipped(model, scheduler is not None) as shipped:
        yield from spread(_lines_in_worker, chunks, (shipped, bare), jobs, scheduler)


def _chunks(rows: Iterator[Row], count: int) -> Iterator[list[Row]]:
    part: list[Row] = []
    size = 0
    for row in rows:
        part.append(row)
        size += row.size
        if len(part) >= count or size >= HEAVY:
            yield part
            part, size = [], 0
    if part:
        yield part


def _lines(rows: list[Row], settings: Settings, model: Model) -> tuple[bytes, Summary]:
    encode, evidence = encoder_of(settings), FORMATS[settings.suffix].evidence
    lines, summary = list[bytes](), Summary()
    for few in batched(rows, BATCH):
        for row, prediction in zip(few, predict_batch([row.text[:LONGEST] for row in few], model, evidence), strict=True):
            lines.append(encode(row, prediction))
            summary.add(row, prediction)
    return b"".join(lines), summary


@contextmanager
def _shipped(model: Model, far: bool) -> Iterator[Shipped]:
    """The model as it is here, which its folder need not be, for workers to load: a folder, or for those far away the files."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        storage.save(model, folder, "")
        yield tuple((file.name, file.read_bytes()) for file in sorted(folder.iterdir())) if far else str(folder)


def _lines_in_worker(rows: list[Row], shared: tuple[Shipped, Settings]) -> tuple[bytes, Summary]:
    shipped, settings = shared
    return _lines(rows, settings, _unpacked(shipped))


@lru_cache(maxsize=1)
def _unpacked(shipped: Shipped) -> Model:
    if isinstance(shipped, str):
        return storage.load(shipped)
    with TemporaryDirectory() as folder:
        for name, data in shipped:
            (Path(folder) / name).write_bytes(data)
        return storage.load(folder)
