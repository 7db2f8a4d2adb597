"""What annotators do not agree on: rows to look through, and tasks for the annotation tool with what they agree on filled in."""

from collections.abc import Mapping
from typing import Any

from classifier.annotation.agreement import told
from classifier.documents.labelled import Record
from classifier.evaluation import match, names, spans
from classifier.taxonomy import Facet, Taxonomy

Row = dict[str, Any]


def disagreements(people: Mapping[str, Mapping[str, Record]], taxonomy: Taxonomy) -> tuple[list[Row], list[Record]]:
    """(a row for each document or span of a facet that is labelled differently, a task for each text that has any).

    A row has id, fasett, setning, one column an annotator, tekst. A task's `predicted` holds what all agree on.
    """
    rows: list[Row] = []
    tasks: list[Record] = []
    for own in dict.fromkeys(own for records in people.values() for own in records):
        said = {who: records[own] for who, records in people.items() if own in records}
        if len({record["text"] for record in said.values()}) > 1:  # nothing to compare
            continue
        found: list[Row] = []
        agreed: dict[str, Any] = {}
        for facet in taxonomy.facets:
            asked = {who: record for who, record in said.items() if facet.code in record}
            if len(asked) < 2:
                continue
            apart, shared = (_of_spans if facet.unit == "sentence" else _of_document)(asked, facet)
            if shared is not None:
                agreed[facet.code] = shared
            found += [{"id": own, "fasett": facet.code, **row} for row in apart]
        if not found:
            continue
        first = next(iter(said.values()))
        for row in found:
            answers = {who: row["said"].get(who, "") for who in people}
            rows.append({key: row[key] for key in ("id", "fasett", "setning")} | answers | {"tekst": first["text"]})
        ours = {facet.code for facet in taxonomy.facets} | {"evidence", "negatives", "predicted", "annotator", "reason"}
        reason = "uenighet: " + "; ".join(map(_reason, found))
        tasks.append({k: v for k, v in first.items() if k not in ours} | {"reason": reason, "predicted": agreed})
    return rows, tasks


def _reason(row: Row) -> str:
    where = f" «{_short(row['setning'])}»" if row["setning"] else ""
    return f"{row['fasett']}{where} ({', '.join(f'{who}: {codes}' for who, codes in row['said'].items())})"


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def _of_document(asked: Mapping[str, Record], facet: Facet) -> tuple[list[Row], Any]:
    codes = {who: names(record[facet.code]) for who, record in asked.items()}
    common = set.intersection(*codes.values())
    shared: Any = [code for code in facet.codes if code in common]
    if facet.choice == "single":
        shared = shared[0] if shared else None
    if all(c == common for c in codes.values()):
        return [], shared
    return [{"setning": "", "said": {who: told(c, facet) for who, c in codes.items()}}], shared


def _of_spans(asked: Mapping[str, Record], facet: Facet) -> tuple[list[Row], Any]:
    """Spans that share at least half of what they cover are one place; it is agreed on as far as all have marked it."""
    marked = sorted(((span, who) for who, record in asked.items() for span in spans(record, facet.code)), key=lambda m: m[0][:2])
    places: list[list[Any]] = []
    for mark in marked:
        near = next((place for place in places if any(match(mark[0], other) for other, _ in place)), None)
        if near is None:
            places.append([mark])
        else:
            near.append(mark)
    rows, shared = [], []
    text = next(iter(asked.values()))["text"]
    for place in places:
        codes: dict[str, set[str]] = {who: set() for who in asked}
        for span, who in place:
            codes[who] |= span[2]
        common = set.intersection(*codes.values())
        (start, end, _), _ = place[0]
        if common:
            shared.append({"start": start, "end": end, "labels": [code for code in facet.codes if code in common]})
        if any(c != common for c in codes.values()):
            rows.append({"setning": " ".join(text[start:end].split()), "said": {who: told(c, facet) for who, c in codes.items()}})
    return rows, shared
