"""Labelled data, tasks and predictions in the forms of annotation tools.

To add a tool: a module with `read` and `write`, and a row in `FORMATS`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from classifier.annotation.formats import doccano, label_studio, own, prodigy
from classifier.annotation.formats.shared import Options, Placed, Record, is_annotated, labels
from classifier.documents.labelled import faults_of, read_lines
from classifier.documents.readers import suffix_of
from classifier.documents.tables import SUFFIXES
from classifier.errors import ClassifierError
from classifier.taxonomy import Taxonomy

__all__ = ["FORMATS", "Format", "Options", "Record", "annotators", "choose", "is_annotated", "read", "told_by_name", "write"]


@dataclass(frozen=True)
class Format:
    """How a form is read and written, the suffixes that say it on their own, and the keys by which a JSON line of it is known."""

    read: Callable[[Path, Taxonomy, Options], list[Placed]]
    write: Callable[[Path, list[Record], Taxonomy, Options], dict[Path, bytes]]
    suffixes: tuple[str, ...] = ()
    keys: tuple[frozenset[str], ...] = ()  # any of these sets


def _sets(*keys: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(k.split()) for k in keys)


FORMATS: dict[str, Format] = {
    "jsonl": Format(own.read_jsonl, own.write_jsonl, (".jsonl",)),
    "table": Format(own.read_rows, own.write_rows, SUFFIXES),
    "label-studio": Format(label_studio.read, label_studio.write, (".json",)),
    "doccano": Format(doccano.read, doccano.write, (), _sets("cats", "entities", "label Comments", "labels Comments")),
    "prodigy": Format(prodigy.read, prodigy.write, (), _sets("_input_hash", "tokens spans", "options accept")),
}


def told_by_name(path: Path) -> str:
    """The format of a file that is to be written, by its suffix. Raises `ClassifierError` for one that says nothing."""
    found = next((name for name, made in FORMATS.items() if suffix_of(path) in made.suffixes), None)
    if found is None:
        known = ", ".join(suffix for made in FORMATS.values() for suffix in made.suffixes)
        raise ClassifierError(f"{path}: unknown format {path.suffix or '(no suffix)'}; known are {known}")
    return found


def _told_by_content(path: Path, taxonomy: Taxonomy) -> str:
    """The format of a file that is there: by its suffix, a .jsonl by the keys of its first line; with facets as keys it is ours."""
    name = told_by_name(path)
    if name != "jsonl":
        return name
    first = next((line for _, line in read_lines(path)), "{}")
    try:
        keys = set(json.loads(first))
    except (ValueError, RecursionError, TypeError):
        return name  # its reader says what is wrong
    if keys & {facet.code for facet in taxonomy.facets}:
        return name
    return next((tool for tool, made in FORMATS.items() if any(some <= keys for some in made.keys)), name)


def read(path: Path, taxonomy: Taxonomy, name: str | None = None, options: Options = Options()) -> list[Record]:  # noqa: B008
    """The records of a file in any format; what a person annotated is checked.

    The same id may stand there several times, once for each `annotator`. Raises `ClassifierError` that names the place of what is wrong.
    """
    if not path.exists():
        raise ClassifierError(f"{path}: no such file")
    placed = FORMATS[name or _told_by_content(path, taxonomy)].read(path, taxonomy, options)
    faults = []
    seen: set[tuple[str, str]] = set()
    for place, record in placed:
        if is_annotated(record, taxonomy):
            faults += [f"{place}: {fault}" for fault in faults_of(record, taxonomy)]
        key = (str(record["id"]), str(record.get("annotator", "")))
        if key in seen:
            faults.append(f"{place}: id {key[0]!r} stands there already" + (f", by {key[1]}" if key[1] else ""))
        seen.add(key)
    if faults:
        raise ClassifierError("\n".join(faults[:20]) + (f"\n… and {len(faults) - 20} more" if len(faults) > 20 else ""))
    if not placed:
        raise ClassifierError(f"{path}: no records")
    return [record for _, record in placed]


def choose(records: list[Record], taxonomy: Taxonomy, annotator: str | None = None) -> tuple[list[Record], int]:
    """(one record an id, how many others there were): the last, or what one annotator said, else the text without labels.

    Raises `ClassifierError` for an annotator who is not there.
    """
    known = annotators(records)
    if annotator is not None and annotator not in known:
        raise ClassifierError(f"--annotator {annotator}: nobody of that name annotated here; known are {', '.join(known) or 'none'}")
    kept: dict[str, Record] = {}
    for record in records:
        own = str(record["id"])
        if annotator is None or record.get("annotator") == annotator:
            kept[own] = record
        else:
            kept.setdefault(own, {k: v for k, v in record.items() if k not in labels(record, taxonomy) and k != "annotator"})
    return list(kept.values()), len(records) - len(kept)


def annotators(records: list[Record]) -> list[str]:
    """Who annotated, by name."""
    return sorted({str(r["annotator"]) for r in records if "annotator" in r})


def write(path: Path, records: list[Record], taxonomy: Taxonomy, name: str | None = None, options: Options = Options()) -> list[Path]:  # noqa: B008
    """Write records in a format, by default that of the suffix; returns the files, each complete or not there."""
    made = FORMATS[name or told_by_name(path)].write(path, records, taxonomy, options)
    for file, content in made.items():
        part = file.with_name(f".{file.name}.part")
        try:
            part.write_bytes(content)
            part.replace(file)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise ClassifierError(f"{file}: cannot write: {error.strerror}") from error
    return list(made)
