"""Labelled data: descriptions with their labels, in JSON lines or tables, checked as they are read."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from classifier.documents.readers import suffix_of
from classifier.documents.tables import SUFFIXES, made_by_model, read_table
from classifier.errors import ClassifierError
from classifier.preprocessing import language
from classifier.taxonomy import Facet, Taxonomy

Record = dict[str, Any]

NEGATIVE_KINDS = {"denied", "need", "measure", "risk", "success", "other"}
SOURCES = {"constructed", "rewritten", "natural"}


def faults_of(record: Record, taxonomy: Taxonomy) -> list[str]:
    """What is wrong with one record: empty for a good one."""
    faults = []
    text = record.get("text")
    if record.get("id") in (None, ""):
        faults.append("no `id`")
    if not isinstance(text, str) or not text.strip():
        return [*faults, "no `text`"]
    if not any(facet.code in record for facet in taxonomy.facets):
        faults.append(f"none of the facets {', '.join(f.code for f in taxonomy.facets)} is annotated")
    for facet in taxonomy.facets:
        if facet.code in record:
            faults += _facet_faults(record[facet.code], facet, text)
    known = {f"{facet.code}.{code}" for facet in taxonomy.facets for code in facet.codes}
    for key in ("evidence", "negatives"):
        faults += _marks_faults(record.get(key) or [], key)
    if faults:  # what follows needs the forms to be right
        return faults
    for mark in record.get("evidence") or ():
        faults += _span_faults(mark, text, "evidence")
        faults += [] if mark.get("labels") else ["evidence: a span without labels"]
        faults += [f"evidence: unknown label {x!r}" for x in mark.get("labels", []) if x not in known]
        for name in set(mark.get("labels", [])) & known:
            facet, _, code = name.partition(".")
            given = record.get(facet)
            if given is not None and code != given and (isinstance(given, str) or code not in given):
                faults.append(f"evidence for {name}, which is not among the labels")
    for mark in record.get("negatives") or ():
        faults += _span_faults(mark, text, "negatives")
        if mark.get("kind") not in sorted(NEGATIVE_KINDS):
            faults.append(f"negatives: kind {mark.get('kind')!r} is none of {', '.join(sorted(NEGATIVE_KINDS))}")
    return faults


def _marks_faults(marks: Any, key: str) -> list[str]:
    """Is this a list of spans whose labels are a list of codes?"""
    if not isinstance(marks, list) or not all(isinstance(mark, dict) for mark in marks):
        return [f"{key}: a list of spans is wanted"]
    return [f"{key}: labels should be a list of codes" for mark in marks if not _are_codes(mark.get("labels", []))]


def _are_codes(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(x, str) for x in value)


def _facet_faults(value: Any, facet: Facet, text: str) -> list[str]:
    where = facet.code
    if facet.unit == "sentence":
        if faults := _marks_faults(value, where):
            return faults
        faults = [fault for span in value for fault in _span_faults(span, text, where)]
        for span in value:
            if not span.get("labels"):
                faults.append(f"{where}: a span without labels")
            elif facet.choice == "single" and len(span["labels"]) > 1:
                faults.append(f"{where}: one label a span is wanted")
            faults += [f"{where}: unknown label {x!r}" for x in span.get("labels", []) if x not in facet.codes]
        return faults
    if facet.choice == "single":
        return [] if value in facet.codes else [f"{where}: {value!r} is none of {', '.join(facet.codes)}"]
    if not isinstance(value, list):
        return [f"{where}: a list of labels is wanted"]
    return [f"{where}: unknown label {x!r}; known are {', '.join(facet.codes)}" for x in value if x not in facet.codes]


def _span_faults(span: Record, text: str, where: str) -> list[str]:
    start, end = span.get("start"), span.get("end")
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text)):
        return [f"{where}: span {start}–{end} is outside the text (0–{len(text)})"]
    piece = text[start:end]
    return [f"{where}: span {start}–{end} begins or ends with white space"] if piece != piece.strip() else []


def read_labelled(
    paths: Iterable[str | Path], taxonomy: Taxonomy, most: int = 20, note: Callable[[str], None] = lambda message: None
) -> list[Record]:
    """All records of JSONL files, and of tables (CSV, TSV, XLSX) as `tables.py` reads them.

    A row of a table that nobody has annotated is left out and told of by `note`. Raises `ClassifierError` that names file, line and fault
    of the first `most` bad ones.
    """
    records: list[Record] = []
    faults: list[str] = []
    ids: dict[str, str] = {}
    for path in map(Path, paths):
        is_table = suffix_of(path) in SUFFIXES
        left_out, first = [], len(records)
        for where, record in read_table(path, taxonomy) if is_table else _lines(path, faults):
            if is_table and not any(facet.code in record for facet in taxonomy.facets):
                left_out.append(str(record["id"]))
                continue
            faults += [f"{where}: {fault}" for fault in faults_of(record, taxonomy)]
            own = str(record.get("id"))
            if own in ids:
                faults.append(f"{where}: id {own!r} stands already at {ids[own]}")
            ids[own] = where
            records.append(record)
        if is_table and (message := made_by_model(path, records[first:])):
            note(message)
        if left_out:
            shown = ", ".join(left_out[:5]) + (" …" if len(left_out) > 5 else "")
            note(f"{path}: {len(left_out)} rows are not annotated and left out (id {shown}); - in a cell says that there is no label")
    if faults:
        more = f"\n… and {len(faults) - most} more" if len(faults) > most else ""
        raise ClassifierError("\n".join(faults[:most]) + more)
    if not records:
        raise ClassifierError(f"{', '.join(map(str, paths)) or 'no file'}: no labelled texts")
    return records


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a JSONL file that are not blank, numbered. Raises `ClassifierError` when it cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ClassifierError(f"{path}: cannot read: {reason}") from error
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _lines(path: Path, faults: list[str]) -> Iterator[tuple[str, Record]]:
    """(place, record) of each line; what is no JSON object becomes a fault."""
    for number, line in read_lines(path):
        where = f"{path}:{number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            tool = "; an annotation tool's export goes through `innovasjon convert` first" if path.suffix == ".json" else ""
            faults.append(f"{where}: not valid JSON: {error}{tool}")
            continue
        if isinstance(record, dict):
            yield where, record
        else:
            faults.append(f"{where}: not a JSON object")


def read_objects(path: Path) -> Iterator[tuple[str, Record]]:
    """(place, object) of each line of a JSONL file. Raises `ClassifierError` that names file and line of one that is none."""
    faults: list[str] = []
    for placed in _lines(path, faults):
        if faults:
            break
        yield placed
    if faults:
        raise ClassifierError(faults[0])


def counts(records: Sequence[Record], taxonomy: Taxonomy) -> Counter[str]:
    """Documents, labels, spans and languages of checked records; keys as `type.prosess`, `barriere.budsjett`, `lang.nn`."""
    c: Counter[str] = Counter(documents=len(records))
    for record in records:
        c[f"lang.{record.get('lang', language(record['text']))}"] += 1
        c[f"source.{record.get('source', 'unknown')}"] += 1
        for facet in taxonomy.facets:
            value = record.get(facet.code)
            if value is None:
                c[f"{facet.code} not annotated"] += 1
            elif facet.unit == "sentence":
                c[f"{facet.code} none"] += not value
                c.update(f"{facet.code}.{code}" for span in value for code in span["labels"])
            elif isinstance(value, str):
                c[f"{facet.code}.{value}"] += 1
            else:
                c[f"{facet.code} none"] += not value
                c.update(f"{facet.code}.{code}" for code in value)
        c.update(f"negatives.{mark['kind']}" for mark in record.get("negatives") or ())
    return c
