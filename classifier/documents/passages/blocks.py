"""What readers of documents give: blocks of text, mended and in one line each."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from classifier.preprocessing.repair import repair

PRIVATE = re.compile("^[\uf0a7\uf0b7\uf0d8\uf02d\uf076]\\s*")  # bullets of symbol fonts
BROKEN = re.compile(r"(?<=\w)[-‐]\n(?!(?:og|eller|samt|til)\b)(?=\w)")  # «IKT-\nløsninger»; «bruker-\nog» keeps its space
SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a paragraph or a list item. Of two headings of a document the one with the lower `rank` stands above the other."""

    kind: str  # heading, paragraph or item
    text: str
    page: int | None = None  # from 1
    rank: tuple[float, ...] = ()  # of a heading


def joined(lines: Iterable[str]) -> str:
    """Lines as one: broken words are put together, white space is one space."""
    return SPACE.sub(" ", BROKEN.sub("-", repair(PRIVATE.sub("• ", "\n".join(lines))).text)).strip()
