"""Where a model was wrong: which labels it takes for which, how sure it was of each decision, and its worst errors.

Everything is counted by document; a sentence facet has the labels of all its sentences. `predicted` are predictions with all scores.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifier.evaluation import Record, codes_of
from classifier.taxonomy import Facet, Taxonomy


@dataclass(frozen=True, slots=True)
class Decision:
    """One label and one document: was it right (`wanted`), was it `given`, and with what probability. `at` is the document's place."""

    at: int
    facet: str
    label: str
    probability: float
    wanted: bool
    given: bool


def decisions(gold: Sequence[Record], predicted: Sequence[Record], taxonomy: Taxonomy) -> Iterator[Decision]:
    """Every label against every document, but for facets that gold does not have."""
    for i, (g, p) in enumerate(zip(gold, predicted, strict=True)):
        for facet in taxonomy.facets:
            if facet.code in g:
                wanted, given = codes_of(g, facet), codes_of(p, facet)
                for code in facet.codes:
                    yield Decision(i, facet.code, code, p["scores"][facet.code][code], code in wanted, code in given)


def confusions(found: Sequence[Decision], taxonomy: Taxonomy) -> dict[str, np.ndarray]:
    """How often a label was missed (row) while another was given wrongly (column), in the same document, by facet.

    Shape (labels + 1, labels + 1): the last row counts labels given where none was missed, the last column those missed where none was
    given wrongly.
    """
    missed: dict[tuple[str, int], list[str]] = defaultdict(list)
    wrong: dict[tuple[str, int], list[str]] = defaultdict(list)
    for d in found:
        if d.wanted != d.given:
            (missed if d.wanted else wrong)[d.facet, d.at].append(d.label)
    tables = {}
    for facet in taxonomy.facets:
        codes = [*facet.codes, ""]
        table = np.zeros((len(codes), len(codes)), dtype=int)
        for place in {*missed, *wrong}:
            if place[0] == facet.code:
                for row in missed.get(place) or [""]:
                    for column in wrong.get(place) or [""]:
                        table[codes.index(row), codes.index(column)] += 1
        tables[facet.code] = table
    return tables


def worst(found: Sequence[Decision], most: int = 3) -> dict[tuple[str, str], list[Decision]]:
    """The errors that the model was surest of, by facet and label: at most `most` given wrongly and `most` missed."""
    errors: dict[tuple[str, str], list[Decision]] = defaultdict(list)
    for d in found:
        if d.wanted != d.given:
            errors[d.facet, d.label].append(d)
    return {
        name: [
            *sorted((d for d in ds if d.given), key=lambda d: -d.probability)[:most],
            *sorted((d for d in ds if d.wanted), key=lambda d: d.probability)[:most],
        ]
        for name, ds in errors.items()
    }


def marked(decision: Decision, gold: Record, predicted: Record, facet: Facet) -> list[tuple[int, int]]:
    """What to mark in the text of an error: the words that spoke for a label given wrongly, the sentences that were missed."""
    spans: list[Any]
    if decision.given:
        value = predicted.get(facet.code) or []
        items = [x for item in value for x in item.get("labels", [item])] if isinstance(value, list) else [value]
        spans = [e for x in items if x["label"] == decision.label for e in x.get("evidence") or ()]
    elif facet.unit == "sentence":
        spans = [s for s in gold.get(facet.code) or () if decision.label in s["labels"]]
    else:
        spans = [s for s in gold.get("evidence") or () if f"{facet.code}.{decision.label}" in s.get("labels", ())]
    return sorted((s["start"], s["end"]) for s in spans)
