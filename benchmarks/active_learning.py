"""How many texts must be labelled, chosen by us, at random or by others? The labels of the training data are hidden and shown as asked for.

    python benchmarks/active_learning.py [--seeds 5]

The learner in the loop is the same plain one for all: TF-IDF of normal forms and concepts, one logistic regression a label. Two pools a
seed: *even*, 2,500 texts of the training data as they are (written to a plan in which every label is frequent); *skewed*, thinned so that
within each facet the labels fall off like 1/rank, as in a pile that nobody planned, and most texts have no label of most facets. Judged
on the test part, as it is. Besides: how often what `sample` foretells of the next hundred labels comes true. Writes its part of README.md,
results/active_learning.json and active_learning.svg.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from parts import fill, table
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from small_text.query_strategies.multi_label import CategoryVectorInconsistencyAndRanking
from threadpoolctl import threadpool_limits

from classifier import predict_many, taxonomy
from classifier.annotation import gain
from classifier.annotation.sampling import Outlook, Space, cold, columns_of, space_of, warm
from classifier.documents.labelled import read_labelled
from classifier.evaluation import evaluate
from classifier.features import CONCEPT, WORD, Vocabulary, learn_vocabulary, passage
from classifier.model import Targets, subset, targets, train
from classifier.scoring import Rows, best_sentences, rows
from classifier.storage import ANY, document_labels, sentence_labels

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "labelled_data"
TAXONOMY = taxonomy.shipped()
DOCUMENT = document_labels(TAXONOMY)
OF_SENTENCE = [k for k, (_, label) in enumerate(sentence_labels(TAXONOMY)) if label != ANY]
COLUMNS = DOCUMENT + [sentence_labels(TAXONOMY)[k] for k in OF_SENTENCE]
FACETS = np.array([facet for facet, _ in COLUMNS])
SINGLE = [f.code for f in TAXONOMY.of("document") if f.choice == "single"]
OURS = [columns_of(TAXONOMY).index(c) for c in COLUMNS]  # the order of `annotation.sampling` -> the order here
SIZES = {"even": [*range(50, 501, 50), *range(600, 1001, 100)], "skewed": [*range(50, 501, 50), 600, 700]}
AIM = 0.9
STYLES = {"ours": ("C3", "o"), "random": ("C7", "s"), "uncertainty": ("C0", "^"), "small-text CVIRS": ("C2", "D")}


@dataclass(frozen=True)
class Pool:
    """What a strategy sees: the space and, once a model is there, its logits (decided at 0), and what is labelled with its labels."""

    space: Space
    labelled: np.ndarray  # (texts,) bool
    y: np.ndarray  # (texts, labels) of which it may read the labelled rows
    logits: np.ndarray | None
    shift: np.ndarray | None  # from balanced logits to those of the labelled texts' shares
    rng: np.random.Generator

    @property
    def free(self) -> np.ndarray:
        return np.flatnonzero(~self.labelled)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))


def at_random(pool: Pool, n: int) -> np.ndarray:
    return pool.rng.choice(pool.free, n, replace=False)


def uncertainty(pool: Pool, n: int) -> np.ndarray:
    """The highest entropy, mean over labels and then facets; no diversity."""
    if pool.logits is None:
        return at_random(pool, n)
    p = np.clip(sigmoid(pool.logits[pool.free]), 1e-9, 1 - 1e-9)
    entropy = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    mean = np.mean([entropy[:, facet == FACETS].mean(axis=1) for facet in dict.fromkeys(FACETS)], axis=0)
    return pool.free[np.argsort(-mean)[:n]]


def small_text(pool: Pool, n: int) -> np.ndarray:
    """small-text's strategy for multi-label data, with its own code."""
    if pool.logits is None:
        return at_random(pool, n)

    class Known:
        def predict_proba(self, p: np.ndarray) -> np.ndarray:
            return p

    strategy = CategoryVectorInconsistencyAndRanking(pbar=None)
    given = sparse.csr_matrix(pool.y[pool.labelled].astype(int))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return strategy.query(Known(), sigmoid(pool.logits), pool.free, np.flatnonzero(pool.labelled), given, n=n)


def ours(pool: Pool, n: int) -> np.ndarray:
    """`annotation.sampling`, the same functions as in `innovasjon sample`."""
    space, examples = pool.space[pool.free], pool.y[pool.labelled].sum(axis=0)
    if pool.logits is None:
        choices = cold(space, n, examples, lambda row: True, pool.rng)
    else:
        p = sigmoid(pool.logits[pool.free] + pool.shift)
        choices = warm(space, Outlook(p, sigmoid(pool.shift), examples), FACETS.tolist(), n, lambda row: True, pool.rng)
    return pool.free[[c.row for c in choices]]


