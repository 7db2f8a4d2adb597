"""How often a model's decisions on whole documents are right: out of fold in training, or on a user's own labelled texts.

Counted as `confusion.py` says; shares of labels are corrected by it (`prevalence`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from classifier.confusion import VERDICT, Confusion, measure, of_decisions, present
from classifier.prediction import Prediction, verdict
from classifier.scoring import best_sentences
from classifier.storage import ANY, Model, document_labels, sentence_labels
from classifier.taxonomy import JUDGED, Taxonomy

FEWEST_IN_FOLD = 20  # documents that a fold's rate of error is told from


def known_errors(
    records: Sequence[Mapping[str, Any]], document: np.ndarray, sentence: np.ndarray, starts: np.ndarray, folds: np.ndarray,
    taxonomy: Taxonomy, thresholds: Mapping[str, float],
) -> dict[str, Confusion]:  # fmt: skip
    """How often the decisions on whole documents are right, by probabilities (of documents, of sentences) that did not see their labels.

    `starts`: where the sentences of each document begin, as in `scoring.Rows`; `folds`: of the documents. Where the rates differ from fold
    to fold by more than chance, they will differ so in other texts, too, and each counted document is worth less.
    """
    scores, given = {}, {}
    for facet in taxonomy.facets:
        names = document_labels(taxonomy) if facet.unit == "document" else sentence_labels(taxonomy)
        p = (document if facet.unit == "document" else sentence)[:, [names.index((facet.code, code)) for code in facet.codes]]
        if facet.choice == "single":
            decided = np.arange(p.shape[1]) == p.argmax(axis=1)[:, None]
        else:
            decided = p >= np.array([thresholds[f"{facet.code}.{code}"] for code in facet.codes])
        if facet.unit == "sentence":
            if facet.choice == "single":
                decided &= (sentence[:, names.index((facet.code, ANY))] >= thresholds[facet.code])[:, None]
            p, decided = best_sentences(p, starts)[0], best_sentences(decided.astype(float), starts)[0] > 0
        scores[facet.code], given[facet.code] = p, decided
    wanted = {facet.code: present(records, facet) for facet in taxonomy.facets}
    fold_count = len(set(folds))
    excess = dispersion(np.hstack(list(wanted.values())), np.hstack(list(given.values())), folds) - 1
    worth = round(1 / (1 + max(excess, 0) * (fold_count + fold_count / (fold_count - 1))), 4)
    return {name: replace(c, worth=worth) for name, c in _errors(wanted, scores, given, taxonomy, thresholds).items()}


def dispersion(wanted: np.ndarray, given: np.ndarray, folds: np.ndarray) -> float:
    """How much more than by chance the rates of error of folds differ from those of the rest: variance against the binomial, 1 by chance.

    `wanted` (1, 0, NaN) and `given` (bool): shape (documents, labels); the mean over all labels and both kinds of error.
    """
    ratios = [1.0]
    for y, decided in zip(wanted.T, given.T, strict=True):
        for side in (y == 0, y == 1):
            rate = decided[side].mean() if side.any() else 0.0
            for fold in set(folds.tolist()):
                here, there = decided[side & (folds == fold)], decided[side & (folds != fold)]
                if 0 < rate < 1 and min(len(here), len(there)) >= FEWEST_IN_FOLD:
                    expected = rate * (1 - rate) * (1 / len(here) + 1 / len(there))
                    ratios.append(float((here.mean() - there.mean()) ** 2 / expected))
    return float(np.mean(ratios))


def errors_on(records: Sequence[Mapping[str, Any]], predictions: Sequence[Prediction], model: Model) -> dict[str, Confusion]:
    """How often a model's decisions on whole documents are right, by what it said of labelled records that it was not trained on."""
    scores = {f.code: np.array([[p.scores[f.code][code] for code in f.codes] for p in predictions]) for f in model.taxonomy.facets}
    given = {f.code: np.array([[code in p.labels(f.code) for code in f.codes] for p in predictions]) for f in model.taxonomy.facets}
    wanted = {facet.code: present(records, facet) for facet in model.taxonomy.facets}
    return _errors(wanted, scores, given, model.taxonomy, model.thresholds)


def _errors(
    wanted: Mapping[str, np.ndarray], scores: Mapping[str, np.ndarray], given: Mapping[str, np.ndarray],
    taxonomy: Taxonomy, thresholds: Mapping[str, float],
) -> dict[str, Confusion]:  # fmt: skip
    """The confusions of all facets, and of the verdict that follows from them."""
    errors: dict[str, Confusion] = {}
    for facet in taxonomy.facets:
        errors |= measure(facet, wanted[facet.code], scores[facet.code], given[facet.code], thresholds)
    known = ~np.any([np.isnan(wanted[code]).any(axis=1) for code in wanted if code in JUDGED], axis=0)
    sides = [[_verdict(taxonomy, side, i) for i in np.flatnonzero(known).tolist()] for side in (wanted, given)]
    if known.any() and sides[0][0] is not None:
        errors[VERDICT] = of_decisions(np.array(sides[0], bool), np.array(sides[1], bool))
    return errors


def _verdict(taxonomy: Taxonomy, said: Mapping[str, np.ndarray], i: int) -> bool | None:
    labels = {f.code: [code for code, yes in zip(f.codes, said[f.code][i], strict=True) if yes > 0] for f in taxonomy.facets}
    found = verdict(taxonomy, labels)
    return None if found is None else found["verdict"]
