"""Text: what is mended, where sentences end, which words meet, which language it is.

A case is a row in `cases/*.json`: kind (in-the-wild, synthetic, negative: must stay as it is, known failure), input, expected, comment.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from classifier.preprocessing import TOKEN, language, normal_form, repair, sentences

HERE = Path(__file__).parent
UD = HERE.parent.parent / "shared" / "ud"
KINDS = {"in-the-wild", "synthetic", "negative", "known failure"}

any_text = st.text(st.characters(), max_size=300)  # lone surrogates too
# Text of the kind that splitters and menders look at: marks, breaks, abbreviations, broken characters.
PIECES = [
    *"abÆøåX.!?…:;-–•«»\"'()0189 \n\r\t\0\xad\ufeff\u200b\u0301\u030a\x85\u2028\x1cİ¿ﬁＡÂ\U0001f642",
    *("bl.a. ", "kr. ", "17. ", "\r\n", "Ã¸", "Ãƒ", "â€“", "Meld. St. 30 (2019–2020) ", "inno-\n", "og ", "kommunen "),
]
broken_text = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
texts = any_text | broken_text


def cases(name: str) -> list[Any]:
    rows = json.loads((HERE / "cases" / f"{name}.json").read_text(encoding="utf-8"))
    assert {row["kind"] for row in rows} <= KINDS
    xfail = pytest.mark.xfail(strict=True, reason="known failure")
    return [
        pytest.param(
            row["input"],
            row["expected"],
            id=f"{row['comment']}: {row['input']!r:.40}",
            marks=xfail if row["kind"] == "known failure" else (),
        )
        for row in rows
    ]


@pytest.mark.parametrize(("given_text", "expected"), cases("repair"))
def test_repair_case(given_text: str, expected: str) -> None:
    """What can be mended surely is mended; what is whole, or could be meant so, stays."""
    assert repair(given_text).text == expected


@pytest.mark.parametrize(("text", "expected"), cases("sentences"))
def test_sentences_case(text: str, expected: list[str]) -> None:
    """Norwegian text is cut where a reader would cut it."""
    assert [text[a:b] for a, b in sentences(text)] == expected


@pytest.mark.parametrize(("words", "meet"), cases("normal_forms"))
def test_normal_form_case(words: list[str], meet: bool) -> None:
    """Inflections and nb/nn variants of a word meet; other words do not."""
    assert (normal_form(words[0]) == normal_form(words[1])) is meet


@pytest.mark.parametrize(("text", "expected"), cases("language"))
def test_language_case(text: str, expected: str) -> None:
    """nb, nn or other; names, quotes and titles do not mislead."""
    assert language(text) == expected


@given(texts)
@example("a.\x85b")
@example("A. \x1c B.")
def test_sentence_offsets(text: str) -> None:
    """Sentences are trimmed, in order, disjoint, and cover every character that is not white space."""
    spans = sentences(text)
    at = 0
    for start, end in spans:
        assert at <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        assert not text[at:start].strip()
        at = end
    assert not text[at:].strip()


@given(texts)
@example("Ａ\u030a")
@example("ÃƒÂ¸")
@example("Â\xad\n")
def test_repair_is_idempotent(text: str) -> None:
    """Mending twice changes nothing."""
    once = repair(text).text
    assert repair(once).text == once


@given(texts)
def test_repair_knows_where_characters_came_from(text: str) -> None:
    """Every mended character stands for a piece of the text as given, in order; a piece of one letter or digit stands for itself."""
    mended = repair(text)
    spans = [mended.span(i, i + 1) for i in range(len(mended.text))]
    assert all(0 <= a < b <= len(text) for a, b in spans)
    assert all(a <= c and b <= d for (a, b), (c, d) in zip(spans, spans[1:], strict=False))
    for char, (a, b) in zip(mended.text, spans, strict=True):
        piece = text[a:b]
        if len(piece) == 1 and piece.isascii() and piece.isalnum():
            assert char == piece


NOISE = st.sampled_from(["", "\xad", "\u200b", "\0", "\ufeff", "\xad\xad"])
GAP = st.sampled_from([" ", "\r\n", " \0", "\xad ", "\n\n", " \u200b "])


@given(
    st.lists(
        st.tuples(st.from_regex(r"[a-zæøå]{2,8}", fullmatch=True), NOISE, st.from_regex(r"[a-zæøå]{2,8}", fullmatch=True), GAP), max_size=12
    )
)
def test_repaired_words_point_back(parts: list[tuple[str, str, str, str]]) -> None:
    """A word with noise in it is one word after mending, and its span points at the word with the noise."""
    text, expected = "", []
    for first, noise, second, gap in parts:
        word = first + noise + second
        expected.append((first + second, (len(text), len(text) + len(word))))
        text += word + gap
    mended = repair(text)
    assert [(m[0], mended.span(*m.span())) for m in TOKEN.finditer(mended.text)] == expected


@given(texts)
def test_language_has_three_answers(text: str) -> None:
    """Any text has one of three languages."""
    assert language(text) in ("nb", "nn", "other")


@given(st.text(min_size=1, max_size=40))
def test_normal_form_takes_any_word(word: str) -> None:
    """Any word has a normal form; capitals do not matter, and the answer is always the same."""
    form = normal_form(word)
    assert form
    assert normal_form(word.lower()) == form == normal_form(word)


def test_compounds_share_their_parts() -> None:
    """A compound and its parts share features, even where no lexicon knows the compound."""
    from classifier.features import token_features

    whole = set(token_features("innkjøpsreglement"))
    for part in ("innkjøp", "reglement"):
        assert len(whole & set(token_features(part))) >= 0.5 * len(token_features(part))


LONG = {
    "prose": "Kommunen har tatt i bruk en ny løsning. " * 100_000,
    "leaders": "." * 200_000 + "x",
    "one word": "a" * 200_000,
    "short lines": "Kap. 5 \n" * 200_000,
    "hyphens": "-\n" * 400_000,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_long_texts_take_linear_time(text: str) -> None:
    """A text of several hundred thousand characters, of whatever kind, is read in seconds: no step is quadratic."""
    began = time.process_time()
    mended = repair(text)
    sentences(mended.text)
    for token in set(TOKEN.findall(mended.text)):
        normal_form(token)
    assert time.process_time() - began < 10


@pytest.fixture(scope="module")
def bench() -> Any:
    sys.path.insert(0, str(HERE.parent / "benchmarks"))
    import preprocessing

    yield preprocessing
    sys.path.remove(str(HERE.parent / "benchmarks"))


FLOORS = [("nb", 0.949, 0.88), ("nn", 0.919, 0.75)]


@pytest.mark.skipif(not UD.exists(), reason="the Universal Dependencies texts are not shipped")
@pytest.mark.parametrize(("lang", "sentence_floor", "pair_floor"), FLOORS, ids=["nb", "nn"])
def test_quality_floor(bench: Any, lang: str, sentence_floor: float, pair_floor: float) -> None:
    """Sentences, forms and language are better than the best that was measured elsewhere (shared/components.md)."""
    assert bench.boundary_score(UD / f"{lang}-dev.sentences.txt", sentences)[2] > sentence_floor
    assert bench.pair_score(UD / f"{lang}-dev.lemmas.tsv", normal_form)[2] > pair_floor
    told = [language(" ".join(block)) == lang for block in bench.blocks(UD / f"{lang}-dev.sentences.txt")]
    assert sum(told) / len(told) >= 0.99
