"""Where a probability becomes a decision: thresholds by F1, and the band around them that a person should review."""

from collections.abc import Sequence

import numpy as np

from classifier.storage import ANY
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
