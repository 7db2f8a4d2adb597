"""Calibration figures: worked by hand, against scikit-learn, and what must hold of any probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from classifier.calibration import brier, coverage_precision, ece, found_at, reliability

CASES = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def test_by_hand() -> None:
    """Four cases that can be counted on paper."""
    p, y = [0.95, 0.85, 0.85, 0.05], [1, 1, 0, 0]
    assert brier(p, y) == pytest.approx((0.05**2 + 0.15**2 + 0.85**2 + 0.05**2) / 4)
    assert ece(p, y) == pytest.approx((0.05 + 2 * 0.35 + 0.05) / 4)
    thresholds, coverage, precision = coverage_precision(p, y)
    assert thresholds.tolist() == [0.95, 0.85, 0.05]
    assert coverage.tolist() == [0.25, 0.75, 1.0]
    assert precision.tolist() == pytest.approx([1, 2 / 3, 0.5])


def test_as_scikit_learn() -> None:
    """Brier score and reliability curve are those of scikit-learn."""
    rng = np.random.default_rng(0)
    p = rng.random(500)
    y = rng.random(500) < p**2
    assert brier(p, y) == pytest.approx(brier_score_loss(y, p))
    observed, predicted = calibration_curve(y, p, n_bins=10)
    bins = reliability(p, y, 10)
    assert [b.observed for b in bins] == pytest.approx(observed.tolist())
    assert [b.predicted for b in bins] == pytest.approx(predicted.tolist())


def test_perfect_and_worthless() -> None:
    """Probabilities that come true have no error; sure and always wrong is the worst there is; no cases have no figure."""
    rng = np.random.default_rng(1)
    p = rng.choice([0.1, 0.3, 0.5, 0.7, 0.9], 20_000)
    assert ece(p, rng.random(20_000) < p) < 0.02
    assert ece([1.0, 0.0], [0, 1]) == brier([1.0, 0.0], [0, 1]) == 1
    assert np.isnan(brier([], []))
    assert np.isnan(ece([], []))
    assert [len(part) for part in coverage_precision([], [])] == [0, 0, 0]


@given(CASES)
def test_any_probabilities(cases: list[tuple[float, bool]]) -> None:
    """Every case is in one bin, its interval holds the observed share, and keeping all gives the share of all."""
    p, y = [c[0] for c in cases], [c[1] for c in cases]
    bins = reliability(p, y)
    assert sum(b.n for b in bins) == len(cases)
    assert all(b.interval[0] - 1e-9 <= b.observed <= b.interval[1] + 1e-9 for b in bins)
    assert all(b.low - 1e-9 <= b.predicted <= b.high + 1e-9 for b in bins)
    _, coverage, precision = coverage_precision(p, y)
    assert coverage[-1] == 1
    assert precision[-1] == pytest.approx(sum(y) / len(y))
    assert (np.diff(coverage) > 0).all()


def test_found_when_so_many_are_to_be_right() -> None:
    """Of three true cases two are found when all answers are to be right, and all when three of four are."""
    p, y = [0.9, 0.8, 0.6, 0.5, 0.1], [1, 1, 0, 1, 0]
    assert found_at(p, y, 1.0) == (pytest.approx(2 / 3), 0.8)
    assert found_at(p, y, 0.75) == (pytest.approx(1.0), 0.5)
    assert found_at([0.9, 0.2], [0, 0], 0.5) is None
