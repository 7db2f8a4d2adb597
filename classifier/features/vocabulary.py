"""The features of a model, in order: how often each stands in a sentence or a document, and with which weight."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse

from classifier.features.passage import Passage, tokens_of
from classifier.features.tokens import CONCEPT, CONCEPT_PAIR, KIND_WEIGHT, PAIR, PAIRS, WORD, pair_features, parts_of, token_features
from classifier.features.units import Known, Pairs, Words
from classifier.preprocessing import Chunks

CACHED_CHUNKS, CACHED_LETTERS = 40_000, 2_000_000  # more gains little speed, and memory then grows far into a large batch

Matrix: TypeAlias = Any  # scipy.sparse.csr_matrix, which comes without types


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each feature occurs in the sentences and documents of a batch.

    A row's units are its chunks and known pairs: `sentences` is `of_units @ units`.
    """

    sentences: Matrix  # float32, shape (sentences, features)
    documents: Matrix  # float32, shape (documents, features)
    starts: np.ndarray  # the first sentence of each document, and at last their number
    of_units: Matrix  # shape (sentences, units)
    units: Matrix  # shape (units, features)


@dataclass
class Vocabulary:
    """Feature names in order, with the weight (idf × kind) of each: all that turns text into rows."""

    names: list[str]
    weights: np.ndarray  # float32, shape (features,)
    index: dict[str, int] = field(init=False, repr=False)
    _pairs: dict[str, "Pairs"] = field(init=False, repr=False)
    _known: Known = field(init=False, repr=False)
    _lock: Lock = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.index = {name: i for i, name in enumerate(self.names)}
        self._pairs = {pair: Pairs(pair, self.index) for pair in PAIRS}
        self._known, self._lock = Known(), Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return Vocabulary, (self.names, self.weights)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def chunks(self) -> Chunks:
        """The numbering of chunks under which passages are counted without being looked up again; a new one when it has grown large."""
        if len(self._known.chunks) > CACHED_CHUNKS or self._known.chunks.letters > CACHED_LETTERS:
            self._known = Known()
        return self._known.chunks

    def _token(self, token: str, known: Known) -> tuple[tuple[int, ...], int, tuple[int, ...]]:
        if token not in known.tokens:
            names = token_features(token)
            found = list(map(self.index.get, names))
            concepts = [i for name, i in zip(names, found, strict=True) if name[0] == CONCEPT and i is not None]
            word = len(self) if found[0] is None else found[0]
            known.tokens[token] = (tuple([i for i in found if i is not None]), word, tuple(concepts))
        return known.tokens[token]

    def _learn(self, known: Known) -> None:
        """The features of chunks that were numbered since the last time."""
        with self._lock:
            found = [tokens_of(chunk) for chunk in known.chunks.texts[known.features.n :]]
            if found:
                new = [[self._token(match[0], known) for match in tokens] for tokens in found]
                known.spans.add([[at for match in tokens for at in match.span()] for tokens in found])
                known.sizes.add([[len(features) for features, _, _ in tokens] for tokens in new])
                known.words.add([[word for _, word, _ in tokens] for tokens in new])
                known.concepts.add([[c for _, _, concepts in tokens for c in concepts] for tokens in new])
                known.features.add([[f for features, _, _ in tokens for f in features] for tokens in new])

    def _numbers(self, known: Known, passages: Sequence[Passage]) -> np.ndarray:
        """The numbers, in `known`, of the chunks of passages one after the other; passages cut elsewhere are numbered anew."""
        own = [p.numbers if p.chunks is known.chunks else [known.chunks[p.chunks.texts[n]] for n in p.numbers] for p in passages]
        return np.concatenate([np.zeros(0, np.int32), *own]).astype(np.int32)

    def words(self, passages: Sequence[Passage]) -> Words:
        """The words of passages."""
        known = self._known
        numbers = self._numbers(known, passages)
        self._learn(known)
        spans, twice = known.spans.take(numbers)
        sizes = known.sizes.take(numbers)[0]
        begins = np.repeat(np.concatenate([np.zeros(0, np.int64), *(p.starts for p in passages)]), twice // 2)
        before = np.concatenate(([0], np.cumsum(twice // 2)))  # words before each chunk
        at = np.cumsum([0, *(len(p.numbers) for p in passages)])
        rows = np.concatenate([*(before[p.sentence_starts[:-1] + a] for p, a in zip(passages, at, strict=False)), before[-1:]])
        edges = np.concatenate(([0], np.cumsum(sizes)))
        return Words(begins + spans[::2], begins + spans[1::2], known.features.take(numbers)[0], edges, rows)

    def counts(self, rows: Sequence[list[str]]) -> Matrix:
        """Lists of tokens -> how often each feature occurs in each; float32, shape (rows, features)."""
        known = self._known
        numbers = np.fromiter((known.chunks[token] for row in rows for token in row), np.int32)
        starts = np.concatenate(([0], np.cumsum(np.fromiter(map(len, rows), np.int64, len(rows)))))
        of_units, units = self._units(known, numbers, starts)
        return of_units @ units

    def count(self, passages: Sequence[Passage]) -> Counts:
        """How often each feature occurs in each sentence and passage."""
        known = self._known
        numbers = self._numbers(known, passages)
        ends = np.cumsum([len(p.numbers) for p in passages]).tolist()
        starts = np.concatenate([[0], *(p.sentence_starts[1:] + end - len(p.numbers) for p, end in zip(passages, ends, strict=True))])
        first = np.cumsum([0, *(len(p.sentence_starts) - 1 for p in passages)])
        of_units, units = self._units(known, numbers, starts.astype(np.int64))
        whole = _ones(of_units.indices, of_units.indptr[first], units.shape[0])
        return Counts(of_units @ units, whole @ units, first, of_units, units)

    def _units(self, known: Known, numbers: np.ndarray, starts: np.ndarray) -> tuple[Matrix, Matrix]:
        """Rows of chunks that begin at `starts` -> their units (rows × distinct chunks and known pairs), the units' features."""
        self._learn(known)
        seen = np.zeros(len(known.chunks), bool)
        seen[numbers] = True
        distinct = np.flatnonzero(seen)
        features, lengths = known.features.take(distinct)
        row_of = np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts))
        columns, rows, pair_features = [(np.cumsum(seen, dtype=np.int32) - 1)[numbers]], [row_of], []
        n = len(distinct)
        for pair, units in ((PAIR, known.words), (CONCEPT_PAIR, known.concepts)):
            stream, of_chunk = units.take(numbers)
            found, at = self._pairs[pair].find(stream, np.repeat(row_of, of_chunk))
            columns.append(found + n)
            rows.append(at)
            pair_features.append(self._pairs[pair].features)
            n += len(pair_features[-1])
        row_of = np.concatenate(rows)
        order = np.argsort(row_of.astype(np.uint16) if len(starts) < 2**16 else row_of, kind="stable")  # small numbers are sorted faster
        indptr = np.concatenate(([0], np.cumsum(np.bincount(row_of, minlength=len(starts) - 1))))
        ends = np.cumsum(np.concatenate(([0], lengths, np.ones(n - len(distinct), np.int64))))
        return _ones(np.concatenate(columns)[order], indptr, n), _ones(np.concatenate([features, *pair_features]), ends, len(self))

    def weigh(self, counted: Matrix) -> Matrix:
        """Counts -> TF-IDF: (1 + ln tf) × idf × kind weight, rows of length one; same shape."""
        data = (1 + np.log(counted.data)) * self.weights[counted.indices]
        squares = np.add.reduceat(np.append(data * data, 0), counted.indptr[:-1]) if len(data) else np.zeros(counted.shape[0])
        squares[np.diff(counted.indptr) == 0] = 1
        norm = np.sqrt(np.repeat(squares, np.diff(counted.indptr)))
        return sparse.csr_matrix(
            ((data / np.maximum(norm, 1e-12)).astype(np.float32), counted.indices, counted.indptr), shape=counted.shape
        )


def _ones(indices: np.ndarray, indptr: np.ndarray, columns: int) -> Matrix:
    """A sparse matrix of ones."""
    return sparse.csr_matrix(
        (np.ones(len(indices), np.float32), indices.astype(np.int32), indptr.astype(np.int32)), shape=(len(indptr) - 1, columns)
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
