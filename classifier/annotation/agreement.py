"""How far annotators agree: Krippendorff's alpha, F1 and confusions, label by label."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from nltk.metrics.agreement import AnnotationTask

from classifier.documents.labelled import Record
from classifier.errors import ClassifierError
from classifier.evaluation import FN, FP, TP, Counts, codes_of, count, match, rounded, shown, spans, summary
from classifier.taxonomy import Facet, Taxonomy

NOTHING = "–"


def agreement(first: Sequence[Record], second: Sequence[Record], taxonomy: Taxonomy) -> tuple[Counts, dict[str, float]]:
    """(counts of the second annotator against the first, Krippendorff's alpha per `facet.label`), records pairwise in order."""
    people = {"first": dict(enumerate(first)), "second": dict(enumerate(second))}
    return count(first, second, taxonomy), {k: a for k, a in alphas(people, taxonomy).items() if "." in k}


def alphas(people: Mapping[str, Mapping[Any, Record]], taxonomy: Taxonomy) -> dict[str, float]:
    """Krippendorff's alpha per `facet.label`, and per facet of a single choice; NaN where all say the same of all.

    Nominal, over documents; for a sentence facet over the documents that have the label somewhere. A facet that an annotator left out is a
    missing value. Source: Krippendorff (2004), as computed by `nltk.metrics.agreement`.
    """
    out = {}
    for facet in taxonomy.facets:
        said = [
            (who, str(own), codes_of(record, facet))
            for who, records in people.items()
            for own, record in records.items()
            if facet.code in record
        ]
        if facet.unit == "document" and facet.choice == "single":
            out[facet.code] = _alpha([(who, own, ";".join(codes)) for who, own, codes in said])
        for code in facet.codes:
            out[f"{facet.code}.{code}"] = _alpha([(who, own, code in codes) for who, own, codes in said])
    return out


def _alpha(votes: list[tuple[str, str, Any]]) -> float:
    by_item = Counter(own for _, own, _ in votes)
    votes = [v for v in votes if by_item[v[1]] > 1]
    return float(AnnotationTask(data=votes).alpha()) if len({vote for *_, vote in votes}) > 1 else float("nan")


def told(codes: set[str], facet: Facet) -> str:
    """Codes as people read them, in the order of the taxonomy."""
    return ";".join(code for code in facet.codes if code in codes) or NOTHING


def confusions(first: Sequence[Record], second: Sequence[Record], taxonomy: Taxonomy) -> Counter[tuple[str, str, str]]:
    """(facet, what only the first said, what only the second said) of a document or of matching spans; `–` where one said nothing else."""
    c: Counter[tuple[str, str, str]] = Counter()
    for a, b in zip(first, second, strict=True):
        for facet in taxonomy.facets:
            if facet.code not in a or facet.code not in b:
                continue
            if facet.unit == "document":
                pairs = [(codes_of(a, facet), codes_of(b, facet))]
            else:
                mine, theirs = spans(a, facet.code), spans(b, facet.code)
                pairs = [(span[2], set().union(*(o[2] for o in theirs if match(span, o)))) for span in mine]
                pairs += [(set(), span[2]) for span in theirs if not any(match(span, o) for o in mine)]
            for x, y in pairs:
                c.update((facet.code, p, q) for p in x - y or {NOTHING} for q in y - x or {NOTHING} if x != y)
    return c


def compare(people: Mapping[str, Mapping[str, Record]], taxonomy: Taxonomy) -> dict[str, Any]:
    """All figures of two or more annotators' records by id.

    `alone` has the ids that one only has, `changed` those with different texts: they are left out. Raises `ClassifierError` where nothing
    is left to compare.
    """
    counted = Counter(own for records in people.values() for own in records)
    texts: dict[str, set[str]] = defaultdict(set)
    for records in people.values():
        for own, record in records.items():
            texts[own].add(record["text"])
    changed = [own for own, versions in texts.items() if len(versions) > 1]
    people = {who: {own: r for own, r in records.items() if len(texts[own]) == 1} for who, records in people.items()}
    if not any(n > 1 and len(texts[own]) == 1 for own, n in counted.items()):
        raise ClassifierError("no text is annotated twice under the same id; the annotators' files should have ids and texts in common")
    result: dict[str, Any] = {
        "annotators": list(people),
        "documents": sum(n > 1 and len(texts[own]) == 1 for own, n in counted.items()),
        "changed": changed,
        "alone": {who: [own for own in records if counted[own] == 1] for who, records in people.items()},
        "alpha": {name: rounded(a) for name, a in alphas(people, taxonomy).items()},
        "pairs": [],
    }
    for one, other in combinations(people, 2):
        shared = [own for own in people[one] if own in people[other]]
        first, second = [people[one][own] for own in shared], [people[other][own] for own in shared]
        both = [_annotated_by_both(a, b, taxonomy) for a, b in zip(first, second, strict=True)]
        first, second = [a for a, _ in both], [b for _, b in both]
        counts = count(first, second, taxonomy)
        totals = counts.table.sum(axis=0)
        labels = [
            {"figure": figure, "label": label, "both": int(n[TP]), "first": int(n[FN]), "second": int(n[FP]),
             "f1": rounded(2 * n[TP] / (2 * n[TP] + n[FP] + n[FN]) if n.any() else float("nan"))}
            for (figure, label), n in zip(counts.columns, totals, strict=True)
        ]  # fmt: skip
        figures = {f: {k: rounded(v) for k, v in kinds.items()} for f, kinds in summary(counts.columns, totals).items()}
        confused = [
            {"facet": facet, "first": x, "second": y, "n": n} for (facet, x, y), n in confusions(first, second, taxonomy).most_common()
        ]
        result["pairs"].append(
            {"first": one, "second": other, "documents": len(shared), "figures": figures, "labels": labels, "confusions": confused}
        )
    return result


def _annotated_by_both(a: Record, b: Record, taxonomy: Taxonomy) -> tuple[Record, Record]:
    """Two records without the facets that one of them leaves out."""
    apart = {facet.code for facet in taxonomy.facets if (facet.code in a) != (facet.code in b)}
    return {k: v for k, v in a.items() if k not in apart}, {k: v for k, v in b.items() if k not in apart}


def _listed(ids: list[str]) -> str:
    return f"{len(ids)} (id {', '.join(ids[:10])}{' …' if len(ids) > 10 else ''})"


def as_text(result: dict[str, Any], most: int = 10) -> str:
    """The figures for people."""
    lines = [f"{result['documents']} texts annotated by more than one of {', '.join(result['annotators'])}"]
    for who, ids in result["alone"].items():
        if ids:
            lines.append(f"only in {who}: {_listed(ids)}")
    if result["changed"]:
        lines.append(f"with different texts, left out: {_listed(result['changed'])}")
    lines += ["", f"{'label':34} {'Krippendorff alpha':>18}"]
    lines += [f"{name:34} {shown(a, 2):>18}" for name, a in result["alpha"].items()]
    for pair in result["pairs"]:
        lines += ["", f"{pair['first']} and {pair['second']}: {pair['documents']} texts", ""]
        lines += [f"{f:14} micro-F1 {shown(v['micro'])}   macro-F1 {shown(v['macro'])}" for f, v in pair["figures"].items()]
        one, other = pair["first"][:12], pair["second"][:12]
        lines += ["", f"{'label':34} {'both':>6} {f'only {one}':>18} {f'only {other}':>18} {'F1':>6}"]
        for row in pair["labels"]:
            name = f"{row['figure']}.{row['label']}"
            lines.append(f"{name:34} {row['both']:6} {row['first']:18} {row['second']:18} {shown(row['f1'], 2):>6}")
        by_facet: dict[str, list[str]] = defaultdict(list)
        for row in pair["confusions"]:
            by_facet[row["facet"]].append(f"{row['first']} / {row['second']} {row['n']}")
        lines += [""] + [f"most confused, {facet}: {', '.join(items[:most])}" for facet, items in by_facet.items()]
    return "\n".join(lines)
