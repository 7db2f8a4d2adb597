"""What is known of each distinct chunk and of its words, by number, and which known pairs stand in a row."""

from collections.abc import Iterable

import numpy as np

from classifier.features.tokens import PAIRS, REACH
from classifier.preprocessing import Chunks, grown

SLOTS = 2**17
PIECE = 4096  # rows that are moved or added up at a time, which bounds the memory that it takes


def _array(values: Iterable[int]) -> np.ndarray:
    return values if isinstance(values, np.ndarray) else np.fromiter(values, np.int32)


class Ragged:
    """Rows of whole numbers of different lengths, one after the other; rows are added, or thinned out in their place."""

    def __init__(self, room: int = 1024, room_of_row: float = 1) -> None:
        """`room` rows with so many values on average find a place without copying."""
        self.values, self.starts, self.n = np.zeros(int(room * room_of_row), np.int32), np.zeros(room + 1, np.int32), 0

    def add(self, values: Iterable[int], lengths: Iterable[int]) -> None:
        """Rows of these lengths, whose values are given one after the other."""
        ends = self.starts[self.n] + np.cumsum(_array(lengths))
        if len(ends):
            self.values, self.starts = grown(self.values, ends[-1]), grown(self.starts, self.n + len(ends) + 1)
            self.values[self.starts[self.n] : ends[-1]] = _array(values)
            self.starts[self.n + 1 : self.n + len(ends) + 1] = ends
            self.n += len(ends)

    def keep(self, numbers: np.ndarray) -> None:
        """Have these rows only; their numbers ascend, so that what is written never passes what is still to be read."""
        self.n = 0
        for first in range(0, len(numbers), PIECE):
            self.add(*self.take(numbers[first : first + PIECE]))

    def places(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(where in `values` these rows stand, one after the other; the length of each row)"""
        starts = self.starts[numbers]
        lengths = self.starts[numbers + 1] - starts
        ends = np.cumsum(lengths, dtype=np.int32)
        places = np.arange(ends[-1] if len(ends) else 0, dtype=np.int32)
        places += np.repeat(starts - (ends - lengths), lengths)
        return places, lengths

    def take(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(the values of these rows one after the other, the length of each row)"""
        places, lengths = self.places(numbers)
        return self.values[places], lengths


class Known:
    """What a vocabulary knows of each chunk met so far, by its number, and of each word of these chunks, numbered chunk by chunk."""

    def __init__(self, room: int) -> None:
        """`room`: so many chunks find a place without copying."""
        self.chunks = Chunks(room)
        self.uses = np.zeros(room, np.int32)  # of each chunk
        # of the words of each chunk: the normal form, and where in the chunk it begins and ends; the place of a value is the word's number
        self.words, self.begins, self.ends = Ragged(room, 1.1), Ragged(room, 1.1), Ragged(room, 1.1)
        self.features, self.concepts = Ragged(int(1.1 * room), 20), Ragged(int(1.1 * room), 0.5)  # of each word

    def used(self, numbers: np.ndarray) -> None:
        """Take note that these chunks were met."""
        n = self.words.n
        self.uses = grown(self.uses, n)
        self.uses[:n] += np.bincount(numbers, minlength=n)[:n]

    def keep(self, n: int) -> None:
        """Forget all but the `n` chunks that were met most often; these are numbered anew."""
        kept = np.sort(np.argsort(-self.uses[: self.words.n], kind="stable")[:n])
        words = self.words.places(kept)[0]
        self.chunks = self.chunks.only(kept)
        self.uses[: len(kept)] = self.uses[kept] // 2  # what was common long ago may go later
        self.uses[len(kept) :] = 0
        for rows in (self.words, self.begins, self.ends):
            rows.keep(kept)
        self.features.keep(words)
        self.concepts.keep(words)


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
