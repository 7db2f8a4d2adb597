"""Fill generated parts: counts, agreement and learning curve in labelled_data/README.md, figures (of the model card) in README.md.

    python benchmarks/datasheet.py [--check]

A generated part stands between `<!-- NAME -->` and `<!-- /NAME -->`. With --check nothing is written; exit 1 if anything would change.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from parts import filled, table

from classifier import taxonomy
from classifier.annotation.agreement import agreement
from classifier.documents.labelled import counts, read_labelled
from classifier.evaluation import summary

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "labelled_data"


def counts_part() -> str:
    parts = {name: read_labelled([DATA / f"{name}.jsonl"], taxonomy.shipped()) for name in ("train", "test")}
    c = {name: counts(records, taxonomy.shipped()) for name, records in parts.items()}
    every = parts["train"] + parts["test"]
    lengths = [len(r["text"].split()) for r in every]
    lines = [
        f"{len(every)} descriptions ({len(parts['train'])} train, {len(parts['test'])} test), "
        f"by {len({r['writer'] for r in every})} writers, in "
        f"{len({r['genre'] for r in every})} genres and {len({r['sector'] for r in every})} sectors as the writers named them; "
        f"{sum(lengths)} words, {min(lengths)}–{max(lengths)} a text, "
        f"{sum(n < 40 for n in lengths) / len(every):.0%} under 40. "
        f"Evidence spans: {sum(len(r['evidence']) for r in every)}.",
        "",
    ]
    names = sorted(set(c["train"]) | set(c["test"]))
    lines.append(
        table(
            ["", "train", "test", "together"],
            [[n, *(str(x) for x in (c["train"][n], c["test"][n], c["train"][n] + c["test"][n]))] for n in names],
        )
    )
    return "\n".join(lines)


def agreement_part() -> str:
    first, second = (read_labelled([DATA / "second" / f"{who}.jsonl"], taxonomy.shipped()) for who in ("first", "second"))
    labels = {r["id"]: r for r in first}
    pairs = [(labels[r["id"]], r) for r in second]
    counted, alphas = agreement([a for a, _ in pairs], [b for _, b in pairs], taxonomy.shipped())
    totals = counted.table.sum(axis=0)
    figures = summary(counted.columns, totals)
    rows = [[figure, f"{v['micro']:.3f}", f"{v['macro']:.3f}"] for figure, v in figures.items()]
    f1 = {
        f"{figure}.{label}": 2 * tp / max(2 * tp + fp + fn, 1)
        for (figure, label), (tp, fp, fn) in zip(counted.columns, totals, strict=True)
    }
    kinds = Counter(line.split("\t")[1] for line in (DATA / "second" / "corrections.tsv").read_text(encoding="utf-8").splitlines())
    changed = ", ".join(f"{n} by {kind}" for kind, n in sorted(kinds.items()))
    per_label = [[name, f"{f1[name]:.2f}", f"{alpha:.2f}"] for name, alpha in alphas.items()]
    return "\n".join(
        [
            f"{len(pairs)} documents annotated a second time, blind. Changed since (`second/corrections.tsv`, documents): {changed}.",
            "",
            table(["figure", "micro-F1", "macro-F1"], rows),
            "",
            table(["label", "F1", "alpha"], per_label),
        ]
    )


def curve_part() -> str:
    file = DATA / "learning_curve.json"
    if not file.exists():
        return "Not drawn yet."
    points = json.loads(file.read_text(encoding="utf-8"))
    figures = [("type", "macro"), ("barriere?", "micro"), ("barriere", "micro"), ("fase", "macro"), ("verdi", "micro")]

    def cell(v: dict) -> str:
        return f"{v['value']:.2f} [{v['interval'][0]:.2f}, {v['interval'][1]:.2f}]"

    lines = ["![Learning curve](learning_curve.png)", ""]
    for part in points[0]["scores"]:
        rows = [[str(p["documents"]), *(cell(p["scores"][part][f][k]) for f, k in figures)] for p in points]
        lines += [f"On {part}:", "", table(["training texts", *(f"{f} {k}-F1" for f, k in figures)], rows), ""]
    return "\n".join(lines).rstrip()


def figures_part() -> str:
    """The main figures of the shipped model, from its card."""
    lines = (ROOT / "models" / "default" / "README.md").read_text(encoding="utf-8").splitlines()
    head = next(line for line in lines if line.startswith("| figure |"))
    wanted = ("type macro", "barriere? micro", "barriere micro", "fase macro", "verdi micro")
    rows = [line for name in wanted for line in lines if line.startswith(f"| {name} |")]
    return "\n".join([head.replace("figure", "F1"), "|---" * (head.count("|") - 1) + "|", *rows])


PARTS = {  # file -> name of a part -> what makes it
    DATA / "README.md": {"counts": counts_part, "agreement": agreement_part, "curve": curve_part},
    ROOT / "README.md": {"figures": figures_part},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    changed = False
    for path, parts in PARTS.items():
        old = text = path.read_text(encoding="utf-8")
        for name, make in parts.items():
            text = filled(text, name, make())
        changed |= text != old
        if not args.check:
            path.write_text(text, encoding="utf-8")
    if args.check:
        sys.exit(changed)


if __name__ == "__main__":
    main()
