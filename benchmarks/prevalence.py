"""Shares corrected for the classifier's error: how near the truth they are, and how often their intervals hold it.

    python benchmarks/prevalence.py [--draws 100] [--real FILE]

Samples of 100 and 400 documents are drawn from the test split so that each label has a known share, 0.05 to 0.8; the shipped model labels
them, and the share is estimated by the error figures that the model carries from training. Writes results/prevalence.json, prevalence.png
and the part of README.md.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from parts import fill, table

from classifier import predict_many, storage
from classifier.confusion import Confusion, present
from classifier.documents.labelled import read_labelled
from classifier.prevalence.estimate import intervals, likeliest

HERE = Path(__file__).resolve().parent
SHARES = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
SIZES = (100, 400)
METHODS = {  # in the order of the table and the picture: name, line, marker
    "raw": ("counted labels", "C3-", "o"),
    "corrected": ("**corrected (ours)**", "C0-", "s"),
    "acc": ("adjusted classify-and-count", "C1--", "^"),
    "pcc": ("mean probability", "C4--", "v"),
    "emq": ("posteriors, EM (Saerens et al.)", "C2--", "D"),
    "gold": ("true labels counted (sampling alone)", "k:", "."),
}


def emq(p: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Shares by EM on posteriors of shape (draws, documents, classes): Saerens, Latinne and Decaestecker (2002)."""
    share = np.broadcast_to(prior, (len(p), len(prior)))
    for _ in range(100):
        q = p * (share / prior)[:, None]
        share = (q / q.sum(axis=2, keepdims=True)).mean(axis=1)
    return share


def counted(signals: np.ndarray, kinds: int) -> np.ndarray:
    """Documents by signal in each draw, (draws, signals), from (draws, documents)."""
    return np.stack([np.bincount(row, minlength=kinds) for row in signals]).astype(float)


def drawn(there: np.ndarray, n: int, share: float, draws: int, again: bool, rng: np.random.Generator) -> np.ndarray | None:
    """Documents of each draw, (draws, n): each has the label with probability `share`. None where the split has too few, each used once."""
    sides = np.flatnonzero(there), np.flatnonzero(~there)
    have = rng.binomial(n, share, draws)
    if not again and (have.max() > len(sides[0]) or n - have.min() > len(sides[1])):
        return None
    return np.stack([np.concatenate([rng.choice(sides[0], k, again), rng.choice(sides[1], n - k, again)]) for k in have])


Question = tuple[str, Confusion, np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]


def questions(model: storage.Model, gold: list[dict], predicted: list[Any]) -> Iterator[Question]:
    """(label, known errors, has it, probabilities (documents, classes), class given, signal, its class) of each label."""
    for facet in model.taxonomy.facets:
        wanted = present(gold, facet)
        known = ~np.isnan(wanted).any(axis=1)
        assert known.all(), "the test split is annotated throughout"
        p = np.array([[x.scores[facet.code][code] for code in facet.codes] for x in predicted])
        for k, code in enumerate(facet.codes):
            name = f"{facet.code}.{code}"
            if facet.code in model.errors:
                errors = model.errors[facet.code]
                given = p.argmax(axis=1)
                signals = given * (len(errors.edges) + 1) + np.searchsorted(errors.edges, p.max(axis=1), side="right")
                yield name, errors, wanted[:, k] > 0, p / p.sum(axis=1, keepdims=True), given, signals, k
            else:
                errors = model.errors[name]
                signals = np.searchsorted(errors.edges, p[:, k], side="right")
                both = np.stack([1 - p[:, k], p[:, k]], axis=1)
                yield name, errors, wanted[:, k] > 0, both, (signals >= errors.given).astype(int), signals, 1


