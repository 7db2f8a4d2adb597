"""Where sentences of Norwegian text end: rules about single chunks (what stands between white space) and their neighbours.

Abbreviations are data (`abbreviations.tsv`: `inside` never ends a sentence, `may_end` does before a capital). A line break ends a
sentence when the line looks finished or the next one starts something: a list item, a heading, a new paragraph.

What a chunk alone tells is told once, by `edges`; `boundaries` then looks at all chunks of many texts at a time.
"""

import re
from functools import cache
from pathlib import Path

import numpy as np

# Sentence-final characters with the closing quotes and brackets that belong to them.
FINAL = re.compile(r"(?<![.!?…])(?:\.{2,}|[.!?…]+)[\"'»”’)\]]*$")
OPENING = "«\"'“‘(["
DASHES = "–—-•*·"
BULLET = re.compile(r"\s*(?:[-–—•*·▪◦●]\s|\(?\d{1,2}[.)]\s|\(?[a-zæøå]\)\s)")
LAST_WORD = re.compile(r"[^(«\"“\[]+$")
CAPITALS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZÆØÅ")

# How a chunk may end a sentence, each before fewer kinds of following chunk than the one above.
STRONG = 1  # before anything but a small letter, which only survey answers start a sentence with: «Hva nå?» spør hun
SOFT = 2  # before anything but a small letter
NUMERAL = 4  # nor before a digit: «12. 3.»
ORDINAL = 8  # nor where it opens a line or sentence itself: «1. Vi vil ha …»
COLON = 16  # before a clause with a capital: «Slik: Vi …»
CLOSED = 32  # before a line of dialogue: «… er bra. - Ja»
# How a chunk opens. A lone dash or bracket (BARE) opens as what comes after it does.
LOWER, DIGIT, BARE = 64, 128, 256
FIRST_LOWER, FIRST_DIGIT, FIRST_CAPITAL, QUOTED_CAPITAL, DASH = 512, 1024, 2048, 4096, 8192


@cache
def abbreviations() -> dict[str, str]:
    """Abbreviation without its last full stop -> `inside` or `may_end`."""
    table: dict[str, str] = {}
    for line in (Path(__file__).parent / "abbreviations.tsv").read_text(encoding="utf-8").splitlines():
        kind, words = line.split("\t")
        table |= dict.fromkeys(words.split(), kind)
    return table


def edges(chunk: str) -> int:
    """How a chunk opens and how it may end a sentence, as the sum of the codes above."""
    opening = chunk[:3].lstrip(OPENING + DASHES)[:1]
    code = LOWER * opening.islower() + DIGIT * opening.isdigit()
    code += FIRST_LOWER * chunk[0].islower() + FIRST_DIGIT * chunk[0].isdigit() + FIRST_CAPITAL * (chunk[0] in CAPITALS)
    code += QUOTED_CAPITAL * (chunk.removeprefix("«")[:1] in CAPITALS)
    last = chunk[-1]
    if last.isalnum() or last in '_»"':
        code += CLOSED
    if last == ":" and (chunk[-2:-1].isalnum() or chunk[-2:-1] == "_"):
        code += COLON
    if len(chunk) == 1 and chunk in OPENING + DASHES:
        code += BARE + DASH * (chunk == "-")
    return code + _ending(chunk)


def _ending(chunk: str) -> int:
    """STRONG, SOFT, NUMERAL, ORDINAL, or 0 for a chunk that ends no sentence of itself."""
    match = FINAL.search(chunk)
    if not match:
        return 0
    mark = match[0]
    if mark[0] != "." or mark.startswith(".."):
        return STRONG
    before = LAST_WORD.search(chunk, max(0, match.start() - 40), match.start())
    word = before[0] if before else ""
    kind = abbreviations().get(word.lower())
    if kind == "may_end":
        return SOFT
    if len(mark) == 1:
        if kind == "inside" or (len(word) == 1 and word.isupper()):  # … or an initial
            return 0
        if word.isdigit() and len(word) <= 2:
            return NUMERAL if before and before.start() else ORDINAL
    return STRONG if len(word) > 2 and not word.isdigit() else SOFT


def boundaries(codes: np.ndarray, spaced: np.ndarray, informal: np.ndarray, opens: np.ndarray) -> np.ndarray:
    """Which chunks are the last of a sentence, line breaks aside; bool, shape (chunks,) like all that is given.

    codes     `edges` of each chunk
    spaced    one blank, and nothing else, stands between the chunk and the next one
    informal  the text is written without capitals
    opens     the chunk stands at the beginning of its line or sentence
    """
    here, spaced_next = codes, np.append(spaced[1:], False)
    following = np.append(codes[1:], 0)
    after = np.append(codes[2:], [0, 0])[: len(codes)]
    through = (following & BARE > 0) & spaced_next
    lower = (following & LOWER > 0) | (through & (after & FIRST_LOWER > 0))
    digit = (following & DIGIT > 0) | (through & (after & FIRST_DIGIT > 0))
    ends: np.ndarray = (here & STRONG > 0) & ~(lower & ~informal)
    ends |= (here & SOFT > 0) & ~lower
    ends |= (here & NUMERAL > 0) & ~lower & ~digit
    ends |= (here & ORDINAL > 0) & ~lower & ~digit & ~opens
    ends |= (here & COLON > 0) & spaced & (following & QUOTED_CAPITAL > 0)
    ends |= (here & CLOSED > 0) & spaced & (following & DASH > 0) & spaced_next & (after & FIRST_CAPITAL > 0)
    return ends


def is_informal(text: str) -> bool:
    """Survey answers are written without capitals; there a full stop is all that ends a sentence."""
    return next((c for c in text if c.isalpha()), "X").islower()


def line_ends(text: str) -> set[int]:
    """Offsets of the line breaks that end a sentence."""
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
