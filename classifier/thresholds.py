"""Where a probability becomes a decision: thresholds by F1, the band around them that a person should review, how often they err."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from classifier.confusion import VERDICT, Confusion, measure, of_decisions, present
from classifier.prediction import JUDGED, Prediction, verdict
from classifier.scoring import best_sentences
from classifier.storage import ANY, Model, document_labels, sentence_labels
from classifier.taxonomy import Taxonomy

PRIOR_EXAMPLES = 20  # a label's own threshold counts as many examples as it has, the common one as many as this
REVIEW_PRECISION = 0.9  # outside the review band, at least this share of the decisions is right


def f1(y: np.ndarray, decided: np.ndarray) -> float:
    return float(2 * (y & decided).sum() / max(y.sum() + decided.sum(), 1))


def best_threshold(y: np.ndarray, p: np.ndarray) -> float:
    """The threshold of highest F1 on a grid; the middle one of equals."""
    if not y.any():
        return 0.5
    grid = np.arange(0.08, 0.81, 0.02)
    scores = np.array([f1(y, p >= t) for t in grid])
    return float(np.median(grid[scores >= scores.max() - 1e-3]))


def choose_thresholds(wanted: np.ndarray, p: np.ndarray, names: Sequence[tuple[str, str]], taxonomy: Taxonomy) -> dict[str, float]:
    """Thresholds by F1 on out-of-fold probabilities; a rare label leans on the threshold that is best for its whole facet.

    A single-choice facet of documents needs none; one of sentences has one for all of its labels, named after the facet.
    """
    thresholds: dict[str, float] = {}
    for facet in taxonomy.facets:
        single = facet.choice == "single"
        columns = [k for k, (code, label) in enumerate(names) if code == facet.code and (label == ANY) == single]
        if not columns or (single and facet.unit == "document"):
            continue
        known = ~np.isnan(wanted[:, columns]).any(axis=1)
        y, q = wanted[np.ix_(known, columns)].astype(bool), p[np.ix_(known, columns)]
        common = best_threshold(y.ravel(), q.ravel())
        for j, k in enumerate(columns):
            n = int(y[:, j].sum())
            own = best_threshold(y[:, j], q[:, j]) if n else common
            thresholds[key(names[k])] = round((n * own + PRIOR_EXAMPLES * common) / (n + PRIOR_EXAMPLES), 4)
    return thresholds


def key(name: tuple[str, str]) -> str:
    """("type", "prosess") -> "type.prosess"; ("barriere", ANY) -> "barriere"."""
    return ".".join(part for part in name if part)


def review_band(y: np.ndarray, p: np.ndarray, threshold: float) -> tuple[float, float]:
    """The probabilities around a threshold to leave out so that, above and below, `REVIEW_PRECISION` of the rest is right."""
    low = high = threshold
    while high < 0.95 and ((p >= high).sum() == 0 or y[p >= high].mean() < REVIEW_PRECISION):
        high += 0.02
    while low > 0.05 and ((p < low).sum() == 0 or 1 - y[p < low].mean() < REVIEW_PRECISION):
        low -= 0.02
    return round(low, 4), round(high, 4)


def known_errors(
    records: Sequence[Mapping[str, Any]], document: np.ndarray, sentence: np.ndarray, starts: np.ndarray,
    taxonomy: Taxonomy, thresholds: Mapping[str, float],
) -> dict[str, Confusion]:  # fmt: skip
    """How often the decisions on whole documents are right, by probabilities (of documents, of sentences) that did not see their labels.

    `starts`: where the sentences of each document begin, as in `scoring.Rows`.
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
    return _errors(records, scores, given, taxonomy, thresholds)


def errors_on(records: Sequence[Mapping[str, Any]], predictions: Sequence[Prediction], model: Model) -> dict[str, Confusion]:
    """How often a model's decisions on whole documents are right, by what it said of labelled records that it was not trained on."""
    scores = {f.code: np.array([[p.scores[f.code][code] for code in f.codes] for p in predictions]) for f in model.taxonomy.facets}
    given = {f.code: np.array([[code in p.labels(f.code) for code in f.codes] for p in predictions]) for f in model.taxonomy.facets}
    return _errors(records, scores, given, model.taxonomy, model.thresholds)


def _errors(
    records: Sequence[Mapping[str, Any]], scores: Mapping[str, np.ndarray], given: Mapping[str, np.ndarray],
    taxonomy: Taxonomy, thresholds: Mapping[str, float],
) -> dict[str, Confusion]:  # fmt: skip
    """The confusions of all facets, and of the verdict that follows from them."""
    wanted = {facet.code: present(records, facet) for facet in taxonomy.facets}
    errors: dict[str, Confusion] = {}
    for facet in taxonomy.facets:
        errors |= measure(facet, wanted[facet.code], scores[facet.code], given[facet.code], thresholds)
    judged = [i for i, record in enumerate(records) if record.keys() >= JUDGED]
    sides = [[_verdict(taxonomy, side, i) for i in judged] for side in (wanted, given)]
    if judged and sides[0][0] is not None:
        errors[VERDICT] = of_decisions(np.array(sides[0], bool), np.array(sides[1], bool))
    return errors


def _verdict(taxonomy: Taxonomy, said: Mapping[str, np.ndarray], i: int) -> bool | None:
    labels = {f.code: [code for code, yes in zip(f.codes, said[f.code][i], strict=True) if yes > 0] for f in taxonomy.facets}
    found = verdict(taxonomy, labels)
    return None if found is None else found["verdict"]
