"""Which language a text is in, by its function words."""

import re
from functools import cache
from pathlib import Path
from typing import Literal

Language = Literal["nb", "nn", "other"]
WORD = re.compile(r"[^\W\d_]+")
NORWEGIAN = ("nb", "nn")


@cache
def function_words() -> dict[str, tuple[str, ...]]:
    """Word -> the languages of `function_words.tsv` that it speaks for."""
    table: dict[str, tuple[str, ...]] = {}
    for line in (Path(__file__).parent / "function_words.tsv").read_text(encoding="utf-8").splitlines():
        lang, words = line.split("\t")
        for word in words.split():
            table[word] = (*table.get(word, ()), lang)
    return table


def language(text: str) -> Language:
    """`nb`, `nn`, or `other` for a text whose function words are another language's (English, Danish, Swedish, German …).

    A word of several languages counts for each of them, less the more they are. A text without any function word (a title,
    a list of names) is taken for `nb`.
    """
    table = function_words()
    score: dict[str, float] = dict.fromkeys(("nb", "nn"), 0.0)
    for word in WORD.findall(text.lower()):
        langs = table.get(word, ())
        for lang in langs:
            score[lang] = score.get(lang, 0.0) + 1 / len(langs) ** 2
    best = max(score, key=lambda lang: (score[lang], lang in NORWEGIAN, lang == "nb"))
    if best in NORWEGIAN or score[best] < 1.3 * max(score["nb"], score["nn"]):  # in doubt a text is Norwegian
        return "nn" if score["nn"] > score["nb"] else "nb"
    return "other"
