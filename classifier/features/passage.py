"""Texts, mended and cut into sentences and chunks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifier.features.sums import summed
from classifier.preprocessing import TOKEN, Chunks, Repaired, cut, elected, repair


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
        places = zip(self.starts.tolist(), self.ends.tolist(), strict=True)
        of_chunk, edges = [tokens_of(self.repaired.text[start:end]) for start, end in places], self.sentence_starts.tolist()
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
    languages = elected(summed(chunks.votes, made.numbers, at))
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
    return passages([text], Chunks(64))[0]
