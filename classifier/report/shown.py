"""Counts of labelled rows as pictures with their tables: a facet, the verdict, one facet by another."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup

from classifier.confusion import VERDICT
from classifier.documents.results import Result
from classifier.prevalence import Share
from classifier.prevalence.shares import FEWEST
from classifier.prevalence.tables import note_of
from classifier.report import pictures
from classifier.report.blocks import Link, Picture, Row, Section, Table, Words
from classifier.report.groups import Groups
from classifier.report.pictures import Interval, Line
from classifier.report.wording import Wording
from classifier.taxonomy import Facet, Taxonomy

MOST_ROWS = 15  # groups in a picture
DRAWN = 5  # texts in a group, below which it is in the table only

Point = tuple[float, float | None, float | None]  # a share and its interval
Within = Sequence[tuple[Groups, Sequence[Share]]]  # a column and the shares in its groups


def facet(f: Facet, read: Sequence[Result], overall: Sequence[Share], within: Within, filters: Mapping[str, str], w: Wording) -> Section:
    """One facet: overall, and by each column."""
    title = f.name(w.language)
    kind = "sentence" if f.unit == "sentence" else f.choice
    section = Section(f"facet-{f.code}", title)
    if definition := f.definitions.get(w.language):
        section.blocks.append(Words("paragraph", definition))
    section.blocks.append(Words("paragraph", " ".join(filter(None, [w[f"facet_{kind}"] if f.code != VERDICT else "", w["facet_columns"]]))))
    found = {s.label: s for s in overall if s.facet == f.code}
    if not found:
        return section
    sentences = Counter(code for r in read for m in r.mentions.get(f.code, ()) for code in m.labels)
    rows: list[Row] = []
    intervals = []
    for label in f.labels:
        s = found[label.code]
        cells: Row = [Link(w.number(s.counted), filters[f"{f.code}.{s.label}"]), w.share(s.raw), w.share(s.corrected)]
        more = [w.number(sentences[label.code])] if f.unit == "sentence" else []
        rows.append([label.name(w.language), *cells, w.interval(s.lower, s.upper), *more])
        intervals.append(Interval(label.name(w.language), s.raw, s.corrected, s.lower, s.upper))
    head = [w["label"], w["counted"], w["raw"], w["corrected"], w["interval"], *([w["sentences"]] if f.unit == "sentence" else [])]
    legend = (w["legend_raw"], w["legend_corrected"])
    picture = pictures.intervals(f"facet-{f.code}-picture", title, w["desc_shares"], intervals, w.share, legend)
    section.blocks.append(Picture(picture, Table(w.say("raw_caption", facet=title), head, rows)))
    section.blocks.extend(Words("paragraph", text) for text in _noted(f, found, w))
    for number, (g, found_within) in enumerate(within):
        section.blocks.append(Words("heading", w.say("by", group=g.column)))
        of_facet = [*found.values(), *(s for s in found_within if s.facet == f.code and s.group)]
        section.blocks.extend(_by_group(f, g, number, of_facet, filters, w))
    return section


def _noted(f: Facet, found: Mapping[str, Share], w: Wording) -> Iterator[str]:
    """Which shares could not be corrected and why, or what else there is to know of them."""
    for note in dict.fromkeys(s.note for s in found.values() if s.note):
        some = [s for s in found.values() if s.note == note]
        names = [label.name(w.language) for label in f.labels if found[label.code] in some]
        yield f"{', '.join(names)}: {note_of(some[0], w.language)}."


def _by_group(
    f: Facet, g: Groups, number: int, found: Sequence[Share], filters: Mapping[str, str], w: Wording
) -> Iterator[Words | Picture | Table]:
    at = {(s.group[0] if s.group else "", s.label): s for s in found}
    names = [label.name(w.language) for label in f.labels]
    groups = [group for group in g.order if (group, f.codes[0]) in at]
    documents = {group: at[group, f.codes[0]].documents for group in ["", *groups]}
    if any(documents[group] < FEWEST for group in groups):
        yield Words("paragraph", w.say("few", n=FEWEST))
    if g.apart:
        yield Words("paragraph", w.say("merged", n=g.apart))
    places = {value: f" g{number}={i}" for i, value in enumerate(g.choices)}
    rows: list[Row] = []
    for group in ["", *groups]:
        cells = []
        for code in f.codes:
            filter = f"{filters[f'{f.code}.{code}']}{places.get(group, '')}" if not group or group in places else ""
            cells.append(Link(w.number(at[group, code].counted), filter, _told(at[group, code], w)))
        rows.append([group or w["all_groups"], w.number(documents[group]), *cells])
    table = Table(w.say("by_caption", facet=f.name(w.language), group=g.column), [g.column, w["texts_n"], *names], rows)
    shown = [group for group in groups if group in g.times or documents[group] >= DRAWN]
    if len(shown) < 2 and not g.times:
        yield table
        return
    if len(shown) > MOST_ROWS and not g.times:
        yield Words("paragraph", w.say("largest", n=MOST_ROWS))
    points = [[_point(at[group, code]) for code in f.codes] for group in shown]
    yield Picture(_drawn(f"facet-{f.code}-by-{number}", table.caption, g, shown, documents, names, points, w), table)


def _told(s: Share, w: Wording) -> str:
    return w.share(s.raw) if s.corrected is None else w.say("cell", share=w.share(s.corrected), interval=w.interval(s.lower, s.upper))


def _point(s: Share) -> Point:
    return (s.raw, None, None) if s.corrected is None else (s.corrected, s.lower, s.upper)


def _drawn(
    key: str, title: str, g: Groups, groups: Sequence[str], documents: Mapping[str, int], names: Sequence[str],
    points: Sequence[Sequence[Point]], w: Wording,
) -> Markup:  # fmt: skip
    """Curves over time, a grid of shares over other groups; `points` by group and label."""
    times = [i for i, group in enumerate(groups) if group in g.times]
    if len(times) > 1:
        x = [g.times[groups[i]] for i in times]
        lines = []
        for k, name in enumerate(names):
            column = [points[i][k] for i in times]
            band = [None if low is None or high is None else (low, high) for _, low, high in column]
            lines.append(Line(name, x, [value for value, *_ in column], band))
        ticks = [(g.times[groups[i]], groups[i]) for i in times]
        return pictures.panels(key, title, w.say("desc_over_time", group=g.column), lines, ticks, w.share)
    largest = sorted(sorted(range(len(groups)), key=lambda i: -documents[groups[i]])[:MOST_ROWS])
    values = [[value for value, *_ in points[i]] for i in largest]
    return pictures.heat(key, title, w.say("desc_by", group=g.column), [groups[i] for i in largest], names, values, w.share)


def crossed(read: Sequence[Result], taxonomy: Taxonomy, judged: bool, w: Wording) -> list[Section]:
    """Each sentence facet by each document facet and by the verdict; without sentence facets, the first facet by the others."""
    across = taxonomy.of("sentence") or taxonomy.facets[:1]
    sections = []
    for a in across:
        blocks: list[Words | Picture] = []
        for b in taxonomy.of("document"):
            if b is not a:
                inside = {label.name(w.language): {i for i, r in enumerate(read) if label.code in r.labels[b.code]} for label in b.labels}
                blocks += _cross(f"cross-{a.code}-{b.code}", a, b.name(w.language), inside, read, w)
        if judged:
            inside = {word: {i for i, r in enumerate(read) if r.innovation is v} for word, v in ((w["yes"], True), (w["no"], False))}
            blocks += _cross(f"cross-{a.code}", a, w["verdict"], inside, read, w)
        if blocks:
            others = [b.name(w.language).lower() for b in taxonomy.of("document") if b is not a]
            others += [w["verdict"].lower()] if judged else []
            title = w.say("cross", a=a.name(w.language), b=f" {w['and']} ".join(filter(None, [", ".join(others[:-1]), others[-1]])))
            sections.append(Section(f"cross-{a.code}", title, [Words("paragraph", w["cross_intro"]), *blocks]))
    return sections


def _cross(key: str, a: Facet, b: str, inside: Mapping[str, set[int]], read: Sequence[Result], w: Wording) -> list[Words | Picture]:
    columns = {name: rows for name, rows in inside.items() if rows}
    if not columns:
        return []
    having = {label.code: {i for i, r in enumerate(read) if label.code in r.labels[a.code]} for label in a.labels}
    names = [label.name(w.language) for label in a.labels]
    both = [[len(having[code] & rows) for rows in columns.values()] for code in a.codes]
    sizes = [len(rows) for rows in columns.values()]
    values = [[n / size for n, size in zip(row, sizes, strict=True)] for row in both]
    cells = [[f"{w.share(v)} ({w.number(n)})" for v, n in zip(vs, ns, strict=True)] for vs, ns in zip(values, both, strict=True)]
    table = Table(
        w.say("cross_caption", a=a.name(w.language), b=b.lower()),
        [w["label"], *columns],
        [[w["texts_n"], *map(w.number, sizes)], *([name, *row] for name, row in zip(names, cells, strict=True))],
    )
    title = w.say("cross", a=a.name(w.language), b=b.lower())
    shades = [[v or None for v in row] for row in values]  # an empty cell is easier to read than a nought
    picture = pictures.heat(f"{key}-picture", title, w["desc_cross"], names, [*columns], shades, w.share)
    return [Words("heading", title), Picture(picture, table)]
