"""Figures: predicted against gold labels, by label, facet and part of the data, with bootstrap intervals.

Micro-F1 sums over labels; macro-F1 is the mean over the labels that occur in gold. A sentence facet has three figures:
`barriere?`, a span is found, whatever its label; `barriere`, a (span, label) pair is right; `barriere-dok`, the labels of a document. Spans
match when they share at least half of what they cover together. To add a metric: a row in `METRICS`.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifier.taxonomy import Facet, Taxonomy

Record = Mapping[str, Any]
Span = tuple[int, int, set[str]]
ROUNDS = 300
TP, FP, FN = range(3)


def _f1(tp: float, fp: float, fn: float) -> float:
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else float("nan")


METRICS: dict[str, Callable[[float, float, float], float]] = {
    "precision": lambda tp, fp, fn: tp / (tp + fp) if tp + fp else float("nan"),
    "recall": lambda tp, fp, fn: tp / (tp + fn) if tp + fn else float("nan"),
    "f1": _f1,
}


@dataclass(frozen=True)
class Counts:
    """True positives, false positives and false negatives; `table` has shape (documents, columns, 3)."""

    columns: list[tuple[str, str]]  # (figure, label)
    table: np.ndarray


def names(values: Any) -> set[str]:
    """Codes of a facet's value, gold (strings) or predicted (`{"label": …}`), single or many."""
    items = [values] if isinstance(values, (str, dict)) else values or []
    return {item["label"] if isinstance(item, dict) else item for item in items}


def spans(record: Record, facet: str) -> list[Span]:
    return [(s["start"], s["end"], names(s["labels"])) for s in record.get(facet) or ()]


def codes_of(record: Record, facet: Facet) -> set[str]:
    """The codes of a facet in a record, gold or predicted; of a sentence facet those of all its spans together."""
    if facet.unit == "sentence":
        return set().union(*(labels for *_, labels in spans(record, facet.code)))
    return names(record.get(facet.code))


def match(a: Span, b: Span) -> bool:
    """Do two spans share at least half of what they cover together?"""
    return min(a[1], b[1]) - max(a[0], b[0]) >= 0.5 * (max(a[1], b[1]) - min(a[0], b[0]))


def figures_of(facet: Facet) -> list[tuple[str, str]]:
    """The columns that a facet is counted in."""
    if facet.unit == "document":
        return [(facet.code, code) for code in facet.codes]
    parts = ((f"{facet.code}?", ("any",)), (facet.code, facet.codes), (f"{facet.code}-dok", facet.codes))
    return [(figure, code) for figure, codes in parts for code in codes]


def count(gold: Sequence[Record], predicted: Sequence[Record], taxonomy: Taxonomy) -> Counts:
    """Compare records, pairwise in order. A facet that gold does not have is not counted."""
    columns = [c for facet in taxonomy.facets for c in figures_of(facet)]
    at = {c: i for i, c in enumerate(columns)}
    table = np.zeros((len(gold), len(columns), 3))
    for i, (g, p) in enumerate(zip(gold, predicted, strict=True)):
        for facet in taxonomy.facets:
            if facet.code not in g:
                continue
            if facet.unit == "sentence":
                _count_spans(table[i], at, facet.code, spans(g, facet.code), spans(p, facet.code))
                continue
            wanted, given = names(g[facet.code]), names(p.get(facet.code) or facet.default or [])
            _count_sets(table[i], at, facet.code, wanted, given)
    return Counts(columns, table)


def _count_sets(row: np.ndarray, at: dict[tuple[str, str], int], figure: str, wanted: set[str], given: set[str]) -> None:
    for label in wanted | given:
        row[at[figure, label], TP if label in wanted & given else FP if label in given else FN] += 1


def _count_spans(row: np.ndarray, at: dict[tuple[str, str], int], facet: str, wanted: list[Span], given: list[Span]) -> None:
    for mine, theirs, miss in ((wanted, given, FN), (given, wanted, FP)):
        for span in mine:
            hits = [other for other in theirs if match(span, other)]
            if miss == FN:
                row[at[f"{facet}?", "any"], TP if hits else FN] += 1
            else:
                row[at[f"{facet}?", "any"], FP] += not hits
            for label in span[2]:
                right = any(label in other[2] for other in hits)
                if miss == FN:
                    row[at[facet, label], TP if right else FN] += 1
                else:
                    row[at[facet, label], FP] += not right
    labels = [set().union(*(s[2] for s in side)) if side else set() for side in (wanted, given)]
    _count_sets(row, at, f"{facet}-dok", labels[0], labels[1])


