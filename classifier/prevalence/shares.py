"""Labelled rows -> counts by group -> shares with intervals. Memory grows with the number of groups, not of rows."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from classifier.confusion import VERDICT, Confusion
from classifier.documents.results import Result
from classifier.errors import ClassifierError
from classifier.prevalence.estimate import intervals, likeliest
from classifier.taxonomy import Facet, Taxonomy

FEWEST_KNOWN = 5  # documents of each class with known labels, or the errors are not known
FEWEST = 10  # documents in a group, or it is said that they are few
MOST_GROUPS = 20_000
YES = "ja"  # the one label of the verdict
ROUNDING = 1e-4  # probabilities stand in files with four decimals

Group = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """The share of documents with a label, overall (`group` is empty) or in one group. The verdict stands as a facet of one label.

    `corrected` is the share corrected for the classifier's known error, `lower` and `upper` its 95 % interval; all three are None where no
    correction is possible. `note`: why, or what else to know, a key of `tables.NOTES`; empty where all is well.
    """

    facet: str
    label: str
    group: Group  # a value for each column of `by`
    documents: int
    counted: int
    corrected: float | None = None
    lower: float | None = None
    upper: float | None = None
    note: str = ""

    @property
    def raw(self) -> float:
        return self.counted / self.documents


@dataclass
class Tally:
    """Rows counted by group. `given` is by ("facet", "label"), `signals` by the name of a confusion (see `confusion.py`)."""

    by: tuple[str, ...]
    taxonomy: Taxonomy
    errors: Mapping[str, Confusion]
    documents: Counter[Group] = field(default_factory=Counter)
    given: dict[Group, Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))
    signals: dict[Group, dict[str, np.ndarray]] = field(default_factory=dict)
    unscored: set[str] = field(default_factory=set)  # facets of which some row lacks probabilities
    moved: set[str] = field(default_factory=set)  # labels that some row has otherwise than by the model's thresholds
    without_text: int = 0
    problems: Counter[str] = field(default_factory=Counter)  # rows that could not be read, by reason
    first_problems: list[str] = field(default_factory=list)


def count(results: Iterable[Result], taxonomy: Taxonomy, errors: Mapping[str, Confusion], by: Sequence[str] = ()) -> Tally:
    """Count labelled rows by the values of some columns. `errors`: the model's, or those measured on a user's own labelled texts.

    Raises `ClassifierError` where a column has so many values that it makes no groups.
    """
    tally = Tally(tuple(by), taxonomy, errors)
    for result in results:
        add(tally, result)
    return tally


def add(tally: Tally, result: Result) -> None:
    """Count one row: in its group, or among those that had no text or could not be read."""
    if result.problem is not None:
        tally.problems[result.problem.split(":")[0]] += 1
        if len(tally.first_problems) < 5:
            tally.first_problems.append(f"id {result.id}: {result.problem}")
        return
    if result.empty:
        tally.without_text += 1
        return
    group = tuple(group_name(result.fields.get(column)) for column in tally.by)
    tally.documents[group] += 1
    signals = tally.signals.get(group)
    if signals is None:
        if len(tally.signals) >= MOST_GROUPS:
            raise ClassifierError(f"{', '.join(tally.by)}: more than {MOST_GROUPS} different values; choose columns that make groups")
        signals = tally.signals[group] = {name: np.zeros(c.counts.shape[1], np.int64) for name, c in tally.errors.items()}
    given = tally.given[group]
    for facet in tally.taxonomy.facets:
        labels = result.labels[facet.code]
        given.update((facet.code, code) for code in labels)
        if _is_choice(facet):
            if facet.code in signals:
                edges = tally.errors[facet.code].edges
                signal = facet.codes.index(labels[0]) * (len(edges) + 1) + bisect_right(edges, result.scores[facet.code][labels[0]])
                signals[facet.code][signal] += 1
            continue
        for code in facet.codes:
            name = f"{facet.code}.{code}"
            if name in signals:
                told = _signal(tally, facet, name, code in labels, result.scores[facet.code].get(code))
                if told is not None:
                    signals[name][told] += 1
    if result.innovation is not None:
        given[VERDICT, YES] += result.innovation
        if VERDICT in signals:
            signals[VERDICT][int(result.innovation)] += 1


def _signal(tally: Tally, facet: Facet, name: str, given: bool, p: float | None) -> int | None:
    """The signal of a label in one document (see `confusion.py`); None where the file does not tell its probability."""
    known = tally.errors[name]
    if not known.edges:
        return int(given)
    if p is None:
        tally.unscored.add(facet.code)
        return None
    threshold = known.edges[known.given - 1]
    if given != (p >= threshold) and abs(p - threshold) > ROUNDING:
        tally.moved.add(name)
    return bisect_right(known.edges, p)


def group_name(value: object) -> str:
    """A cell as the name of a group: whole numbers alike however the file writes them."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else " ".join(str(value).split())


