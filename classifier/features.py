"""Text -> sparse TF-IDF rows, one a sentence and one a document, in one pass.

What a single token contributes is decided in `token_features`; word bigrams are added where both words are known. The features of a
token are computed once per distinct token; counting is two sparse products, so that Python never loops over features.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse

from classifier.concepts import concepts_of
from classifier.preprocessing import TOKEN, Chunks, Repaired, cut, elected, normal_form, repair

# A feature's first letter tells its kind: normal form, character n-gram, pair of normal forms, concept, pair of concepts.
WORD, CHARS, PAIR, CONCEPT, CONCEPT_PAIR = "w", "c", "b", "k", "p"
KIND_WEIGHT = {WORD: 1.0, CHARS: 0.35, PAIR: 0.7, CONCEPT: 1.0, CONCEPT_PAIR: 0.7}
NGRAM = (3, 5)
CACHED_CHUNKS = 200_000
SLOTS = 2**17
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
    """A text, mended and cut: its chunks (what stands between white space) and where among them each sentence begins; see `Cut`."""

    repaired: Repaired
    language: str
    chunks: Chunks
    numbers: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    sentence_starts: np.ndarray

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The sentences in the mended text."""
        return list(zip(self.starts[self.sentence_starts[:-1]].tolist(), self.ends[self.sentence_starts[1:] - 1].tolist(), strict=True))

    def span(self, j: int) -> tuple[int, int]:
        """Sentence j in the mended text."""
        return int(self.starts[self.sentence_starts[j]]), int(self.ends[self.sentence_starts[j + 1] - 1])

    @property
    def tokens(self) -> list[list[str]]:
        """The lower-case tokens of each sentence."""
        of_chunk, edges = [tokens_of(self.chunks.texts[n]) for n in self.numbers], self.sentence_starts.tolist()
        return [[token[0] for tokens in of_chunk[a:b] for token in tokens] for a, b in zip(edges, edges[1:], strict=False)]


def tokens_of(chunk: str) -> list[re.Match[str]]:
    """The lower-case tokens of a chunk, with their offsets in it."""
    lowered = chunk.lower()
    if len(lowered) != len(chunk):  # «İ» grows when it is lowered; offsets must not
        lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in chunk)
    return list(TOKEN.finditer(lowered))


def passages(texts: Sequence[str], chunks: Chunks) -> list[Passage]:
    """Mend texts and cut them into sentences and chunks."""
    repaired = [repair(text) for text in texts]
    made = cut([r.text for r in repaired], chunks)
    at = made.text_starts
    of_text = sparse.csr_matrix((np.ones(at[-1], np.int32), np.arange(at[-1], dtype=np.int32), at), shape=(len(texts), at[-1]))
    languages = elected(of_text @ chunks.votes[made.numbers])
    first = np.searchsorted(made.sentence_starts, at).tolist()
    bounds = at.tolist()
    return [
        Passage(
            repaired[i], languages[i], chunks, made.numbers[a:b], made.starts[a:b], made.ends[a:b],
            made.sentence_starts[first[i] : first[i + 1] + 1] - a,
        )
        for i, (a, b) in enumerate(zip(bounds, bounds[1:], strict=False))
    ]  # fmt: skip


def passage(text: str) -> Passage:
    """Mend one text and cut it."""
    return passages([text], Chunks())[0]