def measure(model: storage.Model, gold: list[dict], predicted: list[Any], draws: int) -> list[dict]:
    """A row a label, size, share and way of drawing: mean absolute error by method, share of the intervals that hold the truth, width."""
    rng, rows = np.random.default_rng(0), []
    for name, errors, there, p, given, signals, own in questions(model, gold, predicted):
        counts, kinds = errors.counts, errors.counts.shape[1]
        for n in SIZES:
            for share in SHARES:
                for again in (True, False):
                    picked = drawn(there, n, share, draws, again, rng)
                    if picked is None:
                        continue
                    seen = counted(signals[picked], kinds)
                    best = likeliest(seen, counts)
                    lower, upper = intervals(seen, counts * errors.worth, best)
                    estimates = {"gold": there[picked].mean(axis=1), "raw": (given == own)[picked].mean(axis=1), "corrected": best[:, own]}
                    if again:
                        prior = counts.sum(axis=1) / counts.sum()
                        estimates["pcc"] = p[picked][:, :, own].mean(axis=1)
                        estimates["emq"] = emq(np.clip(p[picked], 1e-6, 1), prior)[:, own]
                        estimates["acc"] = likeliest(counted(given[picked], len(counts)), errors.decisions().counts)[:, own]
                    held = (lower[:, own] <= share) & (share <= upper[:, own])
                    errs = {m: round(float(np.abs(e - share).mean()), 5) for m, e in estimates.items()}
                    row = {"label": name, "n": n, "share": share, "again": again, "errors": errs}
                    rows.append(row | {"coverage": round(float(held.mean()), 4), "width": round(float((upper - lower)[:, own].mean()), 4)})
        print(name, flush=True)
    return rows


def real(model: storage.Model, gold: list[dict]) -> dict:
    """On real text, as it is: distance of counted and corrected shares from the true ones, and how many intervals hold these."""
    predicted = list(predict_many((r["text"] for r in gold), model))
    out: dict[str, list] = {"raw": [], "corrected": [], "held": []}
    for _, errors, there, _, given, signals, own in questions(model, gold, predicted):
        seen = counted(signals[None], errors.counts.shape[1])
        best = likeliest(seen, errors.counts)
        lower, upper = intervals(seen, errors.counts * errors.worth, best)
        out["raw"].append(abs((given == own).mean() - there.mean()))
        out["corrected"].append(abs(best[0, own] - there.mean()))
        out["held"].append(lower[0, own] <= there.mean() <= upper[0, own])
    return {"documents": len(gold), "labels": len(out["raw"]), **{k: round(float(np.mean(v)), 4) for k, v in out.items()}}


def percent(values: list[float], digits: int = 1) -> str:
    return f"{100 * float(np.mean(values)):.{digits}f}" if values else "–"


