"""Which language a text is in, by its function words."""

import re
from collections import Counter
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

    A word of several languages counts for each of them, less the more they are. In doubt a text is Norwegian: another language must
    win clearly, and have more of the words (an English name or quote does not make a text English). A text without any function word
    (a title, a list of names) is taken for `nb`.
    """
    table = function_words()
    score: dict[str, float] = dict.fromkeys(NORWEGIAN, 0.0)
    hits: Counter[str] = Counter()
    for word in WORD.findall(text.lower()):
        langs = table.get(word, ())
        hits.update(langs)
        for lang in langs:
            score[lang] = score.get(lang, 0.0) + 1 / len(langs) ** 2
    norwegian = "nn" if score["nn"] > score["nb"] else "nb"
    best = max(score, key=lambda lang: score[lang])
    clearly = score[best] >= 1.3 * score[norwegian] and hits[best] >= hits[norwegian]
    return "other" if best not in NORWEGIAN and clearly else norwegian  # type: ignore[return-value]