class Ragged:
    """Rows of whole numbers of different lengths, one after the other; rows are only added."""

    def __init__(self) -> None:
        self.values, self.starts, self.n = np.zeros(1024, np.int32), np.zeros(1024, np.int64), 0

    def add(self, rows: Sequence[Sequence[int]]) -> None:
        ends = self.starts[self.n] + np.cumsum(np.fromiter(map(len, rows), np.int64, len(rows)))
        if ends[-1] > len(self.values):
            self.values = np.resize(self.values, 2 * ends[-1])
        if self.n + len(rows) >= len(self.starts):
            self.starts = np.resize(self.starts, 2 * (self.n + len(rows)))
        self.values[self.starts[self.n] : ends[-1]] = np.fromiter(chain.from_iterable(rows), np.int32)
        self.starts[self.n + 1 : self.n + len(rows) + 1] = ends
        self.n += len(rows)

    def take(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(the values of these rows one after the other, the length of each row)"""
        starts = self.starts[numbers]
        lengths = self.starts[numbers + 1] - starts
        before = np.cumsum(lengths) - lengths
        return self.values[np.repeat(starts - before, lengths) + np.arange(lengths.sum())], lengths


class Known:
    """What a vocabulary knows of each chunk met so far, by its number."""

    def __init__(self) -> None:
        self.chunks = Chunks()
        self.tokens: dict[str, tuple[tuple[int, ...], int, tuple[int, ...]]] = {}  # (features, word or else the number of features, concepts)
        self.features, self.words, self.concepts = Ragged(), Ragged(), Ragged()  # of all tokens of a chunk
        self.spans, self.sizes = Ragged(), Ragged()  # where each token begins and ends in the chunk; how many features it has


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a batch of passages: offsets in their mended texts, features, and where in `starts` each sentence (row) begins."""

    starts: np.ndarray
    ends: np.ndarray
    features: np.ndarray
    edges: np.ndarray  # where in `features` each word begins, and at last their number
    rows: np.ndarray

    def of_rows(self, first: int, last: int) -> tuple[np.ndarray, int]:
        """The features of the words of some rows, and where they stand among all."""
        a, b = self.edges[self.rows[first]], self.edges[self.rows[last]]
        return self.features[a:b], a

    def spans(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(starts, ends, edges) of the words of some rows; the edges are those in `of_rows`."""
        a, b = self.rows[first], self.rows[last]
        return self.starts[a:b], self.ends[a:b], self.edges[a : b + 1] - self.edges[a]


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


class Pairs:
    """The known pairs of one kind."""

    def __init__(self, pair: str, index: dict[str, int]) -> None:
        """`index` is that of the vocabulary: feature -> number."""
        self.reach, self.base = REACH[pair], len(index) + 1  # the number len(index) is that of an unknown unit
        halves = [(name[1:].split(" "), i) for name, i in index.items() if name[0] == pair]
        codes = sorted((index[PAIRS[pair] + a] * self.base + index[PAIRS[pair] + b], i) for (a, b), i in halves)
        self.codes, self.features = np.array(codes, np.int64).reshape(-1, 2).T.copy()
        self.may_be = np.zeros(SLOTS, bool)  # by the last bits of a code: the search is spared where nothing can be found
        self.may_be[self.codes % SLOTS] = True

    def find(self, stream: np.ndarray, row_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where two units of a stream follow each other within reach in a row: (pair, row)."""
        found, rows = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
        left, right = stream.astype(np.int64) * self.base, stream
        for gap in range(1, self.reach + 1):
            code = left[:-gap] + right[gap:]
            at = np.flatnonzero(self.may_be[code & (SLOTS - 1)] & (row_of[:-gap] == row_of[gap:]))
            pair = np.searchsorted(self.codes, code[at])
            hit = self.codes[np.minimum(pair, len(self.codes) - 1)] == code[at] if len(self.codes) else at > at
            found.append(pair[hit])
            rows.append(row_of[at[hit]])
        return np.concatenate(found), np.concatenate(rows)


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
        if len(self._known.chunks) > CACHED_CHUNKS:
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

    def words(self, passages: Sequence[Passage]) -> Words:
        """The words of passages that were cut with `chunks` and counted."""
        numbers = np.concatenate([np.zeros(0, np.int32), *(p.numbers for p in passages)]).astype(np.int32)
        known = self._known
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
        own = [p.numbers if p.chunks is known.chunks else [known.chunks[p.chunks.texts[n]] for n in p.numbers] for p in passages]
        numbers = np.concatenate([np.zeros(0, np.int32), *own]).astype(np.int32)
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
