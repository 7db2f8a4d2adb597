"""What a token is to the model: its features by name.

To add one: a line in `token_features`, its kind and weight beside it, then `make model`.
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


def token_features(token: str) -> list[str]:
    """The features of one lower-case token: its normal form, its concepts, and the character n-grams of the padded word."""
    if token.isdigit():
        return [f"{WORD}#{len(token)}"]
    token = token[:LONGEST]
    normal = normal_form(token)
    padded = f"<{token}>"
    grams = [CHARS + padded[i : i + n] for n in range(NGRAM[0], NGRAM[1] + 1) for i in range(len(padded) - n + 1)]
    return [WORD + normal, *(CONCEPT + c for c in concepts_of(token, normal)), *grams]


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