def summary(columns: Sequence[tuple[str, str]], totals: np.ndarray) -> dict[str, dict[str, float]]:
    """Micro- and macro-F1 of each figure from summed counts, shape (columns, 3)."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i, (figure, _) in enumerate(columns):
        groups[figure].append(i)
    out = {}
    for figure, rows in groups.items():
        part = totals[rows]
        in_gold = [_f1(*row) for row in part if row[TP] + row[FN] >= 1]
        out[figure] = {"micro": _f1(*part.sum(axis=0)), "macro": float(np.mean(in_gold)) if in_gold else float("nan")}
    return out


def evaluate(gold: Sequence[Record], predicted: Sequence[Record], taxonomy: Taxonomy, rounds: int = ROUNDS) -> dict[str, Any]:
    """All figures: `figures` (micro and macro) and `labels`, with 95 % intervals over documents; `parts` by language, source, genre."""
    counted = count(gold, predicted, taxonomy)
    point = summary(counted.columns, counted.table.sum(axis=0))
    rng = np.random.default_rng(0)
    totals = [counted.table[rng.integers(0, len(gold), len(gold))].sum(axis=0) for _ in range(rounds)]
    drawn = [summary(counted.columns, total) for total in totals]
    figures = {
        figure: {kind: {"value": rounded(value), "interval": _interval([d[figure][kind] for d in drawn])} for kind, value in kinds.items()}
        for figure, kinds in point.items()
    }
    labels = []
    for k, ((figure, label), row) in enumerate(zip(counted.columns, counted.table.sum(axis=0), strict=True)):
        values = {name: rounded(metric(*row)) for name, metric in METRICS.items()}
        spread = {name: _interval([metric(*total[k]) for total in totals]) for name, metric in METRICS.items()}
        labels.append({"figure": figure, "label": label, "n": int(row[TP] + row[FN]), **values, "intervals": spread})
    parts: dict[str, dict[str, Any]] = {}
    for kind in ("lang", "source", "genre"):
        groups: dict[str, list[int]] = defaultdict(list)
        for i, record in enumerate(gold):
            if record.get(kind):
                groups[str(record[kind])].append(i)
        for group, rows in groups.items():
            if len(groups) > 1 and len(rows) >= 5:
                part = summary(counted.columns, counted.table[rows].sum(axis=0))
                parts.setdefault(kind, {})[group] = {
                    "n": len(rows),
                    **{f: {k: rounded(v) for k, v in ks.items()} for f, ks in part.items()},
                }
    return {"documents": len(gold), "figures": figures, "labels": labels, "parts": parts}


def rounded(value: float) -> float | None:
    """A figure rounded; None where it is not defined (JSON has no NaN)."""
    return None if np.isnan(value) else round(float(value), 4)


def _interval(values: list[float]) -> list[float] | None:
    known = [v for v in values if not np.isnan(v)]
    return [round(float(q), 4) for q in np.quantile(known, [0.025, 0.975])] if known else None


def shown(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def as_text(result: dict[str, Any]) -> str:
    """The figures for people, 80 columns or a little more."""
    lines = [f"{result['documents']} documents; F1 with 95 % intervals (bootstrap over documents)", ""]
    for figure, kinds in result["figures"].items():
        cells = [
            f"{kind}-F1 {shown(v['value'])} [{shown(v['interval'][0], 2)}, {shown(v['interval'][1], 2)}]"
            if v["interval"]
            else f"{kind}-F1 –"
            for kind, v in kinds.items()
        ]
        lines.append(f"{figure:14} {'   '.join(cells)}")
    lines += ["", f"{'label':34} {'n':>5} {'precision':>9} {'recall':>7} {'F1':>6}"]
    for row in result["labels"]:
        name = f"{row['figure']}.{row['label']}"
        lines.append(f"{name:34} {row['n']:5} {shown(row['precision'], 2):>9} {shown(row['recall'], 2):>7} {shown(row['f1'], 2):>6}")
    for kind, groups in result["parts"].items():
        lines += ["", f"macro-F1 by {kind}" + " " * 12 + "".join(f"{f:>14}" for f in result["figures"])]
        for group, part in sorted(groups.items(), key=lambda item: -item[1]["n"]):
            lines.append(f"{group[:22]:24}{part['n']:5}" + "".join(f"{shown(part[f]['macro'], 2):>14}" for f in result["figures"]))
    return "\n".join(lines)
