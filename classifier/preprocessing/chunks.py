"""Texts cut in one pass into chunks (what stands between white space) and sentences.

What a chunk alone tells (how it may begin or end a sentence, which languages it speaks for) is found once for each distinct chunk.
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from classifier.preprocessing.hashing import HashTable, hashes_of, letters_of
from classifier.preprocessing.language import votes
from classifier.preprocessing.sentence import ORDINAL, boundaries, edges, is_informal, line_ends

LAST_SPACE = 0x3000  # no white space beyond
SPACE = np.array([chr(i).isspace() for i in range(LAST_SPACE + 1)] + [False])


def grown(array: np.ndarray, length: int) -> np.ndarray:
    """An array of at least this length: if need be a longer one, with zeros at the end that take no memory until they are used."""
    if length <= len(array):
        return array
    made = np.zeros((length + length // 4, *array.shape[1:]), array.dtype)
    made[: len(array)] = array
    return made


class Chunks:
    """Distinct chunks, numbered as they are met; `hashes`, `codes` and `votes` hold what is known of each, by number, and `fresh` the texts
    of the last ones, until somebody takes them out.

    Many are looked up at a time by a hash of their letters: a dict takes three times as long, and more memory.
    """

    def __init__(self, room: int = 1024) -> None:
        """`room`: so many find a place without copying."""
        self.n, self.fresh = 0, list[str]()
        self.hashes, self.codes = np.zeros(room, np.uint64), np.zeros(room, np.int32)
        self.votes = np.zeros((room, len(votes("x"))), np.int32)
        self._table = HashTable(self.hashes[:0], room)

    def __len__(self) -> int:
        return self.n

    def numbers(self, hashes: np.ndarray, text_of: Callable[[int], str]) -> np.ndarray:
        """The numbers of chunks, given by their hashes; new ones, whose texts are asked for by their place in `hashes`, get the next."""
        found = self._table.look_up(hashes)
        new = np.flatnonzero(found < 0)
        if len(new):
            first = new[np.sort(np.unique(hashes[new], return_index=True)[1])]
            self._add([text_of(i) for i in first.tolist()], hashes[first])
            found[new] = self._table.look_up(hashes[new])
        return found

    def _add(self, chunks: list[str], hashes: np.ndarray) -> None:
        n, end = self.n, self.n + len(chunks)
        self.hashes, self.codes, self.votes = (grown(own, end) for own in (self.hashes, self.codes, self.votes))
        self.hashes[n:end], self.codes[n:end], self.votes[n:end] = hashes, [edges(c) for c in chunks], [votes(c) for c in chunks]
        self.fresh += chunks
        self.n = end
        if end > self._table.room:
            self._table = HashTable(self.hashes[:end], 2 * end)
        else:
            self._table.put(hashes)

    def only(self, kept: np.ndarray) -> "Chunks":
        """These chunks, numbered anew in this order, in the same place: this numbering is not to be used any more."""
        made, n = copy(self), len(kept)
        made.hashes[:n], made.codes[:n], made.votes[:n] = self.hashes[kept], self.codes[kept], self.votes[kept]
        made.n, made.fresh, made._table = n, [], HashTable(self.hashes[:n], self._table.room)
        return made


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
    letters = letters_of(joined)
    space = np.concatenate(([True], SPACE[np.minimum(letters, LAST_SPACE + 1)], [True]))
    turns = np.flatnonzero(space[1:] != space[:-1])
    starts, ends = turns[::2], turns[1::2]
    numbers = chunks.numbers(hashes_of(letters, starts, ends), lambda i: joined[starts[i] : ends[i]])
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
    made = cut([text], Chunks(64))
    return list(zip(made.starts[made.sentence_starts[:-1]].tolist(), made.ends[made.sentence_starts[1:] - 1].tolist(), strict=True))
