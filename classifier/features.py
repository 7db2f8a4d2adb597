"""Text -> sparse TF-IDF rows, one a sentence and one a document, in one pass.

What a single token contributes is decided in `token_features`; word bigrams are added where both words are known. The features of a
token are computed once per distinct token; counting is two sparse products, so that Python never loops over features.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse

from classifier.concepts import concepts_of
from classifier.preprocessing import TOKEN, Repaired, normal_form, repair, sentences

# A feature's first letter tells its kind: normal form, character n-gram, pair of normal forms, concept, pair of concepts.
WORD, CHARS, PAIR, CONCEPT, CONCEPT_PAIR = "w", "c", "b", "k", "p"
KIND_WEIGHT = {WORD: 1.0, CHARS: 0.35, PAIR: 0.7, CONCEPT: 1.0, CONCEPT_PAIR: 0.7}
NGRAM = (3, 5)
CACHED_TOKENS = 200_000
PAIRS = {PAIR: WORD, CONCEPT_PAIR: CONCEPT}
REACH = {PAIR: 2, CONCEPT_PAIR: 3}  # how many units further on the second of a pair may stand

Matrix: TypeAlias = Any  # scipy.sparse.csr_matrix, which comes without types


def token_features(token: str) -> list[str]:
    """The features of one lower-case token: its normal form, its concepts, and the character n-grams of the padded word."""
    if token.isdigit():
        return [f"{WORD}#{len(token)}"]
    normal = normal_form(token)
    padded = f"<{token}>"
    grams = [f"{CHARS}{padded[i : i + n]}" for n in range(NGRAM[0], NGRAM[1] + 1) for i in range(len(padded) - n + 1)]
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


@dataclass(frozen=True, slots=True)
class Passage:
    """A text, mended and cut: sentence spans in the mended text, and the lower-case tokens of each sentence."""

    repaired: Repaired
    spans: list[tuple[int, int]]
    tokens: list[list[str]]


def passage(text: str) -> Passage:
    """Mend a text, cut it into sentences and these into tokens."""
    repaired = repair(text)
    spans = sentences(repaired.text)
    lowered = repaired.text.lower()
    if len(lowered) != len(repaired.text):  # «İ» grows when it is lowered; offsets must not
        lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in repaired.text)
    return Passage(repaired, spans, [TOKEN.findall(lowered, start, end) for start, end in spans])


class _Tokens(dict[str, int]):
    """Distinct token -> row number; a new one is numbered and its features noted as it is first met."""

    def __init__(self, vocabulary: "Vocabulary") -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.indptr, self.indices = array("i", [0]), array("i")
        self.words: list[list[int]] = []  # per token: its word, or -1
        self.concepts: list[list[int]] = []

    def __missing__(self, token: str) -> int:
        index = self.vocabulary.index
        names = token_features(token)
        self.indices.extend(i for i in map(index.get, names) if i is not None)
        self.indptr.append(len(self.indices))
        self.words.append([index.get(names[0], -1)])
        self.concepts.append([index[n] for n in names if n[0] == CONCEPT and n in index])
        self[token] = number = len(self)
        return number


@dataclass
class Vocabulary:
    """Feature names in order, with the weight (idf × kind) of each: all that turns text into rows."""

    names: list[str]
    weights: np.ndarray  # float32, shape (features,)
    index: dict[str, int] = field(init=False, repr=False)
    _pairs: dict[str, tuple[np.ndarray, np.ndarray]] = field(init=False, repr=False)
    _tokens: _Tokens = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.index = {name: i for i, name in enumerate(self.names)}
        self._pairs = {}
        for pair, single in PAIRS.items():
            codes = []
            for i, name in enumerate(self.names):
                if name[0] == pair:
                    left, right = name[1:].split(" ")
                    codes.append((self.index[single + left] * len(self.names) + self.index[single + right], i))
            codes.sort()
            self._pairs[pair] = (np.array([c for c, _ in codes], dtype=np.int64), np.array([i for _, i in codes], dtype=np.int64))
        self._tokens = _Tokens(self)

    def __len__(self) -> int:
        return len(self.names)

    def of_token(self, token: str) -> np.ndarray:
        """The known features of a lower-case token, int32, as often as they occur in it."""
        number, cache = self._tokens[token], self._tokens
        return np.array(cache.indices[cache.indptr[number] : cache.indptr[number + 1]], dtype=np.int32)

    def counts(self, rows: Sequence[list[str]]) -> Matrix:
        """Token lists -> how often each feature occurs in each; float32, shape (rows, features), indices sorted."""
        if len(self._tokens) > CACHED_TOKENS:
            self._tokens = _Tokens(self)
        cache = self._tokens
        numbers = np.fromiter((cache[token] for row in rows for token in row), dtype=np.int32)
        lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        indptr = np.concatenate(([0], np.cumsum(lengths)))
        occurrences = sparse.csr_matrix((np.ones(len(numbers), np.float32), numbers, indptr), shape=(len(rows), len(cache)))
        table_indices = np.array(cache.indices, dtype=np.int32)
        table = sparse.csr_matrix(
            (np.ones(len(table_indices), np.float32), table_indices, np.array(cache.indptr, dtype=np.int32)),
            shape=(len(cache), len(self)),
        )
        counted = occurrences @ table
        row_of = np.repeat(np.arange(len(rows)), lengths)
        for pair, of_token in ((PAIR, cache.words), (CONCEPT_PAIR, cache.concepts)):
            if len(self._pairs[pair][0]):
                counted = counted + self._pair_counts(pair, [of_token[n] for n in numbers], row_of, len(rows))
        counted = sparse.csr_matrix(counted)
        counted.sort_indices()
        return counted

    def _pair_counts(self, pair: str, units: list[list[int]], row_of: np.ndarray, n_rows: int) -> Matrix:
        """How often two units (words; concepts, what lies between them left out) follow each other within reach in a row."""
        known, feature = self._pairs[pair]
        stream = np.fromiter((u for unit in units for u in unit), dtype=np.int64)
        row_of = np.repeat(row_of, [len(unit) for unit in units])
        rows, columns = [], []
        for gap in range(1, REACH[pair] + 1):
            left, right = stream[:-gap], stream[gap:]
            code = np.where((left >= 0) & (right >= 0) & (row_of[:-gap] == row_of[gap:]), left * len(self) + right, -1)
            at = np.minimum(np.searchsorted(known, code), len(known) - 1)
            hit = known[at] == code
            rows.append(row_of[:-gap][hit])
            columns.append(feature[at[hit]])
        where = (np.concatenate(rows), np.concatenate(columns))
        return sparse.csr_matrix((np.ones(len(where[0]), np.float32), where), shape=(n_rows, len(self)))

    def weigh(self, counted: Matrix) -> Matrix:
        """Counts -> TF-IDF: (1 + ln tf) × idf × kind weight, rows of length one; same shape."""
        data = (1 + np.log(counted.data)) * self.weights[counted.indices]
        squares = np.add.reduceat(np.append(data * data, 0), counted.indptr[:-1]) if len(data) else np.zeros(counted.shape[0])
        squares[np.diff(counted.indptr) == 0] = 1
        norm = np.sqrt(np.repeat(squares, np.diff(counted.indptr)))
        return sparse.csr_matrix(
            ((data / np.maximum(norm, 1e-12)).astype(np.float32), counted.indices, counted.indptr), shape=counted.shape
        )


def learn_vocabulary(passages: Iterable[Passage], min_documents: int = 3, max_document_share: float = 0.9) -> Vocabulary:
    """The features that stand in at least `min_documents` passages, with smoothed idf over sentences."""
    in_documents: Counter[str] = Counter()
    in_sentences: Counter[str] = Counter()
    n_documents = n_sentences = 0
    features: dict[str, list[str]] = {}
    for p in passages:
        seen: set[str] = set()
        n_documents += 1
        for tokens in p.tokens:
            n_sentences += 1
            own: set[str] = set()
            for token in tokens:
                if token not in features:
                    features[token] = token_features(token)
                own.update(features[token])
            own.update(pair_features([features[token] for token in tokens]))
            in_sentences.update(own)
            seen |= own
        in_documents.update(seen)
    kept = sorted(
        name for name, n in in_documents.items() if n >= min_documents and (n <= max_document_share * n_documents or name[0] == WORD)
    )
    known = set(kept)
    kept = [n for n in kept if parts_of(n) <= known]
    idf = np.array([np.log((1 + n_sentences) / (1 + in_sentences[n])) + 1 for n in kept])
    kind = np.array([KIND_WEIGHT[n[0]] for n in kept])
    return Vocabulary(kept, (idf * kind).astype(np.float32))
