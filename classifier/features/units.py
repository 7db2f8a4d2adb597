"""What is known of each distinct chunk and of its words, by number, and which known pairs stand in a row."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from classifier.features.tokens import PAIRS, REACH
from classifier.preprocessing import Chunks, grown

SLOTS = 2**17


class Ragged:
    """Rows of whole numbers of different lengths, one after the other; rows are only added."""

    def __init__(self) -> None:
        self.values, self.starts, self.n = np.zeros(1024, np.int32), np.zeros(1024, np.int64), 0

    def add(self, rows: Sequence[Sequence[int]]) -> None:
        if not rows:
            return
        ends = self.starts[self.n] + np.cumsum(np.fromiter(map(len, rows), np.int64, len(rows)))
        self.values, self.starts = grown(self.values, ends[-1]), grown(self.starts, self.n + len(rows) + 1)
        self.values[self.starts[self.n] : ends[-1]] = np.fromiter(chain.from_iterable(rows), np.int32)
        self.starts[self.n + 1 : self.n + len(rows) + 1] = ends
        self.n += len(rows)

    def only(self, numbers: np.ndarray) -> "Ragged":
        """These rows, in this order."""
        made = Ragged()
        made.values, lengths = self.take(numbers)
        made.starts, made.n = np.concatenate(([0], np.cumsum(lengths))), len(numbers)
        return made

    def places(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(where in `values` these rows stand, one after the other; the length of each row)"""
        starts = self.starts[numbers]
        lengths = self.starts[numbers + 1] - starts
        before = np.cumsum(lengths) - lengths
        return np.repeat(starts - before, lengths) + np.arange(lengths.sum()), lengths

    def take(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(the values of these rows one after the other, the length of each row)"""
        places, lengths = self.places(numbers)
        return self.values[places], lengths


class Known:
    """What a vocabulary knows of each chunk met so far, by its number, and of each word of these chunks, numbered chunk by chunk."""

    def __init__(self) -> None:
        self.chunks = Chunks()
        self.uses = np.zeros(1024, np.int64)  # of each chunk
        # of each token: its features, its normal form's or else the number of all features, its concepts
        self.tokens: dict[str, tuple[list[int], int, list[int]]] = {}
        # of the words of each chunk: the normal form, and where in the chunk it begins and ends; the place of a value is the word's number
        self.words, self.begins, self.ends = Ragged(), Ragged(), Ragged()
        self.features, self.concepts = Ragged(), Ragged()  # of each word

    def used(self, numbers: np.ndarray) -> None:
        """Take note that these chunks were met."""
        n = self.words.n
        self.uses = grown(self.uses, n)
        self.uses[:n] += np.bincount(numbers, minlength=n)[:n]

    def most_used(self, n: int) -> "Known":
        """Another one, with the `n` chunks that were met most often."""
        kept = np.sort(np.argsort(-self.uses[: self.words.n], kind="stable")[:n])
        words = self.words.places(kept)[0]
        made = Known()
        made.chunks, made.uses = self.chunks.only(kept), self.uses[kept] // 2  # what was common long ago may go later
        made.words, made.begins, made.ends = (rows.only(kept) for rows in (self.words, self.begins, self.ends))
        made.features, made.concepts = self.features.only(words), self.concepts.only(words)
        return made


class Pairs:
    """The known pairs of one kind, in a table by the last bits of their code."""

    def __init__(self, pair: str, index: dict[str, int]) -> None:
        """`index` is that of the vocabulary: feature -> number."""
        self.reach, self.base = REACH[pair], len(index) + 1  # the number len(index) is that of an unknown unit
        halves = [(name[1:].split(" "), i) for name, i in index.items() if name[0] == pair]
        codes = [(index[PAIRS[pair] + a] * self.base + index[PAIRS[pair] + b], i) for (a, b), i in halves]
        codes.sort(key=lambda item: item[0] % SLOTS)
        made = np.array([*codes, (-1, -1)], np.int64)  # no code is -1
        self.codes, self.features = made[:, 0].copy(), made[:, 1].astype(np.int32)
        slots = self.codes[:-1] % SLOTS
        taken, first, sizes = np.unique(slots, return_index=True, return_counts=True)
        self.first = np.full(SLOTS, len(codes), np.int32)  # of each slot
        self.first[taken] = first
        self.most = int(sizes.max(initial=0))  # in one slot

    def find(self, stream: np.ndarray, row_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where two units of a stream follow each other within reach in a row: (the pair's feature, row)."""
        found, rows = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
        left, right = stream.astype(np.int64) * self.base, stream
        none = len(self.codes) - 1
        for gap in range(1, self.reach + 1):
            code = left[:-gap] + right[gap:]
            place = self.first[code & (SLOTS - 1)]
            at = np.flatnonzero((place < none) & (row_of[:-gap] == row_of[gap:]))
            code, place = code[at], place[at]
            for _ in range(self.most):
                hit = self.codes[place] == code
                found.append(self.features[place[hit]])
                rows.append(row_of[at[hit]])
                place = np.minimum(place + 1, none)
        return np.concatenate(found), np.concatenate(rows)
