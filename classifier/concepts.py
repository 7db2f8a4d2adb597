"""Concepts: words of one meaning, gathered by hand in `concepts.tsv`, so that a word never seen in training can still speak.

A line of the table is a concept and its words, bokmål and nynorsk: a whole word, or the beginning of one
(`motstand*`), which also matches the later part of a compound («brukermotstand»).
To change a concept: a word in its line, then `make model`.
"""

from functools import cache
from pathlib import Path

SHORTEST_PART = 5  # letters of a beginning that may stand inside a compound


@cache
def table() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """(whole word -> concepts, beginning -> concepts)"""
    whole: dict[str, tuple[str, ...]] = {}
    beginning: dict[str, tuple[str, ...]] = {}
    for line in (Path(__file__).parent / "concepts.tsv").read_text(encoding="utf-8").splitlines():
        concept, words = line.split("\t")
        for word in words.split():
            kind, key = (beginning, word[:-1]) if word.endswith("*") else (whole, word)
            kind[key] = (*kind.get(key, ()), concept)
    return whole, beginning


@cache
def within() -> tuple[int, frozenset[str], frozenset[str]]:
    """(letters of the longest beginning, the first two of each, the first ones of those long enough to stand inside a compound)"""
    _, beginning = table()
    parts = frozenset(b[:SHORTEST_PART] for b in beginning if len(b) >= SHORTEST_PART)
    return max(map(len, beginning), default=0), frozenset(b[:2] for b in beginning), parts


def concepts_of(token: str, normal: str) -> list[str]:
    """The concepts of a lower-case token with this normal form, each once, in the order of the table's match."""
    whole, beginning = table()
    longest, openings, parts = within()
    found = [*whole.get(token, ()), *whole.get(normal, ())]
    if token[:2] in openings:
        for n in range(2, min(len(token), longest) + 1):
            found += beginning.get(token[:n], ())
    for cut in range(3, len(token) - SHORTEST_PART + 1):
        if token[cut : cut + SHORTEST_PART] in parts:
            for n in range(cut + SHORTEST_PART, min(len(token), cut + longest) + 1):
                found += beginning.get(token[cut:n], ())
    return list(dict.fromkeys(found))
