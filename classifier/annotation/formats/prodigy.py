"""Prodigy: JSON lines for its blocks `spans_manual` and `choice`: `spans` over `tokens`, `options` and `accept`, `answer`.

Offsets are code points: its editor selects tokens, whose offsets are made in Python (prodi.gy/docs/api-interfaces), and the tokens are
ours: every span begins and ends with one. A task that was not answered with «accept» is not annotated. `record` (id and columns) passes
through it untouched.
"""

import json
import re
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
from classifier.annotation.offsets import to_points
from classifier.documents.labelled import read_objects
from classifier.errors import ClassifierError
from classifier.taxonomy import Taxonomy

WORD = re.compile(r"\w+|[^\w\s]")
INTERNAL = {"text", "spans", "tokens", "options", "accept", "answer", "record", "meta", "config", "id"}


def write(path: Path, records: list[Record], taxonomy: Taxonomy, options: Options) -> dict[Path, bytes]:
    language = options.language
    choices = [
        {"id": f"{facet.code}.{label.code}", "text": f"{facet.name(language)}: {label.name(language)}"}
        for facet in taxonomy.of("document")
        for label in facet.labels
    ]
    lines = []
    for record in records:
        done = is_annotated(record, taxonomy)
        document, spans = flat(labels(record, taxonomy) if done else proposal(record, taxonomy), taxonomy)
        tokens, where = _tokens(record["text"], spans)
        own = columns(record, taxonomy) | state(record, taxonomy)
        line: Record = {"text": record["text"], "tokens": tokens, "options": choices, "accept": document}
        line["spans"] = [
            {"start": start, "end": end, "token_start": where[start][0], "token_end": where[end][1], "label": name}
            for start, end, name in spans
        ]
        line["meta"] = {key: str(record[key]) for key in ("id", "reason") if key in record}
        lines.append(line | {"record": own} | ({"answer": "accept"} if done else {}))
    text = "".join(json.dumps(line, ensure_ascii=False, default=str) + "\n" for line in lines)
    return {path: text.encode("utf-8", "backslashreplace")}


def _tokens(text: str, spans: list[Span]) -> tuple[list[Record], dict[int, tuple[int, int]]]:
    """(the tokens, cut where a span begins or ends; per offset, the token that begins there and the one that ends there, or -1)."""
    cuts = sorted({edge for start, end, _ in spans for edge in (start, end)})
    pieces = []
    for match in WORD.finditer(text):
        inside = [cut for cut in cuts if match.start() < cut < match.end()]
        pieces += list(zip([match.start(), *inside], [*inside, match.end()], strict=True))
    where: dict[int, tuple[int, int]] = {}
    tokens = []
    for i, (start, end) in enumerate(pieces):
        tokens.append({"text": text[start:end], "start": start, "end": end, "id": i, "ws": text[end : end + 1].isspace()})
        where[start] = (i, where.get(start, (-1, -1))[1])
        where[end] = (where.get(end, (-1, -1))[0], i)
    return tokens, where


def read(path: Path, taxonomy: Taxonomy, options: Options) -> list[Placed]:
    """One record a line; `annotator` is the session that answered."""
    out: list[Placed] = []
    for place, line in read_objects(path):
        text = line.get(options.text_column or "text")
        if not isinstance(text, str):
            raise ClassifierError(f"{place}: no `text`; name its key by --text-column")
        own = line["record"] if isinstance(line.get("record"), dict) else _foreign(line)
        given = own.get(options.id_column or "id", line.get("id", len(out) + 1))
        base: Record = {"id": str(given), "text": text} | without_state(own, "id")
        document = line.get("accept") or ([line["label"]] if isinstance(line.get("label"), str) else [])
        try:
            spans = [(*to_points(text, s.get("start", -1), s.get("end", -1), "points"), s.get("label")) for s in line.get("spans") or ()]
            said = unflat(document, spans, own, taxonomy)
        except ClassifierError as error:
            raise ClassifierError(f"{place} (id {given}): {error}") from error
        if line.get("answer") == "accept":
            who = line.get("_annotator_id") or line.get("_session_id")
            base |= ({"annotator": str(who)} if who else {}) | said
        elif document or spans:
            base["predicted"] = said
        out.append((place, base))
    return out


def _foreign(line: Record) -> Record:
    """The columns of a line that was not made by us: what is not Prodigy's own, and its `meta`."""
    meta: Any = line.get("meta")
    own = {k: v for k, v in line.items() if k not in INTERNAL and k != "label" and not k.startswith("_")}
    return (meta if isinstance(meta, dict) else {}) | own
