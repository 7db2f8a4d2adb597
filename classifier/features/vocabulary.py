"""The features of a model, in order: how often each stands in a sentence or a document, and with which weight."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import numpy as np

from classifier.features.counts import Counted, counted
from classifier.features.passage import Passage, tokens_of
from classifier.features.tokens import CONCEPT, CONCEPT_PAIR, KIND_WEIGHT, PAIR, PAIRS, WORD, pair_features, parts_of, token_features
from classifier.features.units import Known, Pairs, Words
from classifier.preprocessing import Chunks

# More gains some speed, and memory then grows far into a large batch.
CACHED_CHUNKS, CACHED_LETTERS = 45_000, 2_500_000
CACHED_TOKENS = 5_000  # they are only asked for when a new chunk holds them


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each feature occurs in the sentences and documents of a batch, and what they are made of: known chunks and pairs."""

    sentences: Counted  # shape (sentences, features)
    documents: Counted  # shape (documents, features)
    starts: np.ndarray  # the first sentence of each document, and at last their number
    known: Known
    chunks: np.ndarray  # numbers, in `known`, of all chunks one after the other
    chunk_starts: np.ndarray  # the first chunk of each sentence, and at last their number
    pairs: np.ndarray  # features of all known pairs, sentence by sentence
    pair_starts: np.ndarray  # the first pair of each sentence, and at last their number


@dataclass
class Vocabulary:
    """Feature names in order, with the weight (idf × kind) of each: all that turns text into rows."""

    names: list[str]
    weights: np.ndarray  # float32, shape (features,)
    index: dict[str, int] = field(init=False, repr=False)
    _pairs: dict[str, "Pairs"] = field(init=False, repr=False)
    _concepts: frozenset[int] = field(init=False, repr=False)
    _known: Known = field(init=False, repr=False)
    _lock: Lock = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.index = {name: i for i, name in enumerate(self.names)}
        self._pairs = {pair: Pairs(pair, self.index) for pair in PAIRS}
        self._concepts = frozenset(i for name, i in self.index.items() if name[0] == CONCEPT)
        self._known, self._lock = Known(), Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return Vocabulary, (self.names, self.weights)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def chunks(self) -> Chunks:
        """The numbering of chunks under which passages are counted without being looked up again; when it has grown large a new one, of
        the half that was met most often."""
        known = self._known
        if known.chunks.letters > CACHED_LETTERS:  # words without end, which nobody meets again
            self._known = Known()
        elif len(known.chunks) > CACHED_CHUNKS:
            with self._lock:
                if known is self._known:  # no other thread was quicker
                    self._known = known.most_used(CACHED_CHUNKS // 2)
        return self._known.chunks

    def _token(self, token: str, known: Known) -> tuple[list[int], int, list[int]]:
        made = known.tokens.get(token)
        if made is None:
            names = token_features(token)
            features = [i for i in map(self.index.get, names) if i is not None]
            made = (features, self.index.get(names[0], len(self)), [i for i in features if i in self._concepts])
            known.tokens[token] = made
        return made

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
                if len(known.tokens) > CACHED_TOKENS:
                    known.tokens.clear()

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

    def count(self, passages: Sequence[Passage]) -> Counts:
        """How often each feature occurs in each sentence and passage."""
        known = self._known
        numbers = self._numbers(known, passages)
        ends = np.cumsum([len(p.numbers) for p in passages]).tolist()
        starts = np.concatenate([[0], *(p.sentence_starts[1:] + end - len(p.numbers) for p, end in zip(passages, ends, strict=True))])
        first = np.cumsum([0, *(len(p.sentence_starts) - 1 for p in passages)])
        return self._count(known, numbers, starts.astype(np.int64), first)

    def count_tokens(self, rows: Sequence[list[str]]) -> Counted:
        """Lists of tokens -> how often each feature occurs in each; shape (rows, features)."""
        known = self._known
        numbers = np.fromiter((known.chunks[token] for row in rows for token in row), np.int32)
        starts = np.concatenate(([0], np.cumsum(np.fromiter(map(len, rows), np.int64, len(rows)))))
        return self._count(known, numbers, starts, np.arange(len(rows) + 1)).sentences

    def _count(self, known: Known, numbers: np.ndarray, starts: np.ndarray, first: np.ndarray) -> Counts:
        """`starts`: the first chunk of each sentence; `first`: the first sentence of each document."""
        self._learn(known)
        known.used(numbers)
        n = len(starts) - 1
        row_of = np.repeat(np.arange(n, dtype=np.int32), np.diff(starts))
        features, lengths = known.features.take(numbers)
        found = []
        for pair, units in ((PAIR, known.words), (CONCEPT_PAIR, known.concepts)):
            stream, of_chunk = units.take(numbers)
            found.append(self._pairs[pair].find(stream, np.repeat(row_of, of_chunk)))
        pairs, pair_rows = (np.concatenate(part) for part in zip(*found, strict=True))
        columns, rows = np.concatenate((features, pairs)), np.concatenate((np.repeat(row_of, lengths), pair_rows))
        document_of = np.repeat(np.arange(len(first) - 1, dtype=np.int32), np.diff(first))
        order = np.argsort(pair_rows.astype(np.uint16) if n < 2**16 else pair_rows, kind="stable")  # small numbers are sorted faster
        return Counts(
            counted(rows, columns, n, len(self)), counted(document_of[rows], columns, len(first) - 1, len(self)), first,
            known, numbers, starts, pairs[order], np.concatenate(([0], np.cumsum(np.bincount(pair_rows, minlength=n)))),
        )  # fmt: skip

    def weigh(self, counted: Counted) -> Counted:
        """Counts -> TF-IDF: (1 + ln tf) × idf × kind weight, rows of length one; same shape."""
        data = (1 + np.log(counted.data)) * self.weights[counted.indices]
        row_of = counted.keys // counted.width
        norm = np.sqrt(np.bincount(row_of, data * data))[row_of]
        return replace(counted, data=(data / np.maximum(norm, 1e-12)).astype(np.float32))


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
    return Vocabulary(kept, (idf * kind).astype(np.float32))
