"""Accuracy: ours and what a user might pick instead, trained on the same texts, judged on the same folds.

    python benchmarks/accuracy.py [--real FILE] [--only NAME …]

Five folds of the training texts (grouped by case), then the test split, then real text. The main settings of a peer are chosen on the
first fold. Answers are cached in build/accuracy (a row is made again when the data or
the code of its classifier changes). Writes the table into benchmarks/README.md and results/accuracy.json.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from parts import fill, table
from peers import PEERS, peer

from classifier import predict_many, taxonomy
from classifier.documents.labelled import read_labelled
from classifier.evaluation import Counts, count, summary
from classifier.model import case, train

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benchmarks"
OURS = "ours"
FOLDS, ROUNDS = 5, 2000
TAXONOMY = taxonomy.shipped()
FIGURES = [("type", "macro"), ("barriere?", "micro"), ("barriere", "micro"), ("fase", "macro"), ("verdi", "micro")]
HEADS = [f"{figure} {kind}-F1" for figure, kind in FIGURES]
Record = dict[str, Any]


def ours(records: Sequence[Record], **_: Any) -> Callable[[Sequence[str]], list[Record]]:
    model, _ = train(records, TAXONOMY, OURS, jobs=2)
    return lambda texts: [p.to_dict() for p in predict_many(texts, model, evidence=False)]


def fitted(name: str, records: Sequence[Record], settings: dict[str, Any]) -> Callable[[Sequence[str]], list[Record]]:
    return ours(records) if name == OURS else peer(name, records, TAXONOMY, settings)


def stamp(name: str, records: Sequence[Record]) -> str:
    """Changes with the data and with the code that makes a row."""
    code = sorted((ROOT / "classifier").rglob("*.[pt]*")) if name == OURS else [HERE / "peers.py", HERE / "keywords.tsv"]
    digest = hashlib.sha256(json.dumps(records, sort_keys=True).encode())
    for file in code:
        if file.suffix in (".py", ".tsv", ".toml"):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def answers(name: str, settings: dict[str, Any], records: Sequence[Record], judged: dict[str, list[Record]], cache: Path) -> dict[str, Any]:
    """Labels of `judged` texts by a classifier trained on `records`, by part; made once."""
    file = cache / f"{name.replace(' ', '_')}-{'-'.join(f'{k}{v}' for k, v in settings.items())}-{stamp(name, records)}.json"
    known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"seconds": 0.0}
    wanted = {part: rows for part, rows in judged.items() if len(known.get(part, ())) != len(rows)}
    if wanted:
        start = time.perf_counter()
        label = fitted(name, records, settings)
        for part, rows in wanted.items():
            known[part] = [slim(r) for r in label([r["text"] for r in rows])]
        known["seconds"] += time.perf_counter() - start
        file.write_text(json.dumps(known), encoding="utf-8")
    return known


def best_of(name: str, records: Sequence[Record], parts: dict[str, list[Record]], cache: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """(settings chosen, labels by part); the part `folds` is the training texts, each labelled by one that has not seen its case."""
    fold_of = np.array([crc32(case(r).encode()) % FOLDS for r in records])
    seen = [[r for r, f in zip(records, fold_of, strict=True) if f != fold] for fold in range(FOLDS)]
    held = [[r for r, f in zip(records, fold_of, strict=True) if f == fold] for fold in range(FOLDS)]
    settings: dict[str, Any] = {}
    if name != OURS:
        first = held[0]
        settings = max(PEERS[name][1], key=lambda tried: mean(first, answers(name, tried, seen[0], {"held": first}, cache)["held"]))
    answered: dict[str, Any] = {"folds": [{}] * len(records), "seconds": 0.0}
    for fold in range(FOLDS):
        found = answers(name, settings, seen[fold], {"held": held[fold]}, cache)
        answered["seconds"] += found["seconds"]
        for i, record in zip(np.flatnonzero(fold_of == fold), found["held"], strict=True):
            answered["folds"][i] = record
    return settings, answered | {part: answers(name, settings, records, parts, cache)[part] for part in parts}


def slim(record: Record) -> Record:
    return {f.code: json.loads(json.dumps(record[f.code], default=float)) for f in TAXONOMY.facets}


def score(columns: Sequence[tuple[str, str]], totals: np.ndarray) -> np.ndarray:
    figures = summary(columns, totals)
    return np.array([figures[figure][kind] for figure, kind in FIGURES])


def resampled(counted: Counts, draws: np.ndarray) -> np.ndarray:
    """The figures of every bootstrap draw, shape (draws, figures); NaN where a draw has no case of any label."""
    return np.array([score(counted.columns, counted.table[draw].sum(axis=0)) for draw in draws])


def cell(value: float, spread: np.ndarray) -> str:
    low, high = np.nanquantile(spread, [0.025, 0.975])
    return f"{value:.3f} [{low:.2f}, {high:.2f}]"


def comparison(gold: Sequence[Record], by_name: dict[str, list[Record]]) -> tuple[list[list[str]], dict[str, Any]]:
    """A table's rows (figure with interval; ° marks what is significantly behind ours, * what is significantly ahead), and the numbers."""
    rounds = ROUNDS if len(gold) < 1000 else ROUNDS // 4
    draws = np.random.default_rng(0).integers(0, len(gold), (rounds, len(gold)))
    counted = {name: count(gold, predicted, TAXONOMY) for name, predicted in by_name.items()}
    points = {name: score(c.columns, c.table.sum(axis=0)) for name, c in counted.items()}
    spreads = {name: resampled(c, draws) for name, c in counted.items()}
    rows, numbers = [], {}
    for name in by_name:
        difference = spreads[name] - spreads[OURS]
        low, high = np.nanquantile(difference, 0.025, axis=0), np.nanquantile(difference, 0.975, axis=0)
        marks = ["°" if h < 0 else "*" if lo > 0 else "" for lo, h in zip(low, high, strict=True)]
        rows.append([name, *(cell(p, s) + m for p, s, m in zip(points[name], spreads[name].T, marks, strict=True))])
        numbers[name] = {
            head: {"value": round(float(p), 4), "less_ours": [round(float(lo), 4), round(float(h), 4)]}
            for head, p, lo, h in zip(HEADS, points[name], low, high, strict=True)
        }
    return rows, numbers


