"""How often a model errs: of the documents that have a label, and of those that have not, how many it scores where.

The counts are made on texts that the weights were not learnt from (out of fold in training, or a user's own labelled sample), and shares
of labels are corrected by them (`prevalence`). For one label of a multi-choice or sentence facet, the classes are absent and present, and
a document's *signal* is the interval that its probability falls in, the threshold being one of the edges. For a single-choice facet the
classes are its labels, and the signal is the label given together with the interval of its probability. Signals finer than the decision
bring the corrected share nearer the truth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from classifier.taxonomy import Facet

VERDICT = "innovasjon"  # the name of what follows from the facets, beside the names of facets and labels
INTERVALS = 8  # of a probability, at most
CONFIDENCES = 3  # intervals of the probability of a single choice, at most
FEWEST = 15  # documents of the rarest class for each interval


@dataclass(frozen=True)
class Confusion:
    """Documents by class and signal, shape (classes, signals).

    `edges`: what divides probabilities into signals (empty where the decision is all that is told). `given`: the first signal of the
    documents that get the label; 0 for a single choice, whose signals are its labels, each in as many intervals. `worth`: what a counted
    document is worth in an interval, less than 1 where error rates vary from one body of text to another by more than chance.
    """

    counts: np.ndarray
    edges: tuple[float, ...] = ()
    given: int = 1
    worth: float = 1.0

    def decisions(self) -> "Confusion":
        """The same documents by what was decided only."""
        if not self.given:
            return replace(self, counts=self.counts.reshape(len(self.counts), len(self.counts), -1).sum(axis=2), edges=())
        sides = [self.counts[:, : self.given].sum(axis=1), self.counts[:, self.given :].sum(axis=1)]
        return Confusion(np.stack(sides, axis=1), worth=self.worth)


def of_label(present: np.ndarray, scores: np.ndarray, threshold: float) -> Confusion:
    """The confusion of a label that is given from `threshold` on; `present` (bool) and `scores` have shape (documents,)."""
    rarer = int(min(present.sum(), (~present).sum()))
    cuts = np.linspace(0, 1, max(min(INTERVALS - 1, rarer // FEWEST), 1) + 1)[1:-1]
    order = np.argsort(scores, kind="stable")
    weight = np.where(present, 1 / max(present.sum(), 1), 1 / max((~present).sum(), 1))[order].cumsum()
    at = np.searchsorted(weight / weight[-1], cuts)  # quantiles where both classes weigh the same
    edges = sorted({threshold, *np.round(scores[order][at], 4).tolist()} - {0.0})
    signals = np.searchsorted(edges, scores, side="right")
    counts = [np.bincount(signals[present == c], minlength=len(edges) + 1) for c in (False, True)]
    return Confusion(np.array(counts), tuple(edges), edges.index(threshold) + 1)


def of_decisions(present: np.ndarray, given: np.ndarray) -> Confusion:
    """The confusion of a label by decisions alone; both arrays are bool, shape (documents,)."""
    return Confusion(np.array([[int(((present == c) & (given == d)).sum()) for d in (False, True)] for c in (False, True)]))


def of_choice(wanted: np.ndarray, scores: np.ndarray) -> Confusion:
    """The confusion matrix of a single choice: numbers of the true labels, shape (documents,); probabilities, (documents, labels)."""
    labels = scores.shape[1]
    best = scores.max(axis=1)
    parts = max(1, min(CONFIDENCES, int(np.bincount(wanted, minlength=labels).min()) // FEWEST))
    edges = sorted({*np.round(np.quantile(best, np.linspace(0, 1, parts + 1)[1:-1]), 4).tolist()})
    kinds = labels * (len(edges) + 1)
    signals = scores.argmax(axis=1) * (len(edges) + 1) + np.searchsorted(edges, best, side="right")
    return Confusion(np.bincount(wanted * kinds + signals, minlength=labels * kinds).reshape(labels, kinds), tuple(edges), 0)


def present(records: Sequence[Mapping[str, Any]], facet: Facet) -> np.ndarray:
    """What annotators said of whole documents: 1, 0 or NaN (not annotated), shape (documents, labels of the facet)."""
    out = np.full((len(records), len(facet.codes)), np.nan)
    for row, record in zip(out, records, strict=True):
        value = record.get(facet.code)
        if value is None:
            continue
        codes = [value] if isinstance(value, str) else value if facet.unit == "document" else [x for span in value for x in span["labels"]]
        row[:] = [code in codes for code in facet.codes]
    return out


def measure(
    facet: Facet, wanted: np.ndarray, scores: np.ndarray, given: np.ndarray, thresholds: Mapping[str, float]
) -> dict[str, Confusion]:
    """The confusions of a facet: one by its own name for a single choice of documents, else one for each "facet.label".

    `wanted` (1, 0, NaN), `scores` (probabilities) and `given` (bool) have shape (documents, labels); of a sentence facet, scores are the
    highest over the sentences of a document, and a label is wanted or given when any sentence has it.
    """
    known = ~np.isnan(wanted).any(axis=1)
    wanted, scores, given = wanted[known] > 0, scores[known], given[known]
    if not len(wanted):
        return {}
    if facet.unit == "document" and facet.choice == "single":
        return {facet.code: of_choice(wanted.argmax(axis=1), scores)}
    out = {}
    for k, code in enumerate(facet.codes):
        name = f"{facet.code}.{code}"
        own = name in thresholds
        out[name] = of_label(wanted[:, k], scores[:, k], thresholds[name]) if own else of_decisions(wanted[:, k], given[:, k])
    return out
