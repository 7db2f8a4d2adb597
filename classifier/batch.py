"""Streams of documents: read, label, write; bounded in memory, resumable, never half-written under the final name."""

import contextlib
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from classifier.documents import Row, Settings, Source, open_sink
from classifier.documents.writers import FORMATS, Encoder, format_of
from classifier.errors import ClassifierError
from classifier.prediction import BATCH, Prediction, batched, predict_many
from classifier.storage import Model


@dataclass
class Summary:
    """What a run did: rows written, how often each label was given, and the first rows with a note."""

    rows: int = 0
    resumed: int = 0
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)
    innovations: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    first_notes: list[str] = field(default_factory=list)

    def add(self, row: Row, prediction: Prediction) -> None:
        self.rows += 1
        self.labels.update((facet, code) for facet in prediction.facets for code in prediction.labels(facet))
        self.innovations += bool(prediction.innovasjon and prediction.innovasjon["verdict"])
        for note in filter(None, (row.problem, *prediction.warnings)):
            self.notes[note.split(":")[0]] += 1
            if len(self.first_notes) < 5:
                self.first_notes.append(f"id {row.id}: {note}")


def label(
    source: Source,
    out: Path | None,
    model: Model,
    jobs: int = 1,
    force: bool = False,
    resume: bool = False,
    all_scores: bool = False,
    progress: Callable[[int], None] = lambda n: None,
) -> Summary:
    """Label all rows of a source into a file (None: standard output, JSONL for JSONL input, else CSV).

    Raises `ClassifierError` where the output exists, cannot be written or (disk full) could not be finished.
    """
    if out is None:
        suffix = ".jsonl" if source.format in (".jsonl", ".parquet") else ".csv"
        settings = Settings(source, model.taxonomy, suffix, all_scores)
        head, encode = open_sink(settings)
        stdout = sys.stdout.buffer
        stdout.write(head)
        summary = Summary()
        for row, prediction in _labelled(source.rows, model, jobs, suffix):
            stdout.write(encode(row, prediction))
            summary.add(row, prediction)
            progress(1)
        stdout.flush()
        return summary
    settings = Settings(source, model.taxonomy, format_of(out), all_scores)
    part, journal = out.parent / f".{out.name}.part", out.parent / f".{out.name}.journal"
    _may_write(out, part, force, resume)
    if resume and out.exists() and not part.exists():  # with a part, OUT is what --force was to replace
        return Summary(resumed=-1)
    run: dict[str, Any] = {"model": str(model), "thresholds": model.thresholds, "input": source.name, "columns": source.columns}
    run |= {"text": source.text_column, "id": source.id_column, "all_scores": all_scores, "state": _state(source.name)}
    try:
        done = _done(journal, part, run) if resume else None
        return _write(settings, out, part, journal, model, jobs, run, done, progress)
    except OSError as error:
        raise ClassifierError(
            f"{out}: cannot write: {error.strerror or error}; what was done is kept: mend it and go on with --resume"
        ) from error


def _state(name: str) -> list[float] | None:
    """Size and time of change of an input file: a run goes on only with the file that it began with."""
    with contextlib.suppress(OSError):
        stat = os.stat(name)
        return [stat.st_size, stat.st_mtime]
    return None


def _may_write(out: Path, part: Path, force: bool, resume: bool) -> None:
    if not out.parent.is_dir():
        raise ClassifierError(f"{out}: the folder {out.parent} does not exist; make it first")
    if out.is_dir():
        raise ClassifierError(f"{out}: is a folder; name a file")
    if out.exists() and not (force or resume):
        raise ClassifierError(f"{out}: exists already; --force replaces it, or choose another name")
    if part.exists() and not (force or resume):
        raise ClassifierError(f"{out}: an unfinished run is kept beside it ({part.name}); --resume goes on with it, --force starts afresh")


def _done(journal: Path, part: Path, run: dict[str, Any]) -> tuple[int, int] | None:
    """(rows, bytes) that an earlier run of the same kind wrote safely; None when there is nothing to go on with."""
    if not (journal.exists() and part.exists()):
        return None
    entries = []
    for line in journal.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError):  # the last line may be cut off
            entries.append(json.loads(line))
    if not entries or entries[0] != run:
        raise ClassifierError(f"{part}: the unfinished run was made with another model, input or options; --force starts afresh")
    rows, size = (entries[-1]["rows"], entries[-1]["bytes"]) if len(entries) > 1 else (0, 0)
    return (rows, size) if rows and part.stat().st_size >= size else None


def _write(
    settings: Settings, out: Path, part: Path, journal: Path, model: Model, jobs: int, run: dict[str, Any],
    done: tuple[int, int] | None, progress: Callable[[int], None],
) -> Summary:  # fmt: skip
    head, encode = open_sink(settings)
    summary = Summary(resumed=done[0] if done else 0)
    with part.open("r+b" if done else "wb") as file, journal.open("a" if done else "w", encoding="utf-8") as log:
        if done:
            file.truncate(done[1])
            file.seek(done[1])
            for _ in islice(settings.source.rows, done[0]):
                progress(1)
        else:
            _note(log, run)
            file.write(head)
        _append(file, log, settings, encode, model, jobs, summary, progress)
    made = out.parent / f".{out.name}.made"
    FORMATS[settings.suffix].finish(part, made, settings)
    os.replace(made, out)
    part.unlink(missing_ok=True)
    journal.unlink()
    return summary


def _append(
    file: IO[bytes], log: IO[str], settings: Settings, encode: Encoder, model: Model, jobs: int, summary: Summary,
    progress: Callable[[int], None],
) -> None:  # fmt: skip
    for chunk in batched(_labelled(settings.source.rows, model, jobs, settings.suffix), 4 * BATCH):
        for row, prediction in chunk:
            file.write(encode(row, prediction))
            summary.add(row, prediction)
        file.flush()
        os.fsync(file.fileno())
        _note(log, {"rows": summary.resumed + summary.rows, "bytes": file.tell()})
        progress(len(chunk))


def _note(log: IO[str], entry: dict[str, Any]) -> None:
    log.write(json.dumps(entry, ensure_ascii=False) + "\n")
    log.flush()
    os.fsync(log.fileno())


def _labelled(rows: Iterator[Row], model: Model, jobs: int, suffix: str) -> Iterator[tuple[Row, Prediction]]:
    """Rows with their predictions, in order; the rows wait in a queue no longer than the window of `predict_many`."""
    waiting: list[Row] = []

    def texts() -> Iterator[str]:
        for row in rows:
            waiting.append(row)
            yield row.text

    for prediction in predict_many(texts(), model, jobs, evidence=FORMATS[suffix].evidence):
        yield waiting.pop(0), prediction