def report(result: dict) -> str:
    """The part of README.md."""
    rows, heads = result["rows"], ["", *(f"{share:g}" for share in SHARES), "all"]
    labels = list(dict.fromkeys(r["label"] for r in rows))
    parts = [
        f"Samples are drawn from the test split ({result['documents']} texts), with replacement, so that a label has a given share:\n"
        f"{result['draws']} samples for each of {len(labels)} labels (barriers: by documents that mention them),\n"
        f"{len(SHARES)} shares and two sizes. The shipped model labels them; the error figures are those that it carries from training\n"
        "(out of fold), not from these texts. Mean absolute error in percentage points, over labels, by the true share:",
        "![Error and coverage by true share](prevalence.png)",
    ]
    for n in SIZES:
        part = [r for r in rows if r["again"] and r["n"] == n]
        body = []
        for method, (name, *_) in METHODS.items():
            cells = [percent([r["errors"][method] for r in part if r["share"] == share]) for share in SHARES]
            body.append([name, *cells, percent([r["errors"][method] for r in part])])
        parts += [f"Samples of {n}:", table(heads, body)]
    parts.append(
        "EM on posteriors trusts every probability to be calibrated; ours trusts how often texts with and without the label were scored\n"
        "so, is content with labels where a file has no more, and gives intervals that carry the error of that knowledge, too."
    )
    body = []
    for n in SIZES:
        for again, how in ((True, "with replacement, all"), (False, "each text once, where there are enough")):
            part = [r for r in rows if r["n"] == n and r["again"] == again]
            cells = [percent([r["coverage"] for r in part if r["share"] == share], 0) for share in SHARES]
            body.append([f"{n}, {how}", *cells, percent([r["coverage"] for r in part]), percent([r["width"] for r in part], 0)])
    parts += [
        "How often the 95 % interval holds the true share, in per cent, and how wide it is, in points. With replacement, the few texts of\n"
        "a rare label stand for all that there could be, and what is peculiar to them counts against the interval; drawn once each they\n"
        "do not, but there are enough for some shares only. Error rates vary from one body of text to another by more than chance: how\n"
        "much was measured between folds of the training texts, and makes a document that they were counted on worth\n"
        f"{result['worth']:.2f} of one in the intervals.",
        table([*heads, "width"], body),
    ]
    most = [r for r in rows if r["again"] and r["n"] == max(SIZES)]
    cover = {name: float(np.mean([r["coverage"] for r in most if r["label"] == name])) for name in labels}
    lowest = ", ".join(f"{name} ({100 * cover[name]:.0f} %)" for name in sorted(labels, key=cover.__getitem__)[:3])
    worse = [r for r in most if r["errors"]["corrected"] > r["errors"]["raw"]]
    parts.append(
        f"Not so well: the lowest coverage of a label, at {max(SIZES)}, is that of {lowest}. And in {len(worse)} of {len(most)} cells\n"
        f"the raw count is nearer ({sum(0.05 < r['share'] < 0.3 for r in worse)} of these at 0.1 and 0.2, near the shares that the\n"
        "thresholds were chosen at, where what is missed and what is wrongly given cancel)."
    )
    if result["real"]:
        real = result["real"]
        parts.append(
            f"**On real text** ({real['documents']} texts as they are, error figures from our own texts): counted shares are\n"
            f"{100 * real['raw']:.1f} points from the true ones, corrected ones {100 * real['corrected']:.1f}, and\n"
            f"{100 * real['held']:.0f} % of {real['labels']} intervals hold the true share. Error figures do not carry over to texts of\n"
            "another kind: that is what `innovasjon summarise --calibrate` with labelled texts of one's own is for."
        )
    return "\n\n".join(parts)


def draw(rows: list[dict], file: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 3, figsize=(12, 4))
    for ax, n in zip(axes, SIZES, strict=False):
        for m, (name, line, marker) in METHODS.items():
            part = [[r["errors"][m] for r in rows if r["again"] and r["n"] == n and r["share"] == share] for share in SHARES]
            values = [100 * np.mean(p) for p in part]
            ax.plot(SHARES, values, line, marker=marker, label=name.strip("*"))
        ax.set(title=f"samples of {n}", xlabel="true share", ylabel="mean absolute error, points", ylim=(0, 22))
        ax.grid(alpha=0.3)
    axes[0].legend(fontsize=7)
    for n, line in zip(SIZES, ("C0-s", "C1-^"), strict=True):
        part = [[r["coverage"] for r in rows if r["again"] and r["n"] == n and r["share"] == share] for share in SHARES]
        axes[2].plot(SHARES, [100 * np.mean(p) for p in part], line, label=f"samples of {n}")
    axes[2].axhline(95, color="k", linestyle=":", label="stated: 95 %")
    axes[2].set(title="intervals that hold the truth", xlabel="true share", ylabel="per cent", ylim=(80, 100))
    axes[2].grid(alpha=0.3)
    axes[2].legend(fontsize=7)
    fig.tight_layout()
    fig.savefig(file, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--real", type=Path, default=HERE.parent.parent / "shared" / "real_dev" / "report.jsonl")
    args = parser.parse_args()
    model = storage.shipped()
    gold = read_labelled([HERE.parent / "labelled_data" / "test.jsonl"], model.taxonomy)
    predicted = list(predict_many((r["text"] for r in gold), model, evidence=False))
    rows = measure(model, gold, predicted, args.draws)
    found = real(model, read_labelled([args.real], model.taxonomy)) if args.real.exists() else None
    result: dict[str, Any] = {"documents": len(gold), "draws": args.draws, "real": found, "rows": rows}
    result["worth"] = max(c.worth for c in model.errors.values())
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "prevalence.json").write_text(json.dumps(result) + "\n", encoding="utf-8")
    draw(rows, HERE / "prevalence.png")
    fill("prevalence", report(result))


if __name__ == "__main__":
    main()