def shares(tally: Tally, by: Sequence[str] | None = None) -> list[Share]:
    """The share of each label: overall, then in each group, in order of the taxonomy and of the groups' names.

    `by`: fewer columns than were counted by, for the groups that these make.
    """
    kept = [tally.by.index(column) for column in (tally.by if by is None else by)]
    groups = sorted({tuple(group[i] for i in kept) for group in tally.documents}, key=_order) if kept else []
    members: dict[Group, list[Group]] = {(): list(tally.documents)} | {group: [] for group in groups}
    for group in tally.documents if kept else ():
        members[tuple(group[i] for i in kept)].append(group)
    members = {group: parts for group, parts in members.items() if parts}
    documents = np.array([sum(tally.documents[part] for part in parts) for parts in members.values()])
    columns: list[list[Share]] = []
    for facet, name, labels in _questions(tally):
        counted = np.array([[sum(tally.given[p][facet, code] for p in parts) for code in labels] for parts in members.values()])
        reason = _reason(tally, facet, name)
        known = None if reason or not members else _estimated(tally, facet, name, counted, list(members.values()), documents)
        for k, code in enumerate(labels):
            columns.append([])
            for g, group in enumerate(members):
                n = int(documents[g])
                share = Share(facet, code, group, n, int(counted[g, k]), note=reason)
                if known is not None:
                    corrected, lower, upper = (float(part[g, k]) for part in known)
                    note = "few" if n < FEWEST else "moved" if name in tally.moved else ""
                    share = replace(share, corrected=corrected, lower=lower, upper=upper, note=note)
                columns[-1].append(share)
    return [column[g] for g in range(len(members)) for column in columns]


def _order(group: Group) -> list[tuple[bool, float, str]]:
    """Numbers by size, then words, then what is empty."""
    return [(not value, float(value) if value.replace(".", "", 1).isdecimal() else float("inf"), value.lower()) for value in group]


def _is_choice(facet: Facet) -> bool:
    return facet.unit == "document" and facet.choice == "single"


def _questions(tally: Tally) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(facet, name of the confusion, the labels that it tells apart), in order of the taxonomy; the verdict last."""
    for facet in tally.taxonomy.facets:
        if _is_choice(facet):
            yield facet.code, facet.code, facet.codes
        else:
            yield from ((facet.code, f"{facet.code}.{code}", (code,)) for code in facet.codes)
    if any(VERDICT in {facet for facet, _ in given} for given in tally.given.values()):
        yield VERDICT, VERDICT, (YES,)


def _reason(tally: Tally, facet: str, name: str) -> str:
    """Why a share cannot be corrected; empty where it can."""
    known = tally.errors.get(name)
    if known is None:
        return "unknown"
    if known.counts.sum(axis=1).min() < FEWEST_KNOWN:
        return "few_known"
    if (facet in tally.unscored and name in tally.moved) or (name == VERDICT and tally.moved):
        return "thresholds"
    return "" if _tells_apart(known) else "weak"


def _tells_apart(known: Confusion) -> bool:
    """Is each class given its own label surely more often than the others are? (Sensitivity + specificity > 1.)"""
    counts = known.decisions().counts
    right = counts.diagonal()
    of, others = counts.sum(axis=1), counts.sum() - counts.sum(axis=1)
    wrong = counts.sum(axis=0) - right
    hit, false = (right + 0.5) / (of + 1), (wrong + 0.5) / (others + 1)
    error = np.sqrt(hit * (1 - hit) / (of + 1) + false * (1 - false) / (others + 1))
    return bool((hit - false > 1.96 * error).all())


def _estimated(
    tally: Tally, facet: str, name: str, counted: np.ndarray, members: list[list[Group]], documents: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(corrected, lower, upper), shape (groups, labels) each."""
    known = tally.errors[name]
    if facet in tally.unscored and known.edges:  # by what was decided only
        known = known.decisions()
        seen = np.stack([documents - counted[:, 0], counted[:, 0]], axis=1)
    else:
        seen = np.stack([sum((tally.signals[p][name] for p in parts), np.zeros(known.counts.shape[1])) for parts in members])
    share = likeliest(seen, known.counts)
    lower, upper = intervals(seen, known.counts * known.worth, share)
    first = 1 if counted.shape[1] == 1 else 0  # of a label by itself: the share that has it
    return share[:, first:], lower[:, first:], upper[:, first:]
