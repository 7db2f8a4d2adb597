"""How far probabilities can be believed: Brier score, calibration error, reliability, and what is kept when only the sure ones are.

Everywhere `p` holds probabilities and `y` what was the case (0 or 1, or False and True), both of shape (n,).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

Values = np.ndarray | Sequence[float] | Sequence[int] | Sequence[bool]


@dataclass(frozen=True, slots=True)
class Bin:
    """The cases with a probability from `low` to `high`: how many, what was promised of them on average, and what held.

    `interval` is the 95 % Wilson interval of `observed`.
    """

    low: float
    high: float
    n: int
    predicted: float
    observed: float
    interval: tuple[float, float]


def _pair(p: Values, y: Values) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(p, dtype=float), np.asarray(y, dtype=float)


def brier(p: Values, y: Values) -> float:
    """The mean squared distance between probability and outcome (Brier 1950): 0 is perfect, nan for no cases."""
    probabilities, outcomes = _pair(p, y)
    return float(np.mean((probabilities - outcomes) ** 2)) if len(outcomes) else float("nan")


def reliability(p: Values, y: Values, bins: int = 10) -> list[Bin]:
    """Promised against held, in `bins` equally wide bins (Niculescu-Mizil & Caruana 2005); those without a case are left out."""
    probabilities, outcomes = _pair(p, y)
    place = np.clip((probabilities * bins).astype(int), 0, bins - 1)
    found = []
    for k in np.unique(place):
        inside = place == k
        n, right = int(inside.sum()), int(outcomes[inside].sum())
        found.append(Bin(k / bins, (k + 1) / bins, n, float(probabilities[inside].mean()), right / n, wilson(right, n)))
    return found


def ece(p: Values, y: Values, bins: int = 10) -> float:
    """Expected calibration error: the distance of promised and held, averaged over the cases (Naeini et al. 2015); nan for no cases."""
    found = reliability(p, y, bins)
    n = sum(b.n for b in found)
    return sum(b.n * abs(b.predicted - b.observed) for b in found) / n if n else float("nan")


def coverage_precision(p: Values, y: Values) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(thresholds, coverage, precision), of one length, when only cases with a probability of a threshold or more are kept.

    Coverage is the share of the cases that is kept, precision the share of these that is right (risk and coverage: El-Yaniv & Wiener
    2010). One point for each distinct probability, from the highest down.
    """
    probabilities, outcomes = _pair(p, y)
    order = np.argsort(-probabilities, kind="stable")
    ranked = probabilities[order]
    last = np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)]  # equal probabilities are kept or left together
    kept = np.arange(1, len(ranked) + 1)
    return ranked[last], (kept / max(len(ranked), 1))[last], (np.cumsum(outcomes[order]) / kept)[last]


def found_at(p: Values, y: Values, precision: float) -> tuple[float, float] | None:
    """(share of the true cases that is found, from which probability) when this share of the answers is to be right; None: never so."""
    thresholds, coverage, precisions = coverage_precision(p, y)
    enough, true = np.flatnonzero(precisions >= precision), float(np.sum(np.asarray(y, dtype=float)))
    if not len(enough) or not true:
        return None
    last = enough[-1]
    return float(coverage[last] * len(y) * precisions[last] / true), float(thresholds[last])


def wilson(right: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    found = binomtest(right, n).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)