STRATEGIES = {
    "ours": ours, "random": at_random, "uncertainty": uncertainty, "small-text CVIRS": small_text,
}  # fmt: skip


def learnt(batch: Rows, wanted: Targets) -> tuple[np.ndarray, np.ndarray]:
    """(weights (features + 1, labels), shift (labels,)) of one balanced logistic regression a label."""
    weights, shift = np.zeros((batch.documents.shape[1] + 1, len(COLUMNS))), np.zeros(len(COLUMNS))
    work = [(batch.documents, y, 8) for y in wanted.document.T] + [(batch.sentences, y, 4) for y in wanted.sentence.T[OF_SENTENCE]]
    for k, (features, y, c) in enumerate(work):
        known = ~np.isnan(y)
        positive = (y[known] == 1).sum()
        shift[k] = np.log((positive + 0.5) / (known.sum() - positive + 0.5))
        if min(positive, known.sum() - positive) < 2:
            weights[-1, k] = -5
            continue
        learner = LogisticRegression(C=c, solver="liblinear", dual=True, class_weight="balanced", max_iter=300, random_state=0)
        learner.fit(features[known], y[known] == 1)
        weights[:-1, k], weights[-1, k] = learner.coef_[0], learner.intercept_[0]
    return weights, shift


def logits(weights: np.ndarray, batch: Rows) -> tuple[np.ndarray, np.ndarray]:
    """(of documents, of sentences), each for its own labels."""
    d = len(DOCUMENT)
    return batch.documents @ weights[:-1, :d] + weights[-1, :d], batch.sentences @ weights[:-1, d:] + weights[-1, d:]


def macro_f1(weights: np.ndarray, batch: Rows, wanted: Targets) -> dict[str, float]:
    """Macro-F1 of each facet (of sentences for a sentence facet) and their mean."""
    of_document, of_sentence = logits(weights, batch)
    given = of_document > 0
    for facet in SINGLE:
        columns = np.flatnonzero(FACETS[: len(DOCUMENT)] == facet)
        given[:, columns] = of_document[:, columns] == of_document[:, columns].max(axis=1, keepdims=True)
    scores: list[float] = []
    for decided, y in ((given, wanted.document), (of_sentence > 0, wanted.sentence[:, OF_SENTENCE])):
        tp, fp, fn = (decided & (y == 1)).sum(axis=0), (decided & (y == 0)).sum(axis=0), (~decided & (y == 1)).sum(axis=0)
        scores += (2 * tp / np.maximum(2 * tp + fp + fn, 1)).tolist()
    out = {facet: float(np.array(scores)[facet == FACETS].mean()) for facet in dict.fromkeys(FACETS.tolist())}
    return out | {"mean": float(np.mean(list(out.values())))}


def labels_of(batch: Rows, wanted: Targets) -> np.ndarray:
    """(texts, labels): 1 where a text, or a sentence of it, has the label."""
    return np.hstack([np.nan_to_num(wanted.document), best_sentences(np.nan_to_num(wanted.sentence[:, OF_SENTENCE]), batch.starts)[0]])


