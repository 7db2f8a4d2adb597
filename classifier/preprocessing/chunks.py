"""Texts cut in one pass into chunks (what stands between white space) and sentences.

What a chunk alone tells (how it may begin or end a sentence, which languages it speaks for) is found once for each distinct chunk.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from classifier.preprocessing.language import votes
from classifier.preprocessing.sentence import ORDINAL, boundaries, edges, is_informal, line_ends

LAST_SPACE = 0x3000  # no white space beyond
SPACE = np.array([chr(i).isspace() for i in range(LAST_SPACE + 1)] + [False])
PLACES = np.multiply.accumulate(np.full(4096, 0x9E3779B97F4A7C15, np.uint64))  # the factor of a letter in a hash, by its place in the chunk


def grown(array: np.ndarray, length: int) -> np.ndarray:
    """An array of at least this length: if need be a longer one, with zeros at the end that take no memory until they are used."""
    if length <= len(array):
        return array
    made = np.zeros((2 * length, *array.shape[1:]), array.dtype)
    made[: len(array)] = array
    return made


class Chunks:
    """Distinct chunks, numbered as they are met; `hashes`, `codes` and `votes` hold what is known of each, by number, and `fresh` the texts
    of the last ones, until somebody takes them out.

    Many are looked up at a time by a hash of their letters, in a table with open addressing: a dict takes three times as long, and more
    memory. (That two of fifty thousand chunks have one hash of 64 bits happens to one of a billion users.)
    """

    def __init__(self) -> None:
        self.n, self.fresh = 0, list[str]()
        self.hashes, self.codes = np.zeros(1024, np.uint64), np.zeros(1024, np.int32)
        self.votes = np.zeros((1024, len(votes("x"))), np.int32)
        self.lock = Lock()
        self._table = _Table(10, self.hashes[:0])

    def __len__(self) -> int:
        return self.n

    def numbers(self, hashes: np.ndarray, text_of: Callable[[int], str]) -> np.ndarray:
        """The numbers of chunks, given by their hashes; new ones, whose texts are asked for by their place in `hashes`, get the next."""
        found = self._table.look_up(hashes)
        new = np.flatnonzero(found < 0)
        if len(new):
            with self.lock:
                first = new[np.sort(np.unique(hashes[new], return_index=True)[1])]
                first = first[self._table.look_up(hashes[first]) < 0]  # no other thread was here first
                self._add([text_of(i) for i in first.tolist()], hashes[first])
            found[new] = self._table.look_up(hashes[new])
        return found

    def _add(self, chunks: list[str], hashes: np.ndarray) -> None:
        n, end = self.n, self.n + len(chunks)
        self.hashes, self.codes, self.votes = (grown(own, end) for own in (self.hashes, self.codes, self.votes))
        self.hashes[n:end], self.codes[n:end], self.votes[n:end] = hashes, [edges(c) for c in chunks], [votes(c) for c in chunks]
        self.fresh += chunks
        self.n = end
        if 2 * end > len(self._table.keys):
            self._table = _Table(end.bit_length() + 2, self.hashes[:end])
        else:
            self._table.put(hashes, n)

    def only(self, kept: np.ndarray) -> "Chunks":
        """Another one, with these chunks, numbered anew in this order."""
        made = Chunks()
        made.hashes, made.codes, made.votes, made.n = self.hashes[kept], self.codes[kept], self.votes[kept], len(kept)
        made._table = _Table(self._table.bits, made.hashes)
        return made


class _Table:
    """Hash -> number. A key stands in the first free slot from the one that its first bits name."""

    def __init__(self, bits: int, hashes: np.ndarray) -> None:
        self.bits, self.shift = bits, np.uint64(64 - bits)
        self.keys, self.numbers = np.zeros(2**bits, np.uint64), np.full(2**bits, -1, np.int32)
        self.put(hashes, 0)

    def put(self, hashes: np.ndarray, number: int) -> None:
        """Give new keys the numbers from this one on."""
        for i, (key, slot) in enumerate(zip(hashes.tolist(), (hashes >> self.shift).tolist(), strict=True)):
            free = slot
            while self.numbers[free] >= 0:
                free = (free + 1) % len(self.keys)
            self.keys[free] = key
            self.numbers[free] = number + i  # last, so that what another thread sees is whole

    def look_up(self, hashes: np.ndarray) -> np.ndarray:
        """The numbers of these keys, or -1."""
        place = (hashes >> self.shift).astype(np.int64)
        found: np.ndarray = self.numbers[place]
        others = np.flatnonzero((found >= 0) & (self.keys[place] != hashes))
        while len(others):
            place[others] = (place[others] + 1) % len(self.keys)
            found[others] = self.numbers[place[others]]
            others = others[(found[others] >= 0) & (self.keys[place[others]] != hashes[others])]
        return found


def _hashes(letters: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """A hash of each chunk of a text: the sum of its letters, each times the factor of its place in the chunk."""
    if not len(starts):
        return np.zeros(0, np.uint64)
    first = int(starts[0])
    place = np.arange(len(letters) - first, dtype=np.int32)
    place -= np.repeat((starts - first).astype(np.int32), np.diff(starts, append=len(letters)))
    values = (letters[first:] + np.uint64(1)) * PLACES[place % len(PLACES)]
    hashes: np.ndarray = np.add.reduceat(
        values, np.stack([starts, ends], axis=1).ravel()[: 2 * len(starts) - (ends[-1] == len(letters))] - first
    )
    return hashes[::2]


@dataclass(frozen=True, slots=True)
class Cut:
    """Texts cut: all their chunks one after the other, and where among these sentences and texts begin.

    numbers           of the chunks in `Chunks`, shape (chunks,)
    starts, ends      offsets of each chunk into its text, shape (chunks,)
    sentence_starts   the first chunk of each sentence, and at last the number of chunks; shape (sentences + 1,)
    text_starts       the first chunk of each text, and at last the number of chunks; shape (texts + 1,)
    """

    numbers: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    sentence_starts: np.ndarray
    text_starts: np.ndarray


def cut(texts: Sequence[str], chunks: Chunks) -> Cut:
    """Cut texts into chunks and sentences."""
    joined = "\n".join(texts)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    begins = np.cumsum(lengths + 1) - lengths - 1  # of each text in the joined one
    letters = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    space = np.concatenate(([True], SPACE[np.minimum(letters, LAST_SPACE + 1)], [True]))
    turns = np.flatnonzero(space[1:] != space[:-1])
    starts, ends = turns[::2], turns[1::2]
    numbers = chunks.numbers(_hashes(letters, starts, ends), lambda i: joined[starts[i] : ends[i]])
    text_starts = np.append(np.searchsorted(starts, begins), len(starts))
    codes = chunks.codes[numbers]
    spaced = np.zeros(len(starts), bool)
    spaced[:-1] = (starts[1:] == ends[:-1] + 1) & (letters[ends[:-1]] == ord(" "))
    opens = np.zeros(len(starts), bool)
    for i in np.flatnonzero(codes & ORDINAL):
        opens[i] = _opens(joined, int(starts[i]))
    chunks_of = np.diff(text_starts)
    last = boundaries(codes, spaced, np.repeat([is_informal(text) for text in texts], chunks_of), opens)
    last[text_starts[1:][chunks_of > 0] - 1] = True
    lines = [begin + end for text, begin in zip(texts, begins.tolist(), strict=True) if "\n" in text for end in line_ends(text)]
    before = np.searchsorted(starts, np.array(lines, np.int64)) - 1
    last[before[before >= 0]] = True
    begin_of = np.repeat(begins, chunks_of)
    sentence_starts = np.concatenate(([0], np.flatnonzero(last) + 1))
    return Cut(numbers, starts - begin_of, ends - begin_of, sentence_starts, text_starts)


def _opens(text: str, at: int) -> bool:
    """Does what stands at this offset begin a line or a sentence?"""
    while at and text[at - 1] in " \t":
        at -= 1
    return text[max(at - 1, 0) : at] in ("", *"\n.!?:")


def sentences(text: str) -> list[tuple[int, int]]:
    """The sentences of a text as (start, end) offsets: trimmed, in order, disjoint, covering all that is not white space."""
    made = cut([text], Chunks())
    return list(zip(made.starts[made.sentence_starts[:-1]].tolist(), made.ends[made.sentence_starts[1:] - 1].tolist(), strict=True))
