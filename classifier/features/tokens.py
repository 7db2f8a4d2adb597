"""What a token is to the model: its features by name.

To add one: a line in `named_features`, its kind and weight beside it, then `make model`.
"""

from collections.abc import Sequence

from classifier.concepts import concepts_of
from classifier.preprocessing import normal_form

# A feature's first letter tells its kind: normal form, character n-gram, pair of normal forms, concept, pair of concepts.
WORD, CHARS, PAIR, CONCEPT, CONCEPT_PAIR = "w", "c", "b", "k", "p"
KIND_WEIGHT = {WORD: 1.0, CHARS: 0.35, PAIR: 0.7, CONCEPT: 1.0, CONCEPT_PAIR: 0.7}
NGRAM = (3, 5)
LONGEST = 1000  # letters of a token that are looked at: what is longer is no word
PAIRS = {PAIR: WORD, CONCEPT_PAIR: CONCEPT}
REACH = {PAIR: 2, CONCEPT_PAIR: 3}  # how many units further on the second of a pair may stand


def named_features(token: str) -> list[str]:
    """Of one lower-case token its normal form and its concepts; of a number the count of its digits."""
    if token.isdigit():
        return [f"{WORD}#{len(token)}"]
    normal = normal_form(token[:LONGEST])
    return [WORD + normal, *(CONCEPT + c for c in concepts_of(token[:LONGEST], normal))]


def padded(token: str) -> str:
    """What of a token is cut into character n-grams: nothing of a number, else the word between two marks."""
    return "" if token.isdigit() else f"<{token[:LONGEST]}>"


def token_features(token: str) -> list[str]:
    """The features of one lower-case token: its normal form, its concepts, and its character n-grams."""
    word = padded(token)
    grams = [CHARS + word[i : i + n] for n in range(NGRAM[0], NGRAM[1] + 1) for i in range(len(word) - n + 1)]
    return named_features(token) + grams


def pair_features(tokens: Sequence[list[str]]) -> list[str]:
    """The pairs of a sentence from the features of its tokens: neighbouring words, and neighbouring concepts."""
    streams = {PAIR: [names[0][1:] for names in tokens], CONCEPT_PAIR: [n[1:] for names in tokens for n in names if n[0] == CONCEPT]}
    return [
        f"{pair}{a} {b}"
        for pair, stream in streams.items()
        for gap in range(1, REACH[pair] + 1)
        for a, b in zip(stream, stream[gap:], strict=False)
    ]


def parts_of(name: str) -> set[str]:
    """The features that a pair is made of; none for any other feature."""
    return {PAIRS[name[0]] + part for part in name[1:].split(" ")} if name[0] in PAIRS else set()