def skewed(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Texts thinned by their rarest label; in each multi-choice facet the labels, in an order by lot, are kept by 0.5/rank."""
    kept = np.ones(y.shape[1])
    for facet in dict.fromkeys(FACETS.tolist()):
        if facet not in SINGLE:
            for rank, k in enumerate(rng.permutation(np.flatnonzero(facet == FACETS))):
                kept[k] = max(0.04, 0.5 / (1 + rank))
    return np.flatnonzero(rng.random(len(y)) < np.where(y > 0, kept, 1).min(axis=1))


def simulated(choose: Callable, sizes: list[int], batch: Rows, wanted: Targets, test: tuple[Rows, Targets], space: Space, seed: int) -> Any:
    """The figures after each batch, with the words read and the labels found so far."""
    y = labels_of(batch, wanted)
    words = np.asarray(batch.documents.getnnz(axis=1))
    labelled, out, weights, shift = np.zeros(len(y), bool), [], None, None
    rng = np.random.default_rng(seed)
    for size in sizes:
        z = None
        if weights is not None:
            of_document, of_sentence = logits(weights, batch)
            z = np.hstack([of_document, best_sentences(of_sentence, batch.starts)[0]])
        labelled[choose(Pool(space, labelled, y, z, shift, rng), size - int(labelled.sum()))] = True
        assert labelled.sum() == size
        seen, seen_wanted, _ = subset(batch, wanted, labelled)
        weights, shift = learnt(seen, seen_wanted)
        found = y[labelled].sum(axis=0)
        out.append({"texts": size, "words": int(words[labelled].sum()), "examples": found.astype(int).tolist(), **macro_f1(weights, *test)})
    return out


def needed(points: list[dict[str, Any]], figure: str, aim: float, unit: str = "texts") -> float:
    """How much must be labelled to reach a figure, between two sizes in proportion; infinite where it is never reached."""
    before = {figure: 0.0, unit: 0}
    for point in points:
        if point[figure] >= aim:
            share = (aim - before[figure]) / max(point[figure] - before[figure], 1e-9)
            return float(before[unit] + share * (point[unit] - before[unit]))
        before = point
    return float("inf")


def foretold(seeds: int) -> list[dict[str, Any]]:
    """What the advice of `sample` says of the next hundred texts, and what they give on the test part (the package's own model)."""
    records, test = (read_labelled([DATA / f"{part}.jsonl"], TAXONOMY) for part in ("train", "test"))

    def on_test(some: list[dict[str, Any]]) -> float:
        model, _ = train(some, TAXONOMY, "bench")
        predicted = [p.to_dict() for p in predict_many((r["text"] for r in test), model, evidence=False)]
        figures = evaluate(test, predicted, TAXONOMY, rounds=1)["figures"]
        return float(np.mean([figures[f.code]["macro"]["value"] for f in TAXONOMY.facets]))

    out = []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(records))
        for n in (100, 300):
            some = [records[i] for i in order[: n + 100]]
            told = gain.advice(gain.curve(some[:n], gain.steps_of(n, 50), TAXONOMY), 50)
            assert told
            out.append({"texts": n, "gain": on_test(some) - on_test(some[:n]), **told.hundred.to_dict()})
    return out


def measure(seeds: int) -> dict[str, Any]:
    passages = {}
    for part in ("train", "test"):
        records = read_labelled([DATA / f"{part}.jsonl"], TAXONOMY)
        passages[part] = [passage(r["text"]) for r in records], records
    every = learn_vocabulary(passages["train"][0])
    kept = [i for i, name in enumerate(every.names) if name[0] in (WORD, CONCEPT)]
    vocabulary = Vocabulary([every.names[i] for i in kept], every.weights[kept])
    features = {part: (rows(vocabulary, p), targets(r, p, TAXONOMY)) for part, (p, r) in passages.items()}
    whole, wanted = features["train"]
    y = labels_of(whole, wanted)
    space = space_of([r["text"] for r in passages["train"][1]], TAXONOMY)
    space = Space(space.points, space.likeness[:, OURS])
    result: dict[str, Any] = {"columns": [".".join(c) for c in COLUMNS], "runs": []}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        for kind, sizes in SIZES.items():
            chosen = np.sort(rng.choice(len(y), 2500, replace=False)) if kind == "even" else skewed(y, rng)
            mask = np.zeros(len(y), bool)
            mask[chosen] = True
            batch, some, _ = subset(whole, wanted, mask)
            full = macro_f1(learnt(batch, some)[0], *features["test"])
            for name, choose in STRATEGIES.items():
                points = simulated(choose, sizes, batch, some, features["test"], space[chosen], seed)
                result["runs"].append({"pool": kind, "seed": seed, "strategy": name, "size": len(chosen), "full": full, "points": points})
            last = result["runs"][-len(STRATEGIES) :]
            texts = {r["strategy"]: round(needed(r["points"], "mean", AIM * full["mean"]), 1) for r in last}
            print(f"{time.process_time():.0f} s: {kind}, seed {seed}, {len(chosen)} texts in all, to label: {texts}", flush=True)
    return result


def shown(values: list[float], most: int) -> str:
    """Mean and range over the seeds; where a seed never got there, a bound."""
    if np.isinf(values).any():
        reached = [v for v in values if np.isfinite(v)]
        return f"> {most}" if not reached else f"> {most} in {len(values) - len(reached)} of {len(values)}"
    return f"{np.mean(values):.0f} ({min(values):.0f}–{max(values):.0f})"


def part(result: dict[str, Any]) -> str:
    """Tables of the texts needed, the words read and the rare labels found."""
    out = []
    figures = ["mean", *dict.fromkeys(FACETS.tolist())]
    for kind in SIZES:
        runs = [r for r in result["runs"] if r["pool"] == kind]
        sizes = sorted({r["size"] for r in runs})
        most = SIZES[kind][-1]
        full = np.mean([r["full"]["mean"] for r in runs])
        lines, aims, rarest = [], {}, {}
        for name in STRATEGIES:
            own = [r for r in runs if r["strategy"] == name]
            cells = [shown([needed(r["points"], f, AIM * r["full"][f]) for r in own], most) for f in figures]
            words = [needed(r["points"], "mean", AIM * r["full"]["mean"], "words") for r in own]
            at_200 = [next(p for p in r["points"] if p["texts"] == 200) for r in own]
            rarest[name] = float(np.mean([min(p["examples"]) for p in at_200]))
            aims[name] = np.array([min(needed(r["points"], "mean", AIM * r["full"]["mean"]), most) for r in own])
            reached = np.mean([p["mean"] / r["full"]["mean"] for p, r in zip(at_200, own, strict=True)])
            lines.append([name, *cells, shown(words, round(own[0]["points"][-1]["words"])), f"{rarest[name]:.1f}", f"{reached:.0%}"])
        head = ["strategy", *(f"texts, {f}" for f in figures), "different words read", "rarest label after 200", "of full F1 after 200"]
        span = f"{sizes[0]}–{sizes[-1]}" if len(sizes) > 1 else f"{sizes[0]}"
        saved = {name: 1 - aims["ours"] / aims[name] for name in STRATEGIES if name != "ours"}
        against = ", ".join(f"{v.mean():.0%} against {name} ({v.min():.0%} to {v.max():.0%})" for name, v in saved.items())
        about = f"**{kind.capitalize()} pool**, {span} texts; full macro-F1 {full:.3f} (mean of the facets). "
        about += f"Texts that ours saves, seed by seed: {against}. "
        about += f"After 200 texts at random the rarest label has {rarest['random']:.1f} examples, after 200 of ours {rarest['ours']:.1f}: "
        about += "where every label is frequent there is little to search for, where some are rare there is much."
        out.append(f"{about}\n\n{table(head, lines)}")
    told = result["foretold"]
    inside = sum(t["interval"][0] <= t["gain"] <= t["interval"][1] for t in told)
    off = np.mean([abs(t["gain"] - t["value"]) for t in told])
    rows_ = [[str(t["texts"]), f"{t['value']:+.3f} [{t['interval'][0]:+.3f}, {t['interval'][1]:+.3f}]", f"{t['gain']:+.3f}"] for t in told]
    seeds = len({r["seed"] for r in result["runs"]})
    about = f"Texts to label until macro-F1 is {AIM:.0%} of what the whole pool gives: mean (range) of {seeds} seeds. "
    about += "Each facet has its own aim; `mean` is that of the mean of the facets.\n\n![F1 by texts labelled](active_learning.svg)"
    ahead = (
        "**What `sample` foretells** of the next hundred texts (mean macro-F1 of the facets, the package's own model), against what they "
    )
    ahead += f"gave on the test part: {inside} of {len(told)} inside the 95 % interval, {off:.3f} off on average.\n\n"
    out = [about, *out, ahead + table(["labelled", "foretold", "gained"], rows_)]
    return "\n\n".join(out)


def draw(result: dict[str, Any], file: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "active_learning"
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, len(SIZES), figsize=(11, 4.5), sharey=True)
    for ax, (kind, sizes) in zip(axes, SIZES.items(), strict=True):
        for name, (colour, marker) in STYLES.items():
            runs = [r for r in result["runs"] if r["pool"] == kind and r["strategy"] == name]
            share = np.array([[p["mean"] / r["full"]["mean"] for p in r["points"]] for r in runs])
            ax.plot(sizes, share.mean(axis=0), color=colour, marker=marker, markersize=4, label=name)
            ax.fill_between(sizes, share.min(axis=0), share.max(axis=0), color=colour, alpha=0.08)
        ax.axhline(AIM, color="black", linewidth=0.8, linestyle=":")
        ax.set_title(f"{kind} pool")
        ax.set_xlabel("texts labelled")
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("macro-F1, share of the whole pool's")
    axes[1].legend(fontsize=8)
    fig.tight_layout()
    fig.savefig(file, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    (HERE / "results").mkdir(exist_ok=True)
    with threadpool_limits(1):
        result = measure(args.seeds)
        result["foretold"] = foretold(min(args.seeds, 2))
    (HERE / "results" / "active_learning.json").write_text(json.dumps(result) + "\n", encoding="utf-8")
    draw(result, HERE / "active_learning.svg")
    fill("active_learning", part(result))


if __name__ == "__main__":
    main()
