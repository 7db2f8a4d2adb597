"""The model card: what a model is, in Markdown, made from the model itself and its figures."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from classifier.calibration import brier, ece, found_at
from classifier.evaluation import shown
from classifier.storage import Model

SURE = (0.8, 0.9)  # shares of right answers for which the card tells how much is found
COVERAGE = """\
How much of each label is found, and how far its probabilities can be believed, on the training texts by weights that were not learnt from
them (texts for the labels of documents, sentences for those of sentences): the share of its cases that is found when only answers from a
probability on are kept, so that eight or nine of ten are right; the Brier score; the expected calibration error."""

BANDS = """\
A label is given from its threshold on. Between the two figures of the review band a person should look: outside it, nine of ten decisions
were right on training texts that the weights were not learnt from."""

LIMITS = """\
- It reads what a passage says, word by word; it does not know the project. Irony, distant negation and knowledge of the world
  are beyond it.
- Figures on texts made, or chosen, in the same way as the training texts flatter (the datasheet of the training data tells how they
  were made); figures on real text that nobody of the project wrote are the ones to plan by.
- Probabilities are calibrated on the training data (out of fold). On other kinds of text they are less sure than they look.
- Shares counted from its labels carry its errors; `innovasjon summarise` corrects them as far as the errors are known.
  Do not use it to decide about single applications or persons.
"""


Cases = Mapping[str, tuple[np.ndarray, np.ndarray]]


def card(model: Model, figures: Mapping[str, Mapping[str, Any]], data: Mapping[str, int], cases: Cases) -> str:
    """Markdown for a trained model; `figures` are results of `evaluate` by name of the data they were made on.

    `cases`: of each label («facet.label») probabilities on texts that the weights were not learnt from, and whether the label was there.
    """
    lines = [f"# Model card: {model}", "", "Labels Norwegian (bokmål and nynorsk) texts by TF-IDF and logistic regression.", ""]
    lines += ["## Training", ""]
    lines += [f"- {key}: {value}" for key, value in model.training.items()]
    lines += ["", BANDS]
    lines += ["", "| label | documents or spans | threshold | review band |", "|---|---|---|---|"]
    for facet in model.taxonomy.facets:
        for code in facet.codes:
            name = f"{facet.code}.{code}"
            threshold = model.thresholds.get(name, model.thresholds.get(facet.code))
            band = model.review.get(name)
            shown_band = "–" if band is None else f"{band[0]:.2f}–{band[1]:.2f}"
            chosen = "most probable" if threshold is None else shown(threshold, 2)
            lines.append(f"| {name} | {data.get(name, 0)} | {chosen} | {shown_band} |")
    heads = " | ".join(f"found, {share:.0%} right" for share in SURE)
    lines += ["", COVERAGE, "", f"| label | {heads} | Brier | error |", "|---" * 5 + "|"]
    for name, (p, y) in cases.items():
        lines.append(f"| {name} | " + " | ".join(found_cell(p, y, share) for share in SURE) + f" | {brier(p, y):.3f} | {ece(p, y):.3f} |")
    if figures:
        lines += ["", "## Figures", "", "F1 with 95 % intervals (bootstrap over documents), by `innovasjon evaluate`.", ""]
        lines += ["| figure | " + " | ".join(f"{name} ({r['documents']} documents)" for name, r in figures.items()) + " |"]
        lines += ["|---" * (len(figures) + 1) + "|"]
        first = next(iter(figures.values()))["figures"]
        for figure in first:
            for kind in ("macro", "micro"):
                cells = [_cell(r["figures"][figure][kind]) for r in figures.values()]
                lines.append(f"| {figure} {kind} | " + " | ".join(cells) + " |")
        if len(figures) > 1:
            a, b = list(figures.values())[:2]
            gaps = [
                f"{figure} {a['figures'][figure]['macro']['value'] - b['figures'][figure]['macro']['value']:+.2f}"
                for figure in first
                if None not in (a["figures"][figure]["macro"]["value"], b["figures"][figure]["macro"]["value"])
            ]
            lines += ["", f"**The gap** (macro-F1, {' less '.join(list(figures)[:2])}): {', '.join(gaps)}."]
    lines += ["", "## Limits", "", LIMITS]
    return "\n".join(lines)


def found_cell(p: np.ndarray, y: np.ndarray, precision: float) -> str:
    """`found_at` as a cell of a table."""
    found = found_at(p, y, precision)
    return "–" if found is None else f"{found[0]:.0%} (p ≥ {found[1]:.2f})"


def _cell(v: Mapping[str, Any]) -> str:
    return shown(v["value"]) + (f" [{shown(v['interval'][0], 2)}, {shown(v['interval'][1], 2)}]" if v["interval"] else "")
