"""What more labels are likely to give: a learning curve over the labelled data, and its continuation.

The curve is cross-validated: a model is trained on the first texts, and on more and more of them; each judges all texts, those that it was
trained on by what `train` says of them out of fold. It is continued by an inverse power law, F1(n) = a − b·n^(−c) with b ≥ 0 and a ≤ 1
(Cortes et al. 1994, "Learning curves: asymptotic values and rate of convergence"; Figueroa et al. 2012, "Predicting sample size required
for classification performance"), fitted anew to each bootstrap sample of the texts; from these fits and the scatter of the last step come
the intervals. How often they hold is measured in `benchmarks/active_learning.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from threadpoolctl import threadpool_limits

from classifier.annotation.sampling import columns_of, examples_of
from classifier.documents.labelled import Record
from classifier.errors import ClassifierError
from classifier.evaluation import FN, FP, TP
from classifier.features import Passage, passage
from classifier.model import FOLDS, OutOfFold, case, targets, train
from classifier.scoring import score
from classifier.storage import ANY, Model, document_labels, sentence_labels
from classifier.taxonomy import Taxonomy

LEAST = 4 * FOLDS  # texts of the smallest step
STEPS = (1 / 8, 1 / 4, 1 / 2)  # of the texts, before all of them
ROUNDS = 500
POWERS = np.linspace(0.1, 1.5, 15)
WORTH_IT = 0.01  # macro-F1 that a hundred texts should give

Trained = tuple[Model, OutOfFold]


@dataclass(frozen=True)
class Curve:
    """`counts` (steps, texts, labels, 3: true positives, false positives, false negatives) of models trained on the first `sizes` texts."""

    taxonomy: Taxonomy
    sizes: list[int]
    examples: np.ndarray  # (steps, labels): texts that have the label
    counts: np.ndarray


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        return {"value": round(self.value, 4), "interval": [round(self.low, 4), round(self.high, 4)]}


def mixed(records: Sequence[Record], seed: int = 0) -> list[Record]:
    """The records in an order by lot that keeps those of one writer, or one case, together."""
    return sorted(records, key=lambda r: crc32(f"{seed} order {r.get('writer') or case(r)}".encode()))


def batches_of(records: Sequence[Record], last: int) -> tuple[list[Record], list[int]]:
    """(records in the order they were labelled in, how many there were after each step).

    By the key `batch`, where at least two are told apart; else in the order given, the `last` ones being the last batch.
    """
    named = [str(r["batch"]) if r.get("batch") is not None else "" for r in records]
    numbers = sorted(set(named), key=lambda b: (len(b), b))  # "2" before "10"
    if len(numbers) >= 2:
        order = sorted(range(len(records)), key=lambda i: numbers.index(named[i]))
        ends = np.cumsum([named.count(b) for b in numbers]).tolist()
        return [records[i] for i in order], [int(e) for e in ends if e >= LEAST][-len(STEPS) - 1 :]
    n = len(records)
    return list(records), steps_of(n, last)


def steps_of(n: int, last: int = 0) -> list[int]:
    """How many of n texts to train on at each step; with `last`, one step ends before the last texts."""
    ends = {int(n * share) for share in STEPS if not last or n * share < n - 1.5 * last} | ({n - last} if last else set()) | {n}
    return sorted(end for end in ends if end >= LEAST)


@threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator]  # many small fits: threads only wait for each other
def curve(
    records: Sequence[Record], sizes: Sequence[int], taxonomy: Taxonomy, whole: Trained | None = None, seed: int = 0, jobs: int = 1,
    progress: Callable[[str], None] = lambda message: None,
) -> Curve:  # fmt: skip
    """The learning curve of checked records; `whole` is what `train` gave for all of them in this order, if that is at hand."""
    passages = [passage(r["text"]) for r in records]
    wanted = targets(records, passages, taxonomy)
    counts, used = [], []
    for size in sizes:
        try:
            progress(f"learning curve: {size} texts")
            trained = whole if whole and size == len(records) else train(records[:size], taxonomy, "curve", seed=seed, jobs=jobs)
        except ClassifierError:  # too few texts of different cases
            continue
        p = judged(trained, passages, size)
        starts = np.concatenate(([0], np.cumsum([len(x.spans) for x in passages])))
        counts.append(_counted(trained[0], p, (wanted.document, wanted.sentence), starts, taxonomy))
        used.append(size)
    examples = np.array([examples_of(records[:size], taxonomy) for size in used])
    return Curve(taxonomy, used, examples, np.array(counts))


def judged(trained: Trained, passages: Sequence[Passage], size: int) -> OutOfFold:
    """Probabilities of all texts by a model trained on the first `size` of them: of these out of fold, of the others its own."""
    model, held_out = trained
    if size == len(passages):
        return held_out
    with model.vocabulary.held():
        rest = score(model, model.vocabulary.find(passages[size:]))
    return OutOfFold(np.vstack([held_out.document, rest.document]), np.vstack([held_out.sentence, rest.sentence]))


def _counted(model: Model, p: OutOfFold, wanted: tuple[np.ndarray, np.ndarray], starts: np.ndarray, taxonomy: Taxonomy) -> np.ndarray:
    """(texts, labels, 3), labels as in `columns_of`; of a sentence facet, pairs of sentence and label."""
    out = np.zeros((len(starts) - 1, len(columns_of(taxonomy)), 3))
    at = 0
    for facet in taxonomy.facets:
        of_document = facet.unit == "document"
        order = document_labels(taxonomy) if of_document else sentence_labels(taxonomy)
        columns = [order.index((facet.code, code)) for code in facet.codes]
        q, y = (p.document, wanted[0]) if of_document else (p.sentence, wanted[1])
        q, y = q[:, columns], y[:, columns]
        if facet.choice == "multi":
            given = q >= np.array([model.thresholds[f"{facet.code}.{code}"] for code in facet.codes])
        else:
            given = q == q.max(axis=1, keepdims=True)
            if not of_document:
                given &= p.sentence[:, [order.index((facet.code, ANY))]] >= model.thresholds[facet.code]
        table = np.zeros((*y.shape, 3))
        table[..., TP], table[..., FP], table[..., FN] = given & (y == 1), given & (y == 0), ~given & (y == 1)
        if not of_document:
            sums = np.concatenate([np.zeros((1, *table.shape[1:])), np.cumsum(table, axis=0)])
            table = sums[starts[1:]] - sums[starts[:-1]]
        out[:, at : at + len(columns)] = table
        at += len(columns)
    return out


def drawn(c: Curve, rounds: int = ROUNDS, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """F1 of labels (rounds + 1, steps, labels) and macro-F1 of facets (rounds + 1, steps, facets).

    The first round is the texts as they are. A label that stands in none of a round's texts is NaN, and left out of the mean.
    """
    n = c.counts.shape[1]
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), rounds)
    weights = np.vstack([np.ones((1, n)), weights])
    totals = np.tensordot(weights, c.counts, axes=(1, 1))
    known = totals[..., TP] + totals[..., FN] > 0
    labels = np.where(known, 2 * totals[..., TP] / np.maximum(2 * totals[..., TP] + totals[..., FP] + totals[..., FN], 1), np.nan)
    facets, at = [], 0
    for facet in c.taxonomy.facets:
        part = slice(at, at + len(facet.codes))
        facets.append(np.nan_to_num(labels[..., part]).sum(axis=-1) / np.maximum(known[..., part].sum(axis=-1), 1))
        at += len(facet.codes)
    return labels, np.stack(facets, axis=-1)


def continued(sizes: np.ndarray, values: np.ndarray, to: float, seed: int = 0) -> np.ndarray:
    """What the inverse power law adds between the last size and `to`, shape (rounds,); values (rounds, sizes). NaN for a single size.

    From three sizes on, each round leaves out one of the earlier ones by lot: the texts' order is chance, too. Where powers fit equally
    well (two sizes tell nothing of it), one is taken by lot.
    """
    n, rng = len(sizes), np.random.default_rng(seed)
    if n < 2 or sizes[0] == sizes[-1]:
        return np.full(len(values), np.nan)
    kept = np.ones(values.shape)
    if n > 2:
        kept[np.arange(len(values)), rng.integers(0, n - 1, len(values))] = 0
    errors, gains = [], []
    for power in POWERS:
        x = sizes**-power
        mean_x, mean_y = (kept * x).sum(axis=1) / kept.sum(axis=1), (kept * values).sum(axis=1) / kept.sum(axis=1)
        dx = kept * (x - mean_x[:, None])
        b = np.maximum(-(values * dx).sum(axis=1) / np.maximum((dx**2).sum(axis=1), 1e-12), 0)
        a = mean_y + b * mean_x
        over = a > 1
        b[over] = np.maximum((kept * (1 - values) * x).sum(axis=1) / (kept * x**2).sum(axis=1), 0)[over]
        a[over] = 1
        errors.append((kept * (a[:, None] - b[:, None] * x - values) ** 2).sum(axis=1))
        gains.append(b * (sizes[-1] ** -power - to**-power))
    best = (np.array(errors) + 1e-9 * rng.random((len(POWERS), len(values)))).argmin(axis=0)
    gained: np.ndarray = np.array(gains)[best, np.arange(len(values))]
    return gained


def expected(sizes: np.ndarray, values: np.ndarray, to: float) -> np.ndarray:
    """What will be measured between the last size and `to`, shape (rounds,): the continued curve, with the scatter of the last step.

    The curve alone would be too sure: the next texts are one draw of many, and so are those that they are judged by.
    """
    told = continued(sizes, values, to)
    if len(sizes) < 2:
        return told
    step = values[:, -1] - values[:, -2]
    scattered: np.ndarray = told + np.random.default_rng(1).permutation(step - np.median(step))
    return scattered


def estimate(draws: np.ndarray) -> Estimate | None:
    """The median with the interval of the draws; None where nothing is known."""
    if np.isnan(draws).all():
        return None
    low, middle, high = np.nanquantile(draws, [0.025, 0.5, 0.975])
    return Estimate(float(middle), float(low), float(high))


def forecast(c: Curve, more: int = 100) -> dict[str, Any]:
    """What the curve tells, as JSON: macro-F1 of facets at each step, and what `more` texts are likely to add.

    For each label: its F1, what `more` texts as they come would add to it, and what `more` texts that have it would; null for a label
    that was never found yet, of which nothing can be told.
    """
    labels, facets = drawn(c)
    sizes = np.array(c.sizes, dtype=float)
    out: dict[str, Any] = {"documents": c.sizes[-1], "more": more, "facets": [], "labels": []}
    for j, facet in enumerate(c.taxonomy.facets):
        points = [{"documents": n, **told.to_dict()} for s, n in enumerate(c.sizes) if (told := estimate(facets[:, s, j]))]
        out["facets"].append({"facet": facet.code, "curve": points, "gain": _told(expected(sizes, facets[..., j], sizes[-1] + more))})
    for k, (facet_code, code) in enumerate(columns_of(c.taxonomy)):
        known = ~np.isnan(labels[0, :, k]) & np.nan_to_num(labels[0, :, k]).any()
        values = np.nan_to_num(labels[:, known, k])
        seen = c.examples[known, k] + 1.0
        row: dict[str, Any] = {"facet": facet_code, "label": code, "examples": int(c.examples[-1, k])}
        row["f1"] = None if np.isnan(labels[0, -1, k]) else round(float(labels[0, -1, k]), 4)
        row["gain"] = _told(expected(sizes[known], values, sizes[-1] + more))
        row["gain_with_label"] = _told(expected(seen, values, seen[-1] + more)) if known.any() else None
        out["labels"].append(row)
    return out


def _told(draws: np.ndarray) -> dict[str, Any] | None:
    told = estimate(draws)
    return told.to_dict() if told else None


@dataclass(frozen=True)
class Advice:
    """Mean macro-F1 of the facets: what the last batch gave, what the next and another hundred texts are likely to, and what follows."""

    last: int
    next: int
    gained: Estimate
    likely: Estimate
    hundred: Estimate
    verdict: str  # a key of `wording.toml`


def advice(c: Curve, n: int) -> Advice | None:
    """Whether n texts more are worth labelling; None when there are too few to tell."""
    if len(c.sizes) < 2:
        return None
    mean = drawn(c)[1].mean(axis=-1)
    sizes = np.array(c.sizes, dtype=float)
    gained = estimate(mean[:, -1] - mean[:, -2])
    likely, hundred = (estimate(expected(sizes, mean, sizes[-1] + more)) for more in (n, 100))
    if not (gained and likely and hundred):
        return None
    sure = hundred.high < WORTH_IT or hundred.low >= WORTH_IT
    verdict = ("go_on" if hundred.value >= WORTH_IT else "stop") + ("" if sure else "_unsure")
    return Advice(c.sizes[-1] - c.sizes[-2], n, gained, likely, hundred, verdict)
