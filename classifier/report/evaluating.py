"""The page of `evaluate --report`: how good a model is, where it errs, and how far its probabilities can be believed."""

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from classifier.calibration import brier, coverage_precision, ece, reliability
from classifier.evaluation import METRICS, Record
from classifier.mistakes import Decision, confusions, decisions, marked, worst
from classifier.report import pictures
from classifier.report.blocks import Picture, Quote, Quotes, Section, Table, Words, pieces, render
from classifier.report.pictures import Interval, Line
from classifier.report.wording import Wording, wording
from classifier.taxonomy import Facet, Taxonomy

KEPT = (1.0, 0.9, 0.75, 0.5, 0.25)  # shares of the labels given, in the table of coverage against precision
CURVE_POINTS = 60
MOST_CURVES = 5  # figures in the learning curve


def page(
    model: str, taxonomy: Taxonomy, gold: Sequence[Record], predicted: Sequence[Record], figures: Mapping[str, Any], files: str,
    language: str, curve: Sequence[Mapping[str, Any]] = (),
) -> str:  # fmt: skip
    """HTML of an evaluation.

    `predicted` are predictions with all scores, `figures` what `evaluation.evaluate` made of them, `curve` a learning curve as
    `benchmarks/learning_curve.py` writes it. The texts of the worst errors stand in the page.
    """
    w = wording(language)
    found = list(decisions(gold, predicted, taxonomy))
    sections = [
        _figures(figures, taxonomy, w),
        _labels(figures, taxonomy, w),
        _confusions(found, taxonomy, w),
        _calibration(found, taxonomy, w),
        _coverage(found, taxonomy, w),
        *([_learning(curve, taxonomy, w)] if curve else []),
        *([_parts(figures, taxonomy, w)] if figures["parts"] else []),
        _worst(found, gold, predicted, taxonomy, w),
    ]
    lead = w.say("evaluation_lead", n=len(gold), files=files)
    return render(w.say("evaluation_title", model=model), lead, sections, w)


def _figure_name(figure: str, taxonomy: Taxonomy, w: Wording) -> str:
    """`barriere?`, `barriere` and `barriere-dok` in words."""
    facet = taxonomy[figure.removesuffix("?").removesuffix("-dok")]
    if facet.unit == "document":
        return facet.name(w.language)
    key = "any_span" if figure.endswith("?") else "in_document" if figure.endswith("-dok") else "in_span"
    return w.say(key, facet=facet.name(w.language))


def _interval(name: str, value: float | None, interval: Sequence[float] | None) -> Interval:
    return Interval(name, None, value, *(interval or (None, None)))


def _figures(figures: Mapping[str, Any], taxonomy: Taxonomy, w: Wording) -> Section:
    kinds = ("macro", "micro")
    names = [_figure_name(figure, taxonomy, w) for figure in figures["figures"]]
    rows = [[name, *(_cell(v[k], w) for k in kinds)] for name, v in zip(names, figures["figures"].values(), strict=True)]
    told = [*zip(names, figures["figures"].values(), strict=True)]
    series = [(w[k], [_interval(name, v[k]["value"], v[k]["interval"]) for name, v in told]) for k in kinds]
    return Section("figures", w["figures"], [
        Words("warning", w["evaluation_trust"]),
        Words("paragraph", w["figures_intro"]),
        Picture(
            pictures.scores("figures-picture", w["figures"], w["desc_figures"], names, series, w.axis),
            Table(w["figures_caption"], [w["figure"], *(w[k] for k in kinds)], rows),
        ),
    ])  # fmt: skip


def _cell(v: Mapping[str, Any], w: Wording) -> str:
    return w.score_interval(v["value"], v["interval"])


