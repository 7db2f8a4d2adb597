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

from classifier.preprocessing import TOKEN, Repaired, normal_form, repair, sentences

WORD, CHARS, PAIR = "w", "c", "b"  # a feature's first letter tells its kind
KIND_WEIGHT = {WORD: 1.0, CHARS: 0.5, PAIR: 0.7}
NGRAM = (3, 5)
CACHED_TOKENS = 200_000

Matrix: TypeAlias = Any  # scipy.sparse.csr_matrix, which comes without types


def token_features(token: str) -> list[str]:
    """The features of one lower-case token: its normal form, and the character n-grams of the padded word."""
    if token.isdigit():
        return [f"{WORD}#{len(token)}"]
    padded = f"<{token}>"
    grams = [f"{CHARS}{padded[i : i + n]}" for n in range(NGRAM[0], NGRAM[1] + 1) for i in range(len(padded) - n + 1)]
    return [WORD + normal_form(token), *grams]


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
        self.indptr, self.indices, self.words = array("i", [0]), array("i"), array("i")

    def __missing__(self, token: str) -> int:
        index = self.vocabulary.index
        names = token_features(token)
        self.indices.extend(i for i in map(index.get, names) if i is not None)
        self.indptr.append(len(self.indices))
        self.words.append(index.get(names[0], -1))
        self[token] = number = len(self)
        return number


@dataclass
class Vocabulary:
    """Feature names in order, with the weight (idf × kind) of each: all that turns text into rows."""

    names: list[str]
    weights: np.ndarray  # float32, shape (features,)
    index: dict[str, int] = field(init=False, repr=False)
    _pairs: tuple[np.ndarray, np.ndarray] = field(init=False, repr=False)
    _tokens: _Tokens = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.index = {name: i for i, name in enumerate(self.names)}
        codes = []
        for i, name in enumerate(self.names):
            if name[0] == PAIR:
                left, right = name[1:].split(" ")
                codes.append((self.index[WORD + left] * len(self.names) + self.index[WORD + right], i))
        codes.sort()
        self._pairs = (np.array([c for c, _ in codes], dtype=np.int64), np.array([i for _, i in codes], dtype=np.int64))
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
        if len(self._pairs[0]):
            counted = counted + self._pair_counts(numbers, np.repeat(np.arange(len(rows)), lengths), len(rows))
        counted = sparse.csr_matrix(counted)
        counted.sort_indices()
        return counted

    def _pair_counts(self, numbers: np.ndarray, row_of: np.ndarray, n_rows: int) -> Matrix:
        known, feature = self._pairs
        words = np.array(self._tokens.words, dtype=np.int64)[numbers]
        left, right = words[:-1], words[1:]
        code = np.where((left >= 0) & (right >= 0) & (row_of[:-1] == row_of[1:]), left * len(self) + right, -1)
        at = np.minimum(np.searchsorted(known, code), len(known) - 1)
        hit = known[at] == code
        rows, columns = row_of[:-1][hit], feature[at[hit]]
        return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(n_rows, len(self)))

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
            words = [features[token][0][1:] for token in tokens]
            own.update(f"{PAIR}{a} {b}" for a, b in zip(words, words[1:], strict=False))
            in_sentences.update(own)
            seen |= own
        in_documents.update(seen)
    kept = sorted(
        name for name, n in in_documents.items() if n >= min_documents and (n <= max_document_share * n_documents or name[0] == WORD)
    )
    known = set(kept)
    kept = [n for n in kept if n[0] != PAIR or all(WORD + w in known for w in n[1:].split(" "))]
    idf = np.array([np.log((1 + n_sentences) / (1 + in_sentences[n])) + 1 for n in kept])
    kind = np.array([KIND_WEIGHT[n[0]] for n in kept])
    return Vocabulary(kept, (idf * kind).astype(np.float32))
