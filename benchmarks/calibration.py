"""How far the probabilities of the shipped model can be believed, on the test split and on real text.

    python benchmarks/calibration.py [--real FILE]

Writes its part of benchmarks/README.md and the picture calibration.png. A case is a text and a label; of a sentence facet, with the
highest probability over the sentences, which promises too much of long texts.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from parts import fill, table

from classifier import predict_many, storage
from classifier.calibration import brier, ece, reliability
from classifier.card import found_cell
from classifier.documents.labelled import read_labelled
from classifier.mistakes import Decision, decisions

ROOT = Path(__file__).resolve().parent.parent
PRECISIONS = (0.7, 0.8, 0.9)
Cases = dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]  # (facet, label) -> probabilities, outcomes


def cases(records: Sequence[dict[str, Any]], model: storage.Model) -> Cases:
    predicted = [p.to_dict(all_scores=True) for p in predict_many((r["text"] for r in records), model, evidence=False)]
    by_label: dict[tuple[str, str], list[Decision]] = {}
    for decision in decisions(records, predicted, model.taxonomy):
        by_label.setdefault((decision.facet, decision.label), []).append(decision)
    return {key: (np.array([d.probability for d in ds]), np.array([d.wanted for d in ds])) for key, ds in by_label.items()}


def of_facet(found: Cases, facet: str) -> tuple[np.ndarray, np.ndarray]:
    pairs = [pair for (f, _), pair in found.items() if f == facet]
    return np.concatenate([p for p, _ in pairs]), np.concatenate([y for _, y in pairs])


def draw(parts: dict[str, Cases], facets: Sequence[str], file: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, len(parts), figsize=(5 * len(parts), 4.5), squeeze=False)
    for ax, (part, found) in zip(axes[0], parts.items(), strict=True):
        ax.plot([0, 1], [0, 1], color="grey", lw=1)
        for k, facet in enumerate(facets):
            bins = [b for b in reliability(*of_facet(found, facet)) if b.n >= 5]
            spread = np.array([[b.observed - b.interval[0], b.interval[1] - b.observed] for b in bins]).T
            x, y = [b.predicted for b in bins], [b.observed for b in bins]
            ax.errorbar(x, y, spread, marker="os^Dv"[k % 5], label=facet, capsize=2, lw=1)
        ax.set(title=part, xlabel="probability given", ylabel="share that was so", xlim=(0, 1), ylim=(0, 1))
        ax.legend()
    fig.tight_layout()
    fig.savefig(file, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, default=ROOT.parent / "shared" / "real_dev" / "report.jsonl")
    args = parser.parse_args()
    model = storage.shipped()
    files = {"test split": ROOT / "labelled_data" / "test.jsonl", "real text": args.real}
    parts = {name: cases(read_labelled([file], model.taxonomy), model) for name, file in files.items() if file.exists()}
    facets = [facet.code for facet in model.taxonomy.facets]
    rows = []
    for facet in facets:
        cells = []
        for found in parts.values():
            p, y = of_facet(found, facet)
            cells += [f"{brier(p, y):.3f}", f"{y.mean() * (1 - y.mean()):.3f}", f"{ece(p, y):.3f}"]
        rows.append([facet, *cells])
    head = [f"{name}, {part}" for part in parts for name in ("Brier score", "Brier score of the base rate", "calibration error")]
    lines = ["![Reliability: probability given against share that was so](calibration.png)", "", table(["", *head], rows), ""]
    lines += ["How many of a label's cases in the test split are found when a stated share of the answers is to be right:", ""]
    test = parts["test split"]
    rows = [
        [f"{facet}.{label}", str(int(y.sum())), *(found_cell(p, y, precision) for precision in PRECISIONS)]
        for (facet, label), (p, y) in test.items()
    ]
    lines.append(table(["label", "cases", *(f"{p:.0%} right" for p in PRECISIONS)], rows))
    draw(parts, facets, ROOT / "benchmarks" / "calibration.png")
    fill("calibration", "\n".join(lines))


if __name__ == "__main__":
    main()