def _labels(figures: Mapping[str, Any], taxonomy: Taxonomy, w: Wording) -> Section:
    section = Section("labels", w["per_label"])
    for figure in figures["figures"]:
        facet = taxonomy[figure.removesuffix("?").removesuffix("-dok")]
        rows = [row for row in figures["labels"] if row["figure"] == figure]
        if len(rows) < 2 and facet.unit == "sentence":  # one figure, told above
            continue
        names = [_label(facet, row["label"], w) for row in rows]
        title = w.say("scores_caption", facet=_figure_name(figure, taxonomy, w))
        series = [(w[m], [_interval(n, r[m], r["intervals"][m]) for n, r in zip(names, rows, strict=True)]) for m in METRICS]
        section.blocks.extend([
            Words("heading", _figure_name(figure, taxonomy, w)),
            Picture(
                pictures.scores(f"labels-{len(section.blocks)}", title, w["desc_scores"], names, series, w.axis),
                Table(title, [w["label"], w["gold_n"], *(w[m] for m in METRICS)], [*map(_label_row, names, rows, repeat(w))]),
            ),
        ])  # fmt: skip
    return section


def _label_row(name: str, row: Mapping[str, Any], w: Wording) -> list[str]:
    return [name, w.number(row["n"]), *(w.score_interval(row[m], row["intervals"][m]) for m in METRICS)]


def _label(facet: Facet, code: str, w: Wording) -> str:
    return next((label.name(w.language) for label in facet.labels if label.code == code), code)


def _confusions(found: Sequence[Decision], taxonomy: Taxonomy, w: Wording) -> Section:
    section = Section("confusion", w["confusion"], [Words("paragraph", w["confusion_intro"])])
    for facet_code, counts in confusions(found, taxonomy).items():
        if not counts.any():
            continue
        facet, table = taxonomy[facet_code], counts
        names = [label.name(w.language) for label in facet.labels]
        rows, columns = [*names, w["alone_given"]], [*names, w["alone_missed"]]
        if not table[-1].any() and not table[:, -1].any():  # of a single choice one is always given, and never another than missed
            table, rows, columns = table[:-1, :-1], names, names
        title = w.say("confusion_caption", facet=facet.name(w.language))
        shown = [[v or None for v in row] for row in table.tolist()]  # an empty cell is easier to read than a nought
        cells = [[name, *map(w.number, row)] for name, row in zip(rows, table.tolist(), strict=True)]
        key = f"confusion-{len(section.blocks)}"
        section.blocks.extend([
            Words("heading", facet.name(w.language)),
            Picture(
                pictures.heat(key, title, w["desc_confusion"], rows, columns, shown, lambda v: w.number(int(v))),
                Table(title, [w["missed"], *columns], cells),
            ),
        ])  # fmt: skip
    return section


def _by_facet(found: Sequence[Decision], taxonomy: Taxonomy) -> dict[str, list[Decision]]:
    grouped: dict[str, list[Decision]] = {facet.code: [] for facet in taxonomy.facets}
    for d in found:
        grouped[d.facet].append(d)
    return {facet: ds for facet, ds in grouped.items() if ds}


def _calibration(found: Sequence[Decision], taxonomy: Taxonomy, w: Wording) -> Section:
    summary, table, lines = [], [], []
    for facet, ds in _by_facet(found, taxonomy).items():
        p, y = [d.probability for d in ds], [d.wanted for d in ds]
        name = taxonomy[facet].name(w.language)
        bins = reliability(p, y)
        summary.append([name, w.number(len(ds)), w.score(brier(p, y)), w.score(ece(p, y))])
        lines.append(Line(name, [b.predicted for b in bins], [b.observed for b in bins], [b.interval for b in bins]))
        table += [[name, w.score(b.predicted), w.score_interval(b.observed, b.interval), w.number(b.n)] for b in bins]
    axes = (w["promised"], w["held"])
    return Section("calibration", w["calibration"], [
        Words("paragraph", w["calibration_intro"]),
        Table(w["calibration_caption"], [w["facet"], w["decisions"], w["brier"], w["ece"]], summary),
        Picture(
            pictures.curves("reliability", w["reliability_caption"], w["desc_reliability"], lines, axes, w.axis, diagonal=True),
            Table(w["reliability_caption"], [w["facet"], w["promised"], w["held"], w["decisions"]], table),
        ),
    ])  # fmt: skip


