"""Which language a text is in, by its function words."""

import re
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

Language = Literal["nb", "nn", "other"]
WORD = re.compile(r"[^\W\d_]+")
NORWEGIAN = ("nb", "nn")  # the first two rows of `function_words.tsv`
WHOLE = 3600  # a vote, shared by up to six languages in whole numbers


@cache
def function_words() -> tuple[tuple[str, ...], dict[str, tuple[int, ...]]]:
    """(the languages of `function_words.tsv`, word -> those it speaks for)"""
    languages: list[str] = []
    table: dict[str, tuple[int, ...]] = {}
    for line in (Path(__file__).parent / "function_words.tsv").read_text(encoding="utf-8").splitlines():
        lang, words = line.split("\t")
        for word in words.split():
            table[word] = (*table.get(word, ()), len(languages))
        languages.append(lang)
    return tuple(languages), table


def votes(text: str) -> list[int]:
    """What the words of a text say: per language of the table first the weight of its votes, then, likewise, their number.

    A word of several languages counts for each of them, less the more they are.
    """
    languages, table = function_words()
    said = [0] * (2 * len(languages))
    for word in WORD.findall(text.lower()):
        langs = table.get(word, ())
        for lang in langs:
            said[lang] += WHOLE // len(langs) ** 2
            said[len(languages) + lang] += 1
    return said


def elected(said: np.ndarray) -> list[Language]:
    """Summed votes of texts, shape (texts, 2 × languages) -> the language of each.

    `other` is a text whose function words are another language's (English, Danish, Swedish, German …). In doubt a text is Norwegian:
    another language must win clearly, and have more of the words (an English name or quote does not make a text English). A text without
    any function word (a title, a list of names) is taken for `nb`.
    """
    n = said.shape[1] // 2
    weight, hits = said[:, :n], said[:, n:]
    every = np.arange(len(said))
    norwegian, best = (weight[:, 1] > weight[:, 0]).astype(int), weight.argmax(axis=1)
    clearly = (weight[every, best] >= 1.3 * weight[every, norwegian]) & (hits[every, best] >= hits[every, norwegian])
    other = (best >= len(NORWEGIAN)) & clearly
    return ["other" if o else "nn" if nn else "nb" for o, nn in zip(other.tolist(), norwegian.tolist(), strict=True)]


def language(text: str) -> Language:
    """`nb`, `nn`, or `other`; see `elected`."""
    return elected(np.array([votes(text)]))[0]
