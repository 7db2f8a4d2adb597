"""Offsets as annotation tools count them, and as we do (code points of the text as given).

points      Unicode code points, as Python: Label Studio, Prodigy
utf16       UTF-16 code units, as JavaScript: doccano
graphemes   what a reader sees as one character: doccano with «Count grapheme clusters as one character»
"""

from itertools import accumulate

import regex

from classifier.errors import ClassifierError

UNITS = ("points", "utf16", "graphemes")


def edges(text: str, unit: str) -> list[int]:
    """For each offset of the unit, from 0 to the length of the text, the code point it stands before; -1 inside a code point."""
    if unit == "utf16":
        out = []
        for i, c in enumerate(text):
            out += [i, -1] if ord(c) > 0xFFFF else [i]
        return [*out, len(text)]
    if unit == "graphemes":
        return [0, *accumulate(len(cluster) for cluster in regex.findall(r"\X", text))]
    return list(range(len(text) + 1))


def to_points(text: str, start: int, end: int, unit: str) -> tuple[int, int]:
    """A tool's span in code points, white space at its ends left out. Raises `ClassifierError` for one that is no span of the text."""
    at = edges(text, unit)
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end < len(at)) or -1 in (at[start], at[end]):
        raise ClassifierError(f"span {start}–{end} does not fit the text ({len(at) - 1} {unit})")
    start, end = at[start], at[end]
    piece = text[start:end]
    if not piece.strip():
        raise ClassifierError(f"span {start}–{end} holds white space only")
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())


def from_points(text: str, start: int, end: int, unit: str) -> tuple[int, int]:
    """A span of code points as a tool counts it; one that begins or ends inside a grapheme takes the whole of it."""
    at = edges(text, unit)
    first = max(i for i, point in enumerate(at) if 0 <= point <= start)
    last = min(i for i, point in enumerate(at) if point >= end)
    return first, last
