"""What the pages say, and how they write numbers: one table of texts for each language in `assets/`."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of a language by key; `precise` is set where there are so many texts that a tenth of a per cent means something."""

    language: str
    text: dict[str, str]
    precise: bool = False

    def __getitem__(self, key: str) -> str:
        return self.text[key]

    def say(self, key: str, **values: Any) -> str:
        """A text with what is in braces put in; whole numbers are written as numbers are."""
        return self.text[key].format(**{name: self.number(v) if isinstance(v, int) else v for name, v in values.items()})

    def number(self, n: int) -> str:
        return f"{n:,}".replace(",", self.text["thousands"])

    def score(self, value: float | None) -> str:
        """A probability or an F1, two decimals."""
        return "–" if value is None else f"{value:.2f}".replace(".", self.text["decimal"])

    def axis(self, value: float) -> str:
        """A number on an axis: whole where it is more than one, else as short as it can be."""
        return self.number(round(value)) if value > 1.5 else f"{value:.2g}".replace(".", self.text["decimal"])

    def share(self, value: float | None) -> str:
        """A share in per cent."""
        return "–" if value is None else self.text["percent"].format(value=self._per_cent(value))

    def interval(self, low: float | None, high: float | None) -> str:
        """An interval of shares in per cent."""
        if low is None or high is None:
            return "–"
        return self.text["percent"].format(value=f"{self._per_cent(low)}–{self._per_cent(high)}")

    def _per_cent(self, value: float) -> str:
        return f"{100 * value:.{1 if self.precise else 0}f}".replace(".", self.text["decimal"])

    def score_interval(self, value: float | None, interval: Iterable[float] | None) -> str:
        """A score with its interval, as 0,75 (0,70–0,80)."""
        if value is None or interval is None:
            return self.score(value)
        low, high = map(self.score, interval)
        return self.text["interval_of"].format(value=self.score(value), low=low, high=high)


def wording(language: str, precise: bool = False) -> Wording:
    """The texts of `nb`, `nn` or `en`."""
    return Wording(language, tomllib.loads(asset(f"{language}.toml")), precise)


def asset(name: str) -> str:
    """A file that comes with the package."""
    return (files("classifier.report") / "assets" / name).read_text(encoding="utf-8")


def ordered(values: Iterable[str]) -> list[str]:
    """As people sort: numbers by size, also inside words, Norwegian letters in their order, and what is empty last."""
    return sorted(values, key=lambda value: (not value, _sorting(value)))


def _sorting(value: str) -> list[tuple[int, int, str]]:
    word = value.casefold().replace("å", "\uffff")  # in Unicode it stands before æ and ø
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", word) if part]
