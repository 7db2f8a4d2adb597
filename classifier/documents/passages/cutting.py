"""Blocks -> passages of 40 to 300 words, which is what the model was trained on, never across a heading.

Short paragraphs are put together with what follows under the same heading, a list with the sentence that leads into it; a paragraph
of more than 300 words is cut where a sentence ends. A section shorter than 40 words is a passage of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import ceil

from classifier.documents.passages.blocks import Block
from classifier.preprocessing import sentences

SHORT = 40  # words: what is shorter is put together with its neighbour
LONG = 300  # words: no passage is longer
ABOVE = " › "  # between a heading and the one below it


@dataclass(slots=True)
class Passage:
    """Text under one heading: its page (where it begins), the headings above it, and the running numbers of its paragraphs."""

    text: str
    page: int | None
    heading: str
    first: int
    last: int


@dataclass(slots=True)
class _Pending:
    """Paragraphs that wait for their neighbours."""

    blocks: list[tuple[int, Block]] = field(default_factory=list)
    words: int = 0

    def add(self, number: int, block: Block) -> None:
        self.blocks.append((number, block))
        self.words += len(block.text.split())

    def take_over(self, other: "_Pending") -> None:
        self.blocks += other.blocks
        self.words += other.words


def passages(blocks: Iterable[Block]) -> Iterator[Passage]:
    """The passages of a document, in order, holding two of them at a time."""
    above: list[Block] = []
    done, open_ = _Pending(), _Pending()  # `done` is long enough; a short rest may still join it
    number, bare = 0, False  # bare: nothing has come under the last heading yet
    for block in blocks:
        if not block.text:
            continue
        if block.kind == "heading":
            yield from _section(done, open_, above)
            done, open_ = _Pending(), _Pending()
            if bare and not above[-1].rank < block.rank:
                number += 1
                yield _alone(above, number)
            above = [*(b for b in above if b.rank < block.rank), block]
            bare = True
            continue
        number += 1
        bare = False
        for piece in pieces(block):
            if open_.blocks and (open_.words + len(piece.text.split()) > LONG or _whole(open_, piece)):
                if done.blocks:
                    yield _passage(done, above)
                done, open_ = open_, _Pending()
            open_.add(number, piece)
    yield from _section(done, open_, above)
    if bare:
        yield _alone(above, number + 1)


def _alone(above: list[Block], number: int) -> Passage:
    """A heading with nothing under it is text, too: it may be none."""
    return Passage(above[-1].text, above[-1].page, ABOVE.join(b.text for b in above[:-1]), number, number)


def _whole(pending: _Pending, following: Block) -> bool:
    """Is this a passage already? A list stays with the sentence before it, and with itself."""
    leads = pending.blocks[-1][1].text.endswith(":")
    return pending.words >= SHORT and not leads and following.kind != "item"


def _section(done: _Pending, rest: _Pending, above: list[Block]) -> Iterator[Passage]:
    """What is left when a section ends: a short rest joins what stands before it."""
    if done.blocks and rest.words < SHORT and done.words + rest.words <= LONG:
        done.take_over(rest)
        rest = _Pending()
    for pending in (done, rest):
        if pending.blocks:
            yield _passage(pending, above)


def _passage(pending: _Pending, above: list[Block]) -> Passage:
    numbers = [number for number, _ in pending.blocks]
    text = pending.blocks[0][1].text
    for _, block in pending.blocks[1:]:
        text += ("\n" if block.kind == "item" else "\n\n") + block.text
    return Passage(text, pending.blocks[0][1].page, ABOVE.join(b.text for b in above), numbers[0], numbers[-1])


def pieces(block: Block) -> Iterator[Block]:
    """A block of at most 300 words as it is, a longer one in parts of about the same length that end with a sentence."""
    total = len(block.text.split())
    if total <= LONG:
        yield block
        return
    aim = total / ceil(total / LONG)
    part: list[str] = []
    read, cuts = 0, 1
    for start, end in sentences(block.text):
        words = block.text[start:end].split()
        if part and (read + len(words) / 2 > cuts * aim or len(part) + len(words) > LONG):
            yield Block(block.kind, " ".join(part), block.page)
            part, cuts = [], cuts + 1
        read += len(words)
        part += words
        while len(part) > LONG:  # a sentence without end
            yield Block(block.kind, " ".join(part[:LONG]), block.page)
            part = part[LONG:]
    if part:
        yield Block(block.kind, " ".join(part), block.page)
