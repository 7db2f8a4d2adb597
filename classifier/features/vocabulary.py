"""The features of a model, in order: how often each stands in a sentence or a document, and with which weight."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from threading import RLock
from typing import Any, TypeAlias

import numpy as np

from classifier.features.ngrams import NGrams
from classifier.features.passage import Passage, tokens_of
from classifier.features.tokens import (
    CONCEPT,
    CONCEPT_PAIR,
    KIND_WEIGHT,
    PAIR,
    PAIRS,
    WORD,
    named_features,
    pair_features,
    parts_of,
    token_features,
)
from classifier.features.units import Known, Pairs
from classifier.preprocessing import Chunks
from classifier.preprocessing.hashing import hashes_of, letters_of

Matrix: TypeAlias = Any  # scipy.sparse.csr_matrix, which comes without types

# More gains some speed where many words are met; each word takes half a kilobyte.
CACHED_CHUNKS = 56_000
OVER = 8192  # new ones of a batch that find a place beyond them

IDF_POWER = 2  # rare features say more than their idf: sentences with barriers are found better than with 1


@dataclass(frozen=True, slots=True)
class Found:
    """The known words and pairs that stand in the sentences of a batch of documents; void when `Vocabulary.chunks` is next asked for."""

    starts: np.ndarray  # the first sentence of each document, and at last their number
    known: Known
    words: np.ndarray  # numbers, in `known`, of all words one after the other
    word_starts: np.ndarray  # the first word of each sentence, and at last their number
    lengths: np.ndarray  # the number of words in each chunk of the batch
    pairs: np.ndarray  # features of all known pairs, sentence by sentence
    pair_starts: np.ndarray  # the first pair of each sentence, and at last their number


@dataclass
class Vocabulary:
    """Feature names in order, with the weight (idf² × kind) of each: all that turns text into rows."""

    names: list[str]
    weights: np.ndarray  # float32, shape (features,)
    index: dict[str, int] = field(init=False, repr=False)
    _pairs: dict[str, "Pairs"] = field(init=False, repr=False)
    _ngrams: NGrams = field(init=False, repr=False)
    _known: Known = field(init=False, repr=False)
    _lock: RLock = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.index = {name: i for i, name in enumerate(self.names)}
        self._pairs = {pair: Pairs(pair, self.index) for pair in PAIRS}
        self._ngrams = NGrams(self.index)
        self._forget()
        self._lock = RLock()

    def __reduce__(self) -> tuple[Any, ...]:
        return Vocabulary, (self.names, self.weights)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def chunks(self) -> Chunks:
        """The numbering of chunks under which passages are looked up once only. When it has grown large it is thinned out to those that
        were met most often; what was found before is then void, and passages cut before are looked up anew."""
        if self._known.features.n > 2 * CACHED_CHUNKS:  # words by the hundred without white space between them, which nobody meets again
            self._forget()
        elif len(self._known.chunks) > CACHED_CHUNKS:
            self._known.keep(3 * CACHED_CHUNKS // 4)
        return self._known.chunks

    @contextmanager
    def held(self) -> Iterator[None]:
        """Alone with what is known of words, which threads share: from `chunks` to the last use of what was found. After an error, which
        may have left it half written, it is forgotten."""
        with self._lock:
            try:
                yield
            except BaseException:  # as Ctrl-C
                self._forget()
                raise

    def _forget(self) -> None:
        self._known = Known(CACHED_CHUNKS + OVER)

    def _learn(self) -> None:
        """The words of chunks that were numbered since the last time."""
        known, fresh = self._known, self._known.chunks.fresh
        if not fresh:
            return
        found = [tokens_of(chunk) for chunk in fresh]
        lengths, tokens = list(map(len, found)), [match[0] for matches in found for match in matches]
        named = [named_features(token) for token in tokens]  # the normal form first
        concepts = [[self.index[name] for name in names if name[0] == CONCEPT and name in self.index] for names in named]
        own = [(self.index[name], k) for k, names in enumerate(named) for name in names if name in self.index]
        grams, places = self._ngrams.find(tokens)
        features = np.concatenate((np.fromiter((i for i, _ in own), np.int32), grams))
        places = np.concatenate((np.fromiter((k for _, k in own), np.int64), places))
        known.features.add(features[np.argsort(places, kind="stable")], np.bincount(places, minlength=len(tokens)))
        known.concepts.add(chain.from_iterable(concepts), map(len, concepts))
        known.begins.add((match.start() for matches in found for match in matches), lengths)
        known.ends.add((match.end() for matches in found for match in matches), lengths)
        known.words.add((self.index.get(names[0], len(self)) for names in named), lengths)
        fresh.clear()

    def _numbers(self, p: Passage) -> np.ndarray:
        if p.chunks is self._known.chunks:
            return p.numbers
        hashes = hashes_of(letters_of(p.repaired.text), p.starts, p.ends)
        return self._known.chunks.numbers(hashes, lambda i: p.repaired.text[p.starts[i] : p.ends[i]])

    def find(self, passages: Sequence[Passage]) -> Found:
        """The words and pairs of passages; those cut under another numbering of chunks are numbered anew."""
        known = self._known
        own = [self._numbers(p) for p in passages]
        numbers = np.concatenate([np.zeros(0, np.int32), *own]).astype(np.int32)
        self._learn()
        known.used(numbers)
        before = np.cumsum([0, *map(len, own)])
        rows = np.concatenate([*(p.sentence_starts[:-1] + at for p, at in zip(passages, before, strict=False)), before[-1:]])
        words, lengths = known.words.places(numbers)
        word_starts = np.concatenate(([0], np.cumsum(lengths)))[rows]
        n = len(rows) - 1
        row_of = np.repeat(np.arange(n, dtype=np.int32), np.diff(word_starts))
        concepts, of_word = known.concepts.take(words)
        streams = ((PAIR, known.words.values[words], row_of), (CONCEPT_PAIR, concepts, np.repeat(row_of, of_word)))
        found = [self._pairs[pair].find(stream, rows) for pair, stream, rows in streams]
        pairs, pair_rows = (np.concatenate(part) for part in zip(*found, strict=True))
        order = np.argsort(pair_rows.astype(np.uint16) if n < 2**16 else pair_rows, kind="stable")  # small numbers are sorted faster
        return Found(
            np.cumsum([0, *(len(p.sentence_starts) - 1 for p in passages)]), known,
            words, word_starts, lengths,
            pairs[order], np.concatenate(([0], np.cumsum(np.bincount(pair_rows, minlength=n)))),
        )  # fmt: skip

    def count(self, found: Found) -> Matrix:
        """How often each feature stands in each sentence; sparse, shape (sentences, features)."""
        from scipy import sparse

        n = len(found.word_starts) - 1
        row_of = np.arange(n, dtype=np.int32)
        features, lengths = found.known.features.take(found.words)
        rows = np.repeat(np.repeat(row_of, np.diff(found.word_starts)), lengths), np.repeat(row_of, np.diff(found.pair_starts))
        columns = np.concatenate((features, found.pairs))
        ones = np.ones(len(columns), np.float32)
        return sparse.csr_matrix((ones, (np.concatenate(rows), columns)), shape=(n, len(self)))

    def weigh(self, counts: Matrix) -> Matrix:
        """Counts -> TF-IDF, same shape: tf × weight, a row divided by the root of its sum of tf × weight².

        That is the length of the row if all features that stand in it were different ones. Because of it, what a word adds to a score
        is the same wherever it stands, and labelling need not count. (What is said twice has scores 1.4 times as high.)
        """
        from scipy import sparse

        made = sparse.csr_matrix(counts.multiply(self.weights))
        norm = np.sqrt(counts @ self.weights.astype(np.float64) ** 2)
        return sparse.csr_matrix(sparse.diags(1 / np.maximum(norm, 1e-12)) @ made).astype(np.float32)


def learn_vocabulary(
    passages: Iterable[Passage], min_documents: int = 3, max_document_share: float = 0.9, most: int | None = None
) -> Vocabulary:
    """The features that stand in at least `min_documents` passages, of them the `most` that stand in most sentences (and the parts of the
    pairs among them); with smoothed idf over sentences."""
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
    found = {name for name, n in in_documents.items() if n >= min_documents and (n <= max_document_share * n_documents or name[0] == WORD)}
    found = {name for name in found if parts_of(name) <= found}
    frequent = sorted(found, key=lambda name: (-in_sentences[name], name))[:most]
    kept = sorted({*frequent}.union(*map(parts_of, frequent)))
    idf = np.array([np.log((1 + n_sentences) / (1 + in_sentences[n])) + 1 for n in kept])
    kind = np.array([KIND_WEIGHT[n[0]] for n in kept])
    return Vocabulary(kept, (idf**IDF_POWER * kind).astype(np.float32))
