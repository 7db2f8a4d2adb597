"""Shares corrected for known error: what the estimates promise on arrays, whatever the counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from classifier.confusion import Confusion, of_choice, of_decisions, of_label
from classifier.prevalence.estimate import intervals, likeliest
from classifier.reliability import dispersion

COUNTS = st.integers(0, 400)


@st.composite
def questions(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """(documents by group and signal, documents by class and signal), any that can be asked about."""
    classes = draw(st.integers(2, 5))
    signals = classes if classes > 2 else draw(st.integers(2, 8))
    seen = draw(arrays(np.int64, (draw(st.integers(1, 3)), signals), elements=COUNTS).filter(lambda a: a.sum(axis=1).all()))
    known = draw(arrays(np.int64, (classes, signals), elements=COUNTS).filter(lambda a: a.sum(axis=1).all()))
    return seen.astype(float), known


@given(questions())
@settings(max_examples=60)
def test_shares_are_shares(question: tuple[np.ndarray, np.ndarray]) -> None:
    """Whatever was counted: shares lie between 0 and 1, those of all classes sum to 1, and each interval holds its share."""
    seen, known = question
    share = likeliest(seen, known)
    lower, upper = intervals(seen, known, share)
    assert share.shape == lower.shape == upper.shape == (len(seen), len(known))
    assert np.allclose(share.sum(axis=1), 1)
    assert ((lower >= 0) & (lower <= share) & (share <= upper) & (upper <= 1)).all()


@given(st.integers(1, 500), st.integers(0, 500), st.integers(2, 400), st.integers(2, 400))
def test_no_correction_with_a_perfect_classifier(n: int, k: int, absent: int, present: int) -> None:
    """Where no error is known of, the corrected share is the counted one."""
    k = min(k, n)
    share = likeliest(np.array([[n - k, k]], float), np.array([[absent, 0], [0, present]]))
    assert share[0, 1] == pytest.approx(k / n, abs=1e-6)


@given(st.integers(10, 300), st.integers(60, 99), st.integers(1, 40))
@settings(max_examples=25)
def test_two_signals_are_the_known_correction(n: int, sensitivity: int, false: int) -> None:
    """With decisions alone the share is Rogan and Gladen's, (counted − false) / (sensitivity − false), kept within 0 and 1: it rises with
    the number counted."""
    counted = np.arange(n + 1)
    known = np.array([[100 - false, false], [100 - sensitivity, sensitivity]])
    share = likeliest(np.stack([n - counted, counted], axis=1).astype(float), known)[:, 1]
    expected = np.clip((counted / n - false / 100) / ((sensitivity - false) / 100), 0, 1)
    assert np.allclose(share, expected, atol=1e-6)
    assert (np.diff(share) >= -1e-6).all()


def test_every_class_needs_the_others_errors() -> None:
    """A single choice is corrected by its whole confusion matrix: from the expected counts the true shares come back, however skewed."""
    known = np.array([[80, 15, 5], [10, 70, 20], [0, 30, 70]])
    for true in ([0.2, 0.3, 0.5], [0.9, 0.05, 0.05], [0.0, 0.0, 1.0]):
        seen = 1000 * np.array([true]) @ (known / known.sum(axis=1, keepdims=True))
        assert likeliest(seen, known)[0] == pytest.approx(true, abs=5e-3)


@pytest.mark.parametrize("n", [40, 400, 5000])
def test_intervals_cover_as_stated(n: int) -> None:
    """Of simulated samples, whose errors are known from other simulated texts, about 95 % of the intervals hold the true share."""
    rng = np.random.default_rng(n)
    rates = np.array([[0.55, 0.3, 0.1, 0.05], [0.05, 0.15, 0.3, 0.5]])
    held = []
    for _ in range(60):
        known = np.stack([rng.multinomial(size, row) for size, row in zip((900, 120), rates, strict=True)])
        true = rng.uniform(0.02, 0.9, 8)
        seen = np.stack([rng.multinomial(n, (1 - t) * rates[0] + t * rates[1]) for t in true]).astype(float)
        lower, upper = intervals(seen, known, likeliest(seen, known))
        held += ((lower[:, 1] <= true) & (true <= upper[:, 1])).tolist()
    assert 0.92 <= np.mean(held) <= 0.985  # 480 intervals: standard error 0.01


def test_intervals_of_a_single_choice_cover_as_stated() -> None:
    """So do those of three labels of which each text has one."""
    rng = np.random.default_rng(1)
    rates = np.array([[0.8, 0.15, 0.05], [0.1, 0.75, 0.15], [0.1, 0.2, 0.7]])
    held = []
    for _ in range(100):
        known = np.stack([rng.multinomial(150, row) for row in rates])
        true = rng.dirichlet(np.ones(3))
        seen = rng.multinomial(200, true @ rates)[None].astype(float)
        lower, upper = intervals(seen, known, likeliest(seen, known))
        held += ((lower[0] <= true) & (true <= upper[0])).tolist()
    assert 0.92 <= np.mean(held) <= 0.985


def test_intervals_narrow_with_knowledge() -> None:
    """More documents make an interval narrower, and so do better known errors; neither alone makes it vanish."""
    known = np.array([[90, 10], [20, 80]])

    def width(n: int, times: int) -> float:
        seen = np.array([[0.6, 0.4]]) * n
        lower, upper = intervals(seen, known * times, likeliest(seen, known))
        return float((upper - lower)[0, 1])

    assert width(20, 1) > width(200, 1) > width(2000, 1) > width(2000, 10) > 0
    assert width(10**6, 1) > 0.05
    assert width(20, 1000) > 0.2
    assert width(10**6, 1000) == pytest.approx(width(10**7, 1000), abs=1e-3)


def test_the_same_counts_give_the_same_shares() -> None:
    """An interval is drawn, but the same one each time, and whatever other groups there are."""
    known = np.array([[90, 10], [20, 80]])
    alone, among = np.array([[7.0, 3.0]]), np.array([[7.0, 3.0], [70, 30], [1, 0]])
    first = intervals(alone, known, likeliest(alone, known))
    assert np.allclose([x[0] for x in intervals(among, known, likeliest(among, known))], [x[0] for x in first], atol=1e-9)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=4, max_size=300), st.floats(0.05, 0.95))
def test_confusion_of_a_label_counts_all(rows: list[tuple[bool, float]], threshold: float) -> None:
    """Each document is counted once in its class; the threshold is among the edges, so the decisions can be told from the signals."""
    present, scores = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    made = of_label(present, scores, threshold)
    assert made.counts.sum(axis=1).tolist() == [(~present).sum(), present.sum()]
    assert made.edges[made.given - 1] == threshold
    assert list(made.edges) == sorted(set(made.edges))
    assert np.array_equal(made.decisions().counts, of_decisions(present, scores >= threshold).counts)


def test_confusion_of_a_choice() -> None:
    """Rows are the true labels; columns the given ones, each by how probable it was where there are texts enough to tell."""
    scores = np.array([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3], [0.1, 0.9, 0.0], [0.6, 0.2, 0.2]])
    made = of_choice(np.array([0, 0, 1, 2]), scores)
    assert made.counts.tolist() == made.decisions().counts.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    many = of_choice(np.tile([0, 1, 2, 2], 30), np.tile(scores, (30, 1)))
    assert many.counts.shape[1] % 3 == 0
    assert many.counts.shape[1] > 3
    assert many.decisions().counts.tolist() == [[30, 0, 0], [0, 30, 0], [30, 30, 0]]


def test_dispersion_tells_chance_from_difference() -> None:
    """Rates of error that differ from fold to fold by chance only have dispersion about 1; ones that truly differ have more."""
    rng = np.random.default_rng(0)
    folds = np.repeat(np.arange(5), 400)
    wanted = rng.integers(0, 2, (2000, 10)).astype(float)
    steady = rng.random((2000, 10)) < np.where(wanted > 0, 0.8, 0.1)
    by_fold = np.array([0.6, 0.7, 0.8, 0.9, 0.95])[folds][:, None]
    uneven = rng.random((2000, 10)) < np.where(wanted > 0, by_fold, 0.1)
    assert 0.7 < dispersion(wanted, steady, folds) < 1.35
    assert dispersion(wanted, uneven, folds) > 3


def test_decisions_keep_what_they_are_worth() -> None:
    """Counts that are worth less stay worth less when told by decisions only."""
    assert Confusion(np.ones((2, 4), int), (0.2, 0.5, 0.7), 2, 0.25).decisions().worth == 0.25