def _coverage(found: Sequence[Decision], taxonomy: Taxonomy, w: Wording) -> Section:
    rows, lines = [], []
    for facet, ds in _by_facet(found, taxonomy).items():
        given = [d for d in ds if d.given]
        if not given:
            continue
        _, coverage, precision = coverage_precision([d.probability for d in given], [d.wanted for d in given])
        name = taxonomy[facet].name(w.language)
        at = np.unique(np.searchsorted(coverage, np.linspace(0.05, 1, CURVE_POINTS)).clip(0, len(coverage) - 1))
        lines.append(Line(name, coverage[at].tolist(), precision[at].tolist()))
        points = [min(int(np.searchsorted(coverage, share - 1e-9)), len(coverage) - 1) for share in KEPT]
        rows.append([name, w.number(len(given)), *(w.score(float(precision[k])) for k in points)])
    head = [w["facet"], w["counted"], *(w.share(share) for share in KEPT)]
    return Section("coverage", w["coverage"], [
        Words("paragraph", w["coverage_intro"]),
        Picture(
            pictures.curves("coverage", w["coverage_caption"], w["desc_coverage"], lines, (w["kept"], w["precision"]), w.axis),
            Table(w["coverage_caption"], head, rows),
        ),
    ])  # fmt: skip


def _learning(curve: Sequence[Mapping[str, Any]], taxonomy: Taxonomy, w: Wording) -> Section:
    section = Section("learning", w["learning"], [Words("paragraph", w["learning_intro"])])
    sizes = [point["documents"] for point in curve]
    for part in curve[0]["scores"]:
        of_part = [point["scores"][part] for point in curve]
        known = [f for f in of_part[0] if f.removesuffix("?").removesuffix("-dok") in {facet.code for facet in taxonomy.facets}]
        names = {figure: _figure_name(figure, taxonomy, w) for figure in known}
        values = {figure: [point[figure]["macro"] for point in of_part] for figure in known}
        title = f"{w['learning']}: {part}"
        for start in range(0, len(known), MOST_CURVES):
            few = known[start : start + MOST_CURVES]
            lines = [Line(names[f], sizes, [v["value"] for v in values[f]], [v["interval"] for v in values[f]]) for f in few]
            rows = [[w.number(n), *(_cell(values[f][k], w) for f in few)] for k, n in enumerate(sizes)]
            axes = (w["training_texts"], w["macro"])
            picture = pictures.curves(f"learning-{part}-{start}", title, w["desc_learning"], lines, axes, w.axis)
            section.blocks.append(Picture(picture, Table(title, [w["training_texts"], *(names[f] for f in few)], rows)))
    return section


def _parts(figures: Mapping[str, Any], taxonomy: Taxonomy, w: Wording) -> Section:
    section = Section("parts", w["parts"], [Words("paragraph", w["parts_intro"])])
    names = [_figure_name(figure, taxonomy, w) for figure in figures["figures"]]
    for part, groups in figures["parts"].items():
        ranked = sorted(groups.items(), key=lambda item: -item[1]["n"])
        rows = [[group, w.number(v["n"]), *(w.score(v[f]["macro"]) for f in figures["figures"])] for group, v in ranked]
        name = w[f"part_{part}"]
        section.blocks.append(Table(w.say("parts_caption", part=name), [name.capitalize(), w["texts_n"], *names], rows))
    return section


def _worst(found: Sequence[Decision], gold: Sequence[Record], predicted: Sequence[Record], taxonomy: Taxonomy, w: Wording) -> Section:
    section = Section("worst", w["worst"], [Words("paragraph", w["worst_intro"])])
    errors = worst(found)
    for facet in taxonomy.facets:
        for label in facet.labels:
            ds = errors.get((facet.code, label.code), [])
            if not ds:
                continue
            name = label.name(w.language)
            wrong = [d.given for d in found if (d.facet, d.label) == (facet.code, label.code) and d.given != d.wanted]
            title = w.say("worst_title", label=f"{facet.name(w.language)}: {name}", wrong=sum(wrong), missed=len(wrong) - sum(wrong))
            section.blocks.append(Quotes(title, [_quote(d, facet, name, gold[d.at], predicted[d.at], w) for d in ds]))
    return section


def _quote(d: Decision, facet: Facet, name: str, gold: Record, predicted: Record, w: Wording) -> Quote:
    about = w.say("mistake", kind=w["wrongly_given" if d.given else "wrongly_missed"], label=name, p=w.score(d.probability))
    return Quote(str(gold["id"]), about, predicted["language"], pieces(gold["text"], marked(d, gold, predicted, facet)))
