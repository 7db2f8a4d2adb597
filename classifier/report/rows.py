"""The rows of a report as the page reads them: columns of JSON, small enough for tens of thousands of texts.

Labels and values of groups are numbers into lists, probabilities are permille (-1: not known), and words are pairs of offsets, in the units
that browsers count in.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup

from classifier.documents.results import Result, Word
from classifier.preprocessing import sentences
from classifier.report.groups import Groups
from classifier.report.wording import Wording
from classifier.taxonomy import LANGUAGES, Taxonomy

ELSEWHERE = ("showing", "nothing", "page", "whole_text", "unsure", "near")  # what the script says


FAR = re.compile("[\U00010000-\U0010ffff]")  # characters of two UTF-16 units
Place = Callable[[int], int]


def placing(text: str) -> Place:
    """Offsets in code points -> in UTF-16 units, of one text."""
    far = [found.start() for found in FAR.finditer(text)]
    return (lambda at: at + bisect_left(far, at)) if far else (lambda at: at)


def numbered(taxonomy: Taxonomy) -> dict[str, int]:
    """The number of each "facet.label" in the page."""
    return {name: i for i, name in enumerate(f"{facet.code}.{code}" for facet in taxonomy.facets for code in facet.codes)}


def as_json(results: Sequence[Result], taxonomy: Taxonomy, groups: Sequence[Groups], wording: Wording, texts: bool) -> Markup:
    """The data block of a page. Without `texts` there is nothing of them in it."""
    numbers = numbered(taxonomy)
    places = [placing(r.text) for r in results]
    data: dict[str, Any] = {
        "language": wording.language,
        "words": {key: wording.text[key] for key in ELSEWHERE},
        "labels": [label.name(wording.language) for f in taxonomy.facets for label in f.labels],
        "id": [r.id for r in results],
        "given": [_given(r, numbers, place if texts else None) for r, place in zip(results, places, strict=True)],
        "sure": [_surest(r) for r in results],
        "spans": [_spans(r, numbers, place) if texts else [] for r, place in zip(results, places, strict=True)],
        "verdict": [-1 if r.innovation is None else int(r.innovation) for r in results],
        "review": [[numbers[pair] for pair in r.review if pair in numbers] for r in results],
        "notes": [notes(r, wording, texts) for r in results],
        "groups": [{"name": g.column, "values": g.choices} for g in groups],
        "group": [],
    }
    for g in groups:
        known = {value: i for i, value in enumerate(g.choices)}
        data["group"].append([known[value] for value in g.values])
    if texts:
        data |= {"text": [r.text for r in results], "spoken": [r.language if r.language in LANGUAGES else "" for r in results]}
        data["cuts"] = [_cuts(r, place) for r, place in zip(results, places, strict=True)]
    return Markup(json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"))


def notes(result: Result, wording: Wording, texts: bool) -> str:
    """What there is to say of a row; why it could not be read may quote it."""
    if result.problem is None:
        return "; ".join(result.notes)
    return result.problem if texts else wording["unreadable"]


def _permille(p: float | None) -> int:
    return -1 if p is None else round(1000 * p)


def _surest(result: Result) -> int:
    """The probability that the row's labels have at least: low for one that is worth a look."""
    given = [result.scores[facet].get(code) for facet, codes in result.labels.items() for code in codes]
    return min((_permille(p) for p in given), default=-1)


def _given(result: Result, numbers: dict[str, int], place: Place | None) -> list[list[int]]:
    """Each label with its probability and, with `place`, the words for it; none of a row that is not counted."""
    if result.empty:
        return []
    return [
        [
            numbers[f"{facet}.{code}"],
            _permille(result.scores[facet].get(code)),
            *(_flat(result.evidence.get(f"{facet}.{code}", ()), place) if place else ()),
        ]
        for facet, codes in result.labels.items()
        for code in codes
    ]


def _flat(words: Sequence[Word], place: Place) -> list[int]:
    return [place(at) for word in words for at in (word.start, word.end)]


def _spans(result: Result, numbers: dict[str, int], place: Place) -> list[list[Any]]:
    """Sentences of all sentence facets: from and to where known, else the sentence itself; and its labels, each with its words."""
    out = []
    for facet, mentions in result.mentions.items():
        for m in mentions:
            labels = [[numbers[f"{facet}.{code}"], *_flat((m.evidence or {}).get(code, ()), place)] for code in m.labels]
            known = m.start is not None and m.end is not None and result.text[m.start : m.end] == m.text
            out.append([place(m.start or 0), place(m.end or 0), labels] if known else [m.text, 0, labels])
    return out


def _cuts(result: Result, place: Place) -> list[int]:
    """Where the sentences begin and end that have a word for a label of the whole text."""
    words = [word for found in result.evidence.values() for word in found]
    if not words:
        return []
    spans = [(a, b) for a, b in sentences(result.text) if any(a < w.end and w.start < b for w in words)]
    return [place(at) for span in spans for at in span]
