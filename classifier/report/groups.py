"""The columns that a report counts by: their values as people name them, years and months in order, and many small ones together."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from classifier.documents.results import Result
from classifier.errors import ClassifierError
from classifier.prevalence.shares import group_name
from classifier.report.wording import Wording, ordered

MOST_GROUPS = 40  # in a table, the rest stand together
MOST_VALUES = 5_000  # in a filter

PERIOD = re.compile(r"((?:18|19|20)\d\d)(?:-(0[1-9]|1[0-2])(?:-\d\d(?:[T ].*)?)?)?")  # 2023, 2023-05, 2023-05-17 and with a time of day
UNWRITABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")  # in a picture
NORWEGIAN_DATE = re.compile(r"[0-3]?\d\.[01]?\d\.((?:18|19|20)\d\d)")  # 17.5.2023


@dataclass(frozen=True)
class Groups:
    """A column: the value of each row, and the name of the group that it is counted in.

    `choices` and `order`: the values and the groups from first to last. `times`: the place of each group on a time axis, where the column
    holds years, months or dates. `apart`: how many groups stand by themselves, where not all do.
    """

    column: str
    values: list[str]
    choices: list[str]
    counted: list[str]
    order: list[str]
    times: dict[str, float]
    apart: int = 0

    def rows(self, results: Sequence[Result]) -> list[Result]:
        """The rows with nothing but their group, to be counted."""
        return [replace(r, fields={self.column: group}) for r, group in zip(results, self.counted, strict=True)]


def groups(results: Sequence[Result], column: str, wording: Wording) -> Groups:
    """A column of the results. Raises `ClassifierError` where it has too many values to make groups."""
    values = [_name(r.fields.get(column)) for r in results]
    different = set(values)
    periods = {value: period for value in different if (period := _period(value))}
    timed = bool(periods) and len(periods) == len(different - {""})
    if timed:
        months = all(len(p) > 4 for p in periods.values()) and len(set(periods.values())) <= MOST_GROUPS
        values = [periods.get(v, "")[: 7 if months else 4] for v in values]
        different = set(values)
    elif len(different) > MOST_VALUES:
        raise ClassifierError(f"--by {column}: {len(different)} different values make no groups; choose another column")
    shown = {value: value or wording["missing"] for value in different}
    times = {shown[v]: int(v[:4]) + (int(v[5:] or 1) - 1) / 12 for v in different if v} if timed else {}
    choices = order = [shown[value] for value in ordered(different)]
    counted, apart = [shown[v] for v in values], 0
    if len(order) > MOST_GROUPS and not times:
        largest = {value for value, _ in Counter(counted).most_common(MOST_GROUPS)}
        others = wording.say("others", n=len(order) - MOST_GROUPS)
        counted = [value if value in largest else others for value in counted]
        order, apart = [*(value for value in order if value in largest), others], MOST_GROUPS
    return Groups(column, [shown[v] for v in values], choices, counted, order, times, apart)


def _name(value: object) -> str:
    """A cell as the name of a group, as `summarise` has it; days without the time of day, and what a picture can show."""
    if isinstance(value, date):  # with or without a time of day
        return value.isoformat()[:10]
    return UNWRITABLE.sub("\ufffd", group_name(value))


def _period(value: str) -> str:
    """The year, or year and month, of a value; empty where it is no time."""
    if found := PERIOD.fullmatch(value):
        return f"{found[1]}-{found[2]}" if found[2] and len(value) <= 7 else found[1]
    if found := NORWEGIAN_DATE.fullmatch(value):
        return found[1]
    return ""