def groups(gold: Sequence[Record]) -> dict[str, list[int]]:
    """What the test split is broken down by."""
    of = {
        "bokmål": lambda r: r["lang"] == "nb",
        "nynorsk": lambda r: r["lang"] == "nn",
        "rewritten from a real case": lambda r: r["source"] == "rewritten",
        "constructed": lambda r: r["source"] == "constructed",
        "under 40 words": lambda r: len(r["text"].split()) < 40,
        "over 120 words": lambda r: len(r["text"].split()) > 120,
    }
    found = {name: [i for i, r in enumerate(gold) if test(r)] for name, test in of.items()}
    for genre in sorted({r["genre"] for r in gold}):
        rows = [i for i, r in enumerate(gold) if r["genre"] == genre]
        if len(rows) >= 25:
            found[f"genre: {genre}"] = rows
    return found


def breakdown(gold: Sequence[Record], predicted: Sequence[Record]) -> list[list[str]]:
    counted = count(gold, predicted, TAXONOMY)
    rows = []
    for name, at in groups(gold).items():
        values = score(counted.columns, counted.table[at].sum(axis=0))
        rows.append([name, str(len(at)), *("–" if np.isnan(v) else f"{v:.2f}" for v in values)])
    return rows


def mean(gold: Sequence[Record], predicted: Sequence[Record]) -> float:
    counted = count(gold, predicted, TAXONOMY)
    return float(np.mean(score(counted.columns, counted.table.sum(axis=0))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, default=ROOT.parent / "shared" / "real_dev" / "report.jsonl")
    parser.add_argument("--only", nargs="*", choices=list(PEERS), default=list(PEERS))
    args = parser.parse_args()
    cache = ROOT / "build" / "accuracy"
    cache.mkdir(parents=True, exist_ok=True)
    records = read_labelled([ROOT / "labelled_data/train.jsonl"], TAXONOMY)
    parts = {"test": read_labelled([ROOT / "labelled_data/test.jsonl"], TAXONOMY)}
    if args.real.exists():
        parts["real"] = read_labelled([args.real], TAXONOMY)
    best, chosen, seconds = {}, {}, {}
    for name in [*args.only, OURS]:
        chosen[name], best[name] = best_of(name, records, parts, cache)
        seconds[name] = best[name]["seconds"]
        print(name, chosen[name], f"{mean(records, best[name]['folds']):.3f} on the folds, {seconds[name]:.0f} s", flush=True)
    titles = {
        "folds": f"Five folds of the training texts, by case ({len(records)})",
        "test": f"Test split ({len(parts['test'])})",
        "real": f"Real text ({len(parts.get('real', ()))})",
    }
    lines = ["F1 with 95 % intervals (bootstrap over documents). ° significantly behind ours, * ahead of it (paired bootstrap).", ""]
    results: dict[str, Any] = {"settings": {n: c for n, c in chosen.items() if c}, "seconds": {n: round(s) for n, s in seconds.items()}}
    for part, gold in {"folds": records, **parts}.items():
        rows, results[part] = comparison(gold, {name: found[part] for name, found in best.items()})
        lines += [f"{titles[part]}:", "", table(["", *HEADS], rows), ""]
    lines += ["Ours on parts of the test split:", "", table(["", "texts", *HEADS], breakdown(parts["test"], best[OURS]["test"])), ""]
    settings = "; ".join(f"{n}: {', '.join(f'{k} {v}' for k, v in c.items())}" for n, c in chosen.items() if c)
    lines += [f"Settings chosen on the first fold: {settings}. All but the keywords (keywords.tsv) learnt from the same texts."]
    fill("accuracy", "\n".join(lines))
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "accuracy.json").write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
