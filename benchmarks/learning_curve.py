"""The learning curve: F1 on the test split and on real text against the number of training texts.

    python benchmarks/learning_curve.py [--real FILE] [--sizes 250 500 1000 …]

Training texts are taken in the order of the file (so by writers, as the set grew). Writes learning_curve.json and .png beside the data.
"""

import argparse
import json
from pathlib import Path

from classifier import predict_many, taxonomy
from classifier.documents.labelled import read_labelled
from classifier.evaluation import evaluate
from classifier.model import train

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "labelled_data"
SHOWN = [
    ("type", "macro", "C0", "o"),
    ("barriere?", "micro", "C1", "s"),
    ("barriere", "micro", "C3", "^"),
    ("fase", "macro", "C2", "D"),
    ("verdi", "micro", "C4", "v"),
]


def draw(points: list[dict], file: Path) -> None:
    """Test solid, real text dashed; markers tell the figures apart without colour."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(8, 5))
    sizes = [p["documents"] for p in points]
    for figure, kind, colour, marker in SHOWN:
        for part, style in zip(points[0]["scores"], ("-", "--"), strict=False):
            values = [p["scores"][part][figure][kind] for p in points]
            ax.plot(sizes, [v["value"] for v in values], style, color=colour, marker=marker, label=f"{figure} {kind}-F1, {part}")
            ax.fill_between(sizes, [v["interval"][0] for v in values], [v["interval"][1] for v in values], color=colour, alpha=0.06)
    ax.set_xlabel("training texts")
    ax.set_ylabel("F1")
    ax.set_ylim(0, 1)
    ax.grid(alpha=0.3)
    ax.legend(fontsize=7, ncol=2)
    fig.tight_layout()
    fig.savefig(file, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, default=ROOT.parent / "shared" / "real_dev" / "report.jsonl")
    parser.add_argument("--sizes", type=int, nargs="*", default=[250, 500, 1000, 1500, 2000, 2500, 3000, 3500])
    args = parser.parse_args()
    records = read_labelled([DATA / "train.jsonl"], taxonomy.shipped())
    parts = {"test": read_labelled([DATA / "test.jsonl"], taxonomy.shipped())}
    if args.real.exists():
        parts["real"] = read_labelled([args.real], taxonomy.shipped())
    points = []
    for size in [*(s for s in args.sizes if s < len(records)), len(records)]:
        model, _ = train(records[:size], taxonomy.shipped(), "curve", jobs=2)
        scores = {}
        for part, gold in parts.items():
            predicted = [p.to_dict() for p in predict_many((r["text"] for r in gold), model)]
            scores[part] = evaluate(gold, predicted, taxonomy.shipped())["figures"]
        points.append({"documents": size, "scores": scores})
        print(size, {part: {f: v["macro"]["value"] for f, v in s.items()} for part, s in scores.items()}, flush=True)
    (DATA / "learning_curve.json").write_text(json.dumps(points, indent=1) + "\n", encoding="utf-8")
    draw(points, DATA / "learning_curve.png")


if __name__ == "__main__":
    main()
