"""HTML and Markdown -> blocks. Markdown is turned into HTML first, so that both are read by the same rules."""

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import suppress

from classifier.documents.passages.blocks import Block, joined
from classifier.documents.passages.layout import is_short
from classifier.documents.rows import Input, detect_encoding

CHUNK = 1 << 16  # characters
SKIPPED = frozenset("script style noscript template nav footer button select textarea svg math iframe title".split())
HEADINGS = {f"h{n}": n for n in range(1, 7)}
BREAKS = frozenset(
    "p div section article main header ul ol li dl dt dd table thead tbody tfoot tr blockquote pre figure figcaption address hr body "
    "details summary".split()
)
BOLD = frozenset(("b", "strong"))
CHARSET = re.compile(rb"charset=[\"']?\s*([\w-]+)", re.I)
FRONT = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.S)  # what generators of web sites keep above the text


def html_blocks(source: Input) -> Iterator[Block]:
    """The blocks of an HTML file, without navigation, foot and tables of contents (lists of links into the page itself)."""
    with io.TextIOWrapper(source.open(), encoding=encoding_of(source), errors="replace") as file:
        yield from _parsed(iter(lambda: file.read(CHUNK), ""))


def markdown_blocks(source: Input) -> Iterator[Block]:
    """The blocks of a Markdown file (CommonMark with tables)."""
    from markdown_it import MarkdownIt

    with io.TextIOWrapper(source.open(), encoding=detect_encoding(source), errors="replace") as file:
        text = FRONT.sub("", file.read())
    yield from _parsed(iter([MarkdownIt("commonmark").enable("table").render(text)]))


def encoding_of(source: Input) -> str:
    """By the bytes; where they are no UTF-8, as the file says of itself."""
    found = detect_encoding(source)
    if found != "cp1252":
        return found
    with source.open() as file:
        said = CHARSET.search(file.read(2048))
    try:
        return codecs.lookup(said[1].decode()).name if said else found
    except LookupError:
        return found


def _parsed(chunks: Iterator[str]) -> Iterator[Block]:
    from lxml import etree

    reader = _Reader()
    parser = etree.HTMLParser(target=reader, huge_tree=False)
    for chunk in chunks:
        parser.feed(chunk.replace("\0", ""))
        yield from reader.taken()
    with suppress(etree.LxmlError):  # an empty file
        parser.close()
    reader.ended()
    yield from reader.taken()


class _Reader:
    """What the parser calls as it reads; blocks gather in it until they are taken."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.text: list[str] = []
        self.kind, self.level = "paragraph", 0
        self.bold = self.skipped = self.linked = 0  # how deep inside
        self.letters = {"all": 0, "bold": 0, "linked": 0}
        self.links: list[bool] = []  # of the open <a>: does it lead into the page itself?

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in SKIPPED:
            self.ended()
            self.skipped += 1
        elif tag in BREAKS or tag in HEADINGS:
            self.ended()
            self.kind = "heading" if tag in HEADINGS else "item" if tag in ("li", "tr") else self.kind if tag == "p" else "paragraph"
            self.level = HEADINGS.get(tag, 0)
        elif tag in ("td", "th") and "".join(self.text).strip():
            self.text.append(" | ")
        elif tag == "br":
            self.text.append(" ")
        elif tag == "a":
            self.links.append(attributes.get("href", "").startswith("#"))
        self.bold += tag in BOLD

    def end(self, tag: str) -> None:
        if tag in SKIPPED:
            self.skipped = max(self.skipped - 1, 0)
        elif tag in BREAKS or tag in HEADINGS:
            self.ended()
            self.kind = "paragraph"
        elif tag == "a" and self.links:
            self.links.pop()
        self.bold = max(self.bold - (tag in BOLD), 0)

    def data(self, text: str) -> None:
        if not self.skipped:
            self.text.append(text)
            n = len(text.strip())
            self.letters["all"] += n
            self.letters["bold"] += n if self.bold else 0
            self.letters["linked"] += n if any(self.links) else 0

    def close(self) -> None:
        """The parser asks for it."""

    def ended(self) -> None:
        """A block is whole."""
        text = joined(["".join(self.text).replace("\n", " ")]).strip("| ")
        letters = self.letters
        if text and not (self.kind == "item" and letters["linked"] == letters["all"]):
            kind, rank = self.kind, (self.level,)
            if kind == "paragraph" and letters["bold"] == letters["all"] and is_short(text) and not text.endswith(":"):
                kind, rank = "heading", (10,)  # a heading made by hand
            self.blocks.append(Block(kind, f"• {text}" if kind == "item" else text, None, rank if kind == "heading" else ()))
        self.text, self.letters = [], {"all": 0, "bold": 0, "linked": 0}

    def taken(self) -> list[Block]:
        blocks, self.blocks = self.blocks, []
        return blocks
