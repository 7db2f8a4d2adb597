"""The page of `report`: what `label` found, with corrected shares, the texts behind every figure, and how the figures were made."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from classifier.confusion import VERDICT, Confusion
from classifier.documents.results import Result
from classifier.prevalence import Share, count, shares
from classifier.prevalence.shares import YES
from classifier.report import shown
from classifier.report.blocks import Bullets, Choices, Explorer, Fact, Facts, Link, Row, Section, Table, Words, render
from classifier.report.groups import Groups, groups
from classifier.report.rows import as_json, notes, numbered
from classifier.report.wording import Wording, wording
from classifier.storage import Model
from classifier.taxonomy import Facet, Label

PRECISE = 1000  # texts, from which tenths of a per cent are told


def page(
    results: Iterable[Result], name: str, model: Model, errors: Mapping[str, Confusion], used: str, by: Sequence[str] = (),
    language: str = "nb", texts: bool = True,
) -> str:  # fmt: skip
    """HTML of a report on labelled rows; `name` is told as what they are, `by` are columns to count by.

    `errors` are the model's known errors, by which shares are corrected, and `used` says which they are (`prevalence.tables.basis`).
    Without `texts`, nothing of a text, a sentence or the words in it stands in the page. Raises `ClassifierError` for a column that makes
    no groups.
    """
    rows = list(results)
    w = wording(language, precise=len(rows) >= PRECISE)
    columns = [groups(rows, column, w) for column in by]
    overall = shares(count(rows, model.taxonomy, errors))
    within = [shares(count(g.rows(rows), model.taxonomy, errors, [g.column])) for g in columns]
    read = [r for r in rows if r.problem is None and not r.empty]
    judged = any(r.innovation is not None for r in read)
    sections = [_summary(rows, read, overall, model, w)]
    filters = {name: f"label={number}" for name, number in numbered(model.taxonomy).items()} | {f"{VERDICT}.{YES}": "verdict=1"}
    facets = [*model.taxonomy.facets, *([_verdict(w)] if judged else [])]
    sections += [shown.facet(facet, read, overall, [*zip(columns, within, strict=True)], filters, w) for facet in facets]
    sections += shown.crossed(read, model.taxonomy, judged, w)
    sections += [_texts(rows, columns, model, judged, texts, w), _review(rows, read, model, texts, w), _how(model, errors, used, w)]
    lead = w.say("report_lead", n=len(rows), model=", ".join(dict.fromkeys(r.model for r in rows if r.model)) or str(model))
    return render(w.say("report_title", name=name), lead, sections, w, as_json(rows, model.taxonomy, columns, w, texts))


def _verdict(w: Wording) -> Facet:
    """The verdict as a facet of one label."""
    yes = Label(YES, {w.language: w["verdict_yes"]}, {})
    return Facet(VERDICT, "document", "multi", (yes,), {w.language: w["verdict"]}, {w.language: w["verdict_intro"]})


def _summary(rows: Sequence[Result], read: Sequence[Result], overall: Sequence[Share], model: Model, w: Wording) -> Section:
    empty = sum(r.problem is None and r.empty for r in rows)
    facts = [Fact(w["texts_n"], w.number(len(rows)), w.say("texts_empty", n=empty) if empty else "")]
    for s in (s for s in overall if s.facet == VERDICT):
        share, interval = _best(s, w)
        facts.append(Fact(w["verdict"], share, "; ".join(filter(None, [interval, w["verdict_note"]]))))
    for facet in model.taxonomy.facets:
        found = [s for s in overall if s.facet == facet.code and s.counted]
        if found:
            most = max(found, key=lambda s: s.raw if s.corrected is None else s.corrected)
            label = next(label for label in facet.labels if label.code == most.label)
            name = w.say("most_common", facet=facet.name(w.language).lower())
            facts.append(Fact(name, label.name(w.language), ", ".join(filter(None, _best(most, w)))))
    review = sum(bool(r.review) for r in read)
    facts.append(Fact(w["review_n"], w.number(review), w.say("review_note", share=w.share(review / max(len(read), 1)))))
    unread = sum(r.problem is not None for r in rows)
    warnings = [Words("warning", w.say("unread", n=unread))] if unread else []
    return Section("summary", w["summary"], [Words("warning", w["report_trust"]), *warnings, Facts(facts)])


def _best(share: Share, w: Wording) -> tuple[str, str]:
    """The corrected share and its interval in words, else the raw one."""
    if share.corrected is None:
        return w.share(share.raw), ""
    return w.share(share.corrected), w.say("most_note", interval=w.interval(share.lower, share.upper))


def _texts(rows: Sequence[Result], columns: Sequence[Groups], model: Model, judged: bool, texts: bool, w: Wording) -> Section:
    numbers = numbered(model.taxonomy)
    facets = [
        Choices(f.name(w.language), [(numbers[f"{f.code}.{label.code}"], label.name(w.language)) for label in f.labels])
        for f in model.taxonomy.facets
    ]
    marked = any(any(r.evidence.values()) or any(m.evidence for ms in r.mentions.values() for m in ms) for r in rows)
    intro = "texts_left_out" if not texts else "texts_intro" if marked else "texts_plain"
    explorer = Explorer(texts, facets, [Choices(g.column, values=g.choices) for g in columns], judged)
    return Section("texts", w["texts"], [Words("paragraph", w[intro]), explorer])


def _review(rows: Sequence[Result], read: Sequence[Result], model: Model, texts: bool, w: Wording) -> Section:
    section = Section("review", w["review"])
    pairs = Counter(pair for r in read for pair in r.review)
    numbers = numbered(model.taxonomy)
    table: list[Row] = [
        [
            f"{facet.name(w.language)}: {label.name(w.language)}",
            Link(w.number(pairs[name]), f"label={numbers[name]} review=1"),
            w.share(pairs[name] / len(read)),
        ]
        for name, facet, label in _named(model)
        if pairs[name]
    ]
    section.blocks.append(Words("paragraph", w["review_intro" if table else "review_none"]))
    if table:
        section.blocks.append(Table(w["review_caption"], [w["label"], w["texts_n"], w["review_share"]], table))
    told = Counter(note for r in rows for note in (r.notes if r.problem is None else [notes(r, w, texts)]))
    if told:
        lines = [[note, w.number(n)] for note, n in told.most_common(20)]
        section.blocks.append(Table(w["notes_caption"], [w["note"], w["rows"]], lines))
    return section


def _errors(errors: Mapping[str, Confusion], facet: Facet, code: str) -> tuple[float | None, float | None, int]:
    """(share of the known texts with a label that got it, share of those without that got it, how many have it); None: not known."""
    name = f"{facet.code}.{code}"
    if name in errors:
        counts, y = errors[name].decisions().counts, 1
    elif facet.code in errors:
        counts, y = errors[facet.code].decisions().counts, facet.codes.index(code)
    else:
        return None, None, 0
    having, others = int(counts[y].sum()), int(counts.sum() - counts[y].sum())
    wrong = counts[:, y].sum() - counts[y, y]
    return (float(counts[y, y] / having) if having else None, float(wrong / others) if others else None, having)


def _how(model: Model, errors: Mapping[str, Confusion], used: str, w: Wording) -> Section:
    table: list[Row] = []
    for name, facet, label in _named(model):
        threshold = model.thresholds.get(name, model.thresholds.get(facet.code))
        band = model.review.get(name)
        found, wrong, known = _errors(errors, facet, label.code)
        table.append([
            f"{facet.name(w.language)}: {label.name(w.language)}",
            w["most_probable"] if threshold is None else w.score(threshold),
            "–" if band is None else f"{w.score(band[0])}–{w.score(band[1])}",
            w.share(found), w.share(wrong), w.number(known),
        ])  # fmt: skip
    head = [w["label"], w["threshold"], w["band"], w["found_of"], w["wrong_of"], w["model_n"]]
    told = [w.say("how_model", model=str(model)), w["how_threshold"], w.say("how_corrected", used=used), w["how_interval"], w["how_real"]]
    return Section("how", w["how"], [Bullets(told), Table(w["how_caption"], head, table)])


def _named(model: Model) -> list[tuple[str, Facet, Label]]:
    return [(f"{facet.code}.{label.code}", facet, label) for facet in model.taxonomy.facets for label in facet.labels]
