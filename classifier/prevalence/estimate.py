"""How many documents truly have a label, from how a classifier with known errors scored them. Pure functions on arrays.

The model is that of Ziegler and Czyż, "Bayesian quantification with black-box estimators" (2024): a document of class y gets signal k with
probability φ[y, k], whatever the share of the class; so signals are drawn from Σ π[y] φ[y, ·], and π is asked for. With two signals this
is the correction of Rogan and Gladen (1978), also called adjusted classify-and-count; with the probability cut into intervals it comes
near to what Saerens, Latinne and Decaestecker (2002) do with posteriors. The share is the π of highest likelihood. The
interval is the posterior of π under Jeffreys' prior, averaged over draws of φ from its own posterior (Dirichlet, from the counted errors):
it carries the error of the sample and that of the error figures.

Written out here since the kept libraries for it ask for much else: QuaPy 0.2 and mlquantify 0.5 bring pandas (QuaPy matplotlib, xlrd and a
data-set client too), want the scores of every training text, and QuaPy's intervals of this kind need JAX and NumPyro.
"""

from functools import cache

import numpy as np

DRAWS = 200  # of the error rates
LEVEL = 0.95
LARGEST = 25_000  # documents; of more, the error of the error figures is all that counts
ROUNDS = 2000  # of EM
HALVINGS = 40
CHUNK = 32  # groups at once


def likeliest(seen: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The share of each class in each group, shape (groups, classes), rows summing to 1.

    `seen`: documents by signal, shape (groups, signals), none of the groups empty. `known`: documents by class and signal in the texts with
    known labels, shape (classes, signals).
    """
    rates = (known + 1e-9) / (known + 1e-9).sum(axis=1, keepdims=True)
    if len(known) == 2:  # EM creeps where the share is near 0 or 1; the slope of the likelihood, which falls throughout, does not
        low, high = np.zeros(len(seen)), np.ones(len(seen))
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            rising = (seen * (rates[1] - rates[0]) / (np.outer(middle, rates[1]) + np.outer(1 - middle, rates[0]))).sum(axis=1) > 0
            low, high = np.where(rising, middle, low), np.where(rising, high, middle)
        return np.stack([1 - low, low], axis=1)
    total = seen.sum(axis=1, keepdims=True)
    share = np.full((len(seen), len(known)), 1 / len(known))
    for _ in range(ROUNDS):
        mixed = share @ rates
        new = share * ((seen / mixed) @ rates.T) / total
        done = np.abs(new - share).max() < 1e-7
        share = new
        if done:
            break
    out: np.ndarray = share / share.sum(axis=1, keepdims=True)
    return out


def intervals(seen: np.ndarray, known: np.ndarray, share: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(lower, upper) of each class in each group, shape (groups, classes) each; `share` is what `likeliest` gave, and lies within.

    With more than two classes, each is set against the rest, whose make-up is taken as estimated.
    """
    rng = np.random.default_rng(seed)
    drawn = np.stack([rng.dirichlet(row + 0.5, DRAWS) for row in known])  # (classes, draws, signals)
    seen = seen * np.minimum(1, LARGEST / seen.sum(axis=1, keepdims=True))
    lower, upper = np.empty_like(share), np.empty_like(share)
    for points in (64, 128, 256, 512):  # a finer grid where more documents make a sharper likelihood
        fits = np.pi * np.sqrt(seen.sum(axis=1))
        chosen = np.flatnonzero((fits <= points) & (fits > (points / 2 if points > 64 else 0)))
        if len(known) == 2:
            table = _log_mixture(drawn[1], drawn[0], points)
            for i in range(0, len(chosen), CHUNK):
                part = chosen[i : i + CHUNK]
                low, high = _quantiles(seen[part], table, points)
                lower[part, 1], upper[part, 1] = low, high
                lower[part, 0], upper[part, 0] = 1 - high, 1 - low
            continue
        for g in chosen:
            for y in range(len(known)):
                rest = np.delete(share[g], y) + 1e-6
                others = np.tensordot(rest / rest.sum(), np.delete(drawn, y, axis=0), 1)
                low, high = _quantiles(seen[g : g + 1], _log_mixture(drawn[y], others, points), points)
                lower[g, y], upper[g, y] = low[0], high[0]
    return np.minimum(lower, share), np.maximum(upper, share)


@cache
def _grid(points: int) -> np.ndarray:
    """Shares on which Jeffreys' prior is flat."""
    grid: np.ndarray = np.sin((np.arange(points) + 0.5) / points * np.pi / 2) ** 2
    return grid


def _log_mixture(on: np.ndarray, off: np.ndarray, points: int) -> np.ndarray:
    """Log probability of a signal at each share; `on` and `off` have shape (draws, signals), the result (draws, points, signals)."""
    grid = _grid(points)[None, :, None]
    table: np.ndarray = np.log(grid * on[:, None] + (1 - grid) * off[:, None] + 1e-300)
    return table


def _quantiles(seen: np.ndarray, table: np.ndarray, points: int) -> tuple[np.ndarray, np.ndarray]:
    """The interval of each group, shape (groups,) each, from `seen` (groups, signals)."""
    likelihood = table @ seen.T  # (draws, points, groups)
    weights = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
    posterior = (weights / weights.sum(axis=1, keepdims=True)).mean(axis=0)
    below = posterior.cumsum(axis=0) - posterior / 2
    tail = (1 - LEVEL) / 2
    ends = np.array([np.interp([tail, 1 - tail], column, _grid(points)) for column in below.T])
    return ends[:, 0], ends[:, 1]
