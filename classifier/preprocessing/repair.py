"""Broken text is mended where it can be mended surely, and every character knows where it came from.

To add a fix: a row (name, pattern, replacement) in `FIXES`, and a case in `tests/cases/repair.json`.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Repaired:
    """Mended text. Character i stands for `[starts[i], ends[i])` of the text as given (None: nothing was moved)."""

    text: str
    starts: tuple[int, ...] | None = None
    ends: tuple[int, ...] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """A non-empty span of the mended text as a span of the text as given."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def _mojibake() -> dict[str, str]:
    """What the characters of Norwegian text become when their UTF-8 is read as Windows-1252 or Latin-1."""
    table = {}
    latin = "".join(map(chr, range(0xA0, 0x100)))
    for char in latin + "šđŋŧžŠĐŽ–—‘’“”„…€•→ˆ˜†‡‰‹›œŒŸ™":
        raw = char.encode()
        for encoding in ("cp1252", "latin-1"):
            # Windows-1252 leaves five bytes undefined; browsers and ftfy read those as Latin-1 does
            table["".join(bytes([b]).decode(encoding, "ignore") or chr(b) for b in raw)] = char
    del table["Å\xa0"]  # the infinitive mark before a space that must not break; Š is rarer by far
    return table


MOJIBAKE = _mojibake()
MAC = {"¿": "ø", "¾": "æ", "Œ": "å"}  # Mac Roman read as Windows-1252, only inside words

Replacement = Callable[[re.Match[str]], str]
FIXES: list[tuple[str, re.Pattern[str], Replacement]] = [
    ("carriage returns", re.compile("\r\n?"), lambda m: "\n"),
    ("soft hyphens", re.compile("\xad\n?|\ufeff|[\u200b-\u200f\u2060]"), lambda m: ""),
    ("control characters", re.compile("[\x00-\x08\x0e-\x1f\x7f]"), lambda m: ""),
    ("utf-8 read as windows-1252", re.compile("|".join(map(re.escape, sorted(MOJIBAKE, key=len, reverse=True)))), lambda m: MOJIBAKE[m[0]]),
    ("mac roman", re.compile(r"(?<=[a-zæøå])[¿¾Œ](?=[a-zæøå])"), lambda m: MAC[m[0]]),
    ("letters in two parts", re.compile("[^\\W\\d_][\u0300-\u036f]+"), lambda m: unicodedata.normalize("NFC", m[0])),
    ("ligatures and full-width forms", re.compile("[ﬀ-ﬆ！-～]"), lambda m: unicodedata.normalize("NFKC", m[0])),
    # «inno-\nvasjon» is one word; «bruker-\nog» and «IKT-\n» are not
    ("words broken over lines", re.compile(r"(?<=[a-zæøå]{2})[-‐][ \t]*\n[ \t]*(?=[a-zæøå]{2})(?!(?:og|eller|samt|til)\b)"), lambda m: ""),
]
_ALONE = "\x00-\x08\x0e-\x1f\x7f\r\xad\ufeff\u200b-\u200f\u2060\u0300-\u036fﬀ-ﬆ！-～¿¾Œ"
_FIRST, _SECOND = ("".join(sorted({re.escape(key[i]) for key in MOJIBAKE})) for i in (0, 1))
# Nothing of the above can match a text without one of these. (One set of characters comes first, so that the scan is quick.)
SUSPECT = re.compile(f"[{_ALONE}{_FIRST}‐-](?:(?<=[{_ALONE}])|(?<=[{_FIRST}])[{_SECOND}]|(?<=[-‐])[ \t]*\n)")


def repair(text: str) -> Repaired:
    """The mended text, with the way back to the offsets of the text as given.

    The fixes are gone through until none finds anything: one can uncover work for another, and some text was broken twice.
    """
    if not SUSPECT.search(text):
        return Repaired(text)
    starts, ends = list(range(len(text))), list(range(1, len(text) + 1))
    original, before = text, ""
    while text != before:
        before = text
        for _, pattern, replacement in FIXES:
            text, starts, ends = _applied(pattern, replacement, text, starts, ends)
    return Repaired(text) if text == original else Repaired(text, tuple(starts), tuple(ends))


def _applied(
    pattern: re.Pattern[str], replacement: Replacement, text: str, starts: list[int], ends: list[int]
) -> tuple[str, list[int], list[int]]:
    """Text, starts and ends after one fix."""
    pieces: list[str] = []
    new_starts: list[int] = []
    new_ends: list[int] = []
    at = 0
    for match in pattern.finditer(text):
        new = replacement(match)
        pieces += text[at : match.start()], new
        new_starts += starts[at : match.start()] + [starts[match.start()]] * len(new)
        new_ends += ends[at : match.start()] + [ends[match.end() - 1]] * len(new)
        at = match.end()
    if not at:
        return text, starts, ends
    return "".join(pieces) + text[at:], new_starts + starts[at:], new_ends + ends[at:]
