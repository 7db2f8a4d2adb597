"""Sentences of Norwegian text, with offsets into the text as given.

Abbreviations are data (`abbreviations.tsv`: `inside` never ends a sentence, `may_end` does before a capital). A line break ends a
sentence when the line looks finished or the next one starts something: a list item, a heading, a new paragraph.
"""

import re
from functools import cache
from pathlib import Path

# Sentence-final characters with the closing quotes and brackets that belong to them.
FINAL = re.compile(r"(?<![.!?…])(?:\.{2,}|[.!?…]+)[\"'»”’)\]]*(?=\s|$)")
# What needs no full stop before it: a clause with a capital after a colon, a line of dialogue after a dash.
CAPITAL_AFTER = re.compile(r"(?<=\w): (?=«?[A-ZÆØÅ])|(?<=[\w»\"]) (?=- [A-ZÆØÅ])")
OPENING = "«\"'“‘(["
DASHES = "–—-•*·"
BULLET = re.compile(r"\s*(?:[-–—•*·▪◦●]\s|\(?\d{1,2}[.)]\s|\(?[a-zæøå]\)\s)")
LAST_WORD = re.compile(r"[^\s(«\"“\[]+$")
SPACE = re.compile(r"\s*")


@cache
def abbreviations() -> dict[str, str]:
    """Abbreviation without its last full stop -> `inside` or `may_end`."""
    table: dict[str, str] = {}
    for line in (Path(__file__).parent / "abbreviations.tsv").read_text(encoding="utf-8").splitlines():
        kind, words = line.split("\t")
        table |= dict.fromkeys(words.split(), kind)
    return table


def sentences(text: str) -> list[tuple[int, int]]:
    """The sentences of a text as (start, end) offsets: trimmed, in order, disjoint, covering all that is not white space."""
    spans = []
    start = 0
    informal = _informal(text)
    finals = {m.end() for m in FINAL.finditer(text) if _ends(text, m, informal)}
    for end in sorted(finals | {m.end() for m in CAPITAL_AFTER.finditer(text)} | _line_ends(text) | {len(text)}):
        piece = text[start:end]
        stripped = piece.strip()
        if stripped:
            left = start + len(piece) - len(piece.lstrip())
            spans.append((left, left + len(stripped)))
        start = end
    return spans


def _informal(text: str) -> bool:
    """Survey answers are written without capitals; there a full stop is all that ends a sentence."""
    return next((c for c in text if c.isalpha()), "X").islower()


def _ends(text: str, match: re.Match[str], informal: bool) -> bool:
    """Does this full stop (or ! or ?) end a sentence?"""
    after = SPACE.match(text, match.end()).end()  # type: ignore[union-attr]  # it matches everywhere
    following = text[after : after + 3]
    if not following:
        return True
    mark = match[0]
    first = following.lstrip(OPENING + DASHES + " ")[:1]
    before = LAST_WORD.search(text, max(0, match.start() - 40), match.start())
    word = before[0] if before else ""
    if first.islower() and not informal:
        # «Hva nå?» spør hun · … og så videre
        return False
    if mark[0] != "." or mark.startswith(".."):
        return True
    kind = abbreviations().get(word.lower())
    if kind == "inside" and len(mark) == 1:
        return False
    if kind == "may_end":
        return not first.islower()
    if len(word) == 1 and word.isupper() and len(mark) == 1:  # an initial
        return False
    if word.isdigit() and len(mark) == 1:
        at = before.start() if before else 0
        while at and text[at - 1] in " \t":
            at -= 1
        opens = text[max(at - 1, 0) : at] in ("", *"\n.!?:")
        if opens and len(word) <= 2:  # «1. Vi vil ha …»
            return False
        if len(word) <= 2 and first.isdigit():
            return False
    if first.islower():
        return len(word) > 2 and not word.isdigit()
    return True


def _line_ends(text: str) -> set[int]:
    """Offsets of the line breaks that end a sentence."""
    if "\n" not in text:
        return set()
    lines = text.split("\n")
    longest = max(map(len, lines))
    ends, at = set(), 0
    for line, following in zip(lines, lines[1:], strict=False):
        at += len(line) + 1
        nxt = following.lstrip()
        wrapped = len(line) > 45 and len(line) > 0.7 * longest and line.rstrip()[-1:] not in ".!?:;…" and not BULLET.match(following)
        if not (nxt[:1].islower() and line.strip() and not BULLET.match(following)) and not (wrapped and nxt):
            ends.add(at)
    return ends
