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
def _longest_beginning() -> int:
    return max(map(len, table()[1]), default=0)


def concepts_of(token: str, normal: str) -> list[str]:
    """The concepts of a lower-case token with this normal form, each once, in the order of the table's match."""
    whole, beginning = table()
    found = [*whole.get(token, ()), *whole.get(normal, ())]
    longest = _longest_beginning()  # a «word» may be a million letters long: look no further than can match
    for n in range(2, min(len(token), longest) + 1):
        found += beginning.get(token[:n], ())
    for cut in range(3, len(token) - SHORTEST_PART + 1):
        for n in range(cut + SHORTEST_PART, min(len(token), cut + longest) + 1):
            found += beginning.get(token[cut:n], ())
    return list(dict.fromkeys(found))
