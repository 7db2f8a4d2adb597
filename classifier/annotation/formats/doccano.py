"""doccano: JSON lines of a project of the type «Intent Detection and Slot Filling»: `cats` for the document, `entities` for spans.

Its offsets are those of JavaScript strings, UTF-16 code units, as its editor keeps them (v-annotator, src/domain/models/Label/Text.ts;
doccano issue 2290); graphemes with the project's option «Count grapheme clusters as one character». A text with carriage returns may come
back with its spans shifted (doccano issue 2114), so `convert` says where there are any.

doccano does not tell a text that nobody opened from one that has no labels, and labels it was given from labels that somebody chose:
export the approved ones only. `record` (id and columns) passes through it as metadata.
"""

import json
from pathlib import Path
from typing import Any

from classifier.annotation.formats.shared import (
    Options,
    Placed,
    Record,
    Span,
    columns,
    flat,
    is_annotated,
    labels,
    proposal,
    state,
    unflat,
    without_state,
)
from classifier.annotation.offsets import from_points, to_points
from classifier.documents.labelled import read_objects
from classifier.errors import ClassifierError
from classifier.taxonomy import Taxonomy

UNIT = "utf16"
INTERNAL = {"id", "text", "data", "cats", "entities", "label", "labels", "relations", "record", "Comments"}


def write(path: Path, records: list[Record], taxonomy: Taxonomy, options: Options) -> dict[Path, bytes]:
    lines = []
    for record in records:
        done = is_annotated(record, taxonomy)
        document, spans = flat(labels(record, taxonomy) if done else proposal(record, taxonomy), taxonomy)
        entities = [[*from_points(record["text"], start, end, options.unit or UNIT), name] for start, end, name in spans]
        own = columns(record, taxonomy) | state(record, taxonomy) | {"annotated": done}
        lines.append({"text": record["text"], "cats": document, "entities": entities, "record": own})
    text = "".join(json.dumps(line, ensure_ascii=False, default=str) + "\n" for line in lines)
    return {path: text.encode("utf-8", "backslashreplace")}


def read(path: Path, taxonomy: Taxonomy, options: Options) -> list[Placed]:
    """A line without any label is annotated only where `record` says so (as in what we wrote of labelled data)."""
    out: list[Placed] = []
    for place, line in read_objects(path):
        text = line.get(options.text_column or "text", line.get("data"))
        if not isinstance(text, str):
            raise ClassifierError(f"{place}: no `text`; name its key by --text-column")
        own = line["record"] if isinstance(line.get("record"), dict) else {k: v for k, v in line.items() if k not in INTERNAL}
        given = own.get(options.id_column or "id", line.get("id", len(out) + 1))
        base = {"id": str(given), "text": text} | without_state(own, "id", "annotated")
        document, spans = _labels(line, place)
        try:
            points = [(*to_points(text, start, end, options.unit or UNIT), name) for start, end, name in spans]
            said = unflat(document, points, own, taxonomy)
        except ClassifierError as error:
            raise ClassifierError(f"{place} (id {given}): {error}") from error
        out.append((place, base | said if document or spans or own.get("annotated") else base))
    return out


def _labels(line: Record, place: str) -> tuple[list[str], list[Span]]:
    """(names for the document, spans in doccano's offsets), in whichever of its projects' forms they stand."""
    document: list[str] = []
    spans: list[Span] = []
    for key in ("cats", "entities", "label", "labels"):
        items: Any = line.get(key) or []
        for item in [items] if isinstance(items, str) else items:
            if isinstance(item, str):
                document.append(item)
            elif isinstance(item, dict) and {"start_offset", "end_offset", "label"} <= item.keys():
                spans.append((item["start_offset"], item["end_offset"], item["label"]))
            elif isinstance(item, list) and len(item) == 3:
                spans.append((item[0], item[1], item[2]))
            else:
                raise ClassifierError(f"{place}: {key}: {json.dumps(item, ensure_ascii=False)[:60]} is neither a label nor a span")
    return document, spans
