"""Texts cut in one pass into chunks (what stands between white space) and sentences.

What a chunk alone tells (how it may begin or end a sentence, which languages it speaks for) is found once for each distinct chunk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from classifier.preprocessing.language import votes
from classifier.preprocessing.sentence import ORDINAL, boundaries, edges, is_informal, line_ends

LAST_SPACE = 0x3000  # no white space beyond
SPACE = np.array([chr(i).isspace() for i in range(LAST_SPACE + 1)] + [False])


def grown(array: np.ndarray, length: int) -> np.ndarray:
    """An array of at least this length: if need be a longer one, with zeros at the end that take no memory until they are used."""
    if length <= len(array):
        return array
    made = np.zeros((2 * length, *array.shape[1:]), array.dtype)
    made[: len(array)] = array
    return made


class Chunks(dict[str, int]):
    """Distinct chunk -> number; `texts`, `codes` and `votes` hold what is known of each, by number."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.codes, self.votes = np.zeros(1024, np.int32), np.zeros((1024, len(votes("x"))), np.int32)
        self.letters = 0  # of all of them
        self.lock = Lock()

    def __missing__(self, chunk: str) -> int:
        with self.lock:
            if chunk in self:  # another thread was here first
                return self[chunk]
            number = len(self)
            self.codes, self.votes = grown(self.codes, number + 1), grown(self.votes, number + 1)
            self.texts.append(chunk)
            self.letters += len(chunk)
            self.codes[number] = edges(chunk)
            if any(said := votes(chunk)):
                self.votes[number] = said
            self[chunk] = number
            return number

    def only(self, numbers: np.ndarray) -> "Chunks":
        """Another one, with these chunks, numbered anew in this order."""
        made = Chunks()
        made.texts = [self.texts[n] for n in numbers]
        made.codes, made.votes = self.codes[numbers], self.votes[numbers]
        made.letters = sum(map(len, made.texts))
        made.update((text, n) for n, text in enumerate(made.texts))
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
    letters = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    space = np.concatenate(([True], SPACE[np.minimum(letters, LAST_SPACE + 1)], [True]))
    turns = np.flatnonzero(space[1:] != space[:-1])
    starts, ends = turns[::2], turns[1::2]
    numbers = np.fromiter(map(chunks.__getitem__, joined.split()), np.int32, len(starts))
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
