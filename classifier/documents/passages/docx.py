"""DOCX -> blocks: the paragraphs of the main text as they stand in the file, read as a stream.

Text in content controls, insertions, tables and text boxes is text; deletions, comments, notes, running heads and tables of contents are
not read. Page breaks are where Word last put them.
"""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from classifier.documents.passages.blocks import Block, joined
from classifier.documents.passages.layout import is_short
from classifier.errors import ClassifierError

MAIN = "word/document.xml"
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # a text box once more, for old programs
LARGEST = 100_000_000  # bytes of a part when unpacked: a book of thousands of pages has a tenth of that
HEADING = re.compile(r"heading (\d)|title")
CONTENTS = re.compile(r"toc \d|toc heading|table of figures")
GONE = (FALLBACK, f"{W}moveFrom", f"{W}del")
WRITTEN = {f"{W}t": "", f"{W}tab": " ", f"{W}br": " ", f"{W}cr": " ", f"{W}noBreakHyphen": "-", f"{W}softHyphen": "\xad"}
CELL = 12  # words: a row of shorter cells is one line


def blocks_of(path: Path) -> Iterator[Block]:
    """The blocks of a file. Raises `ClassifierError` for one that is no DOCX, encrypted or too large when unpacked."""
    from lxml import etree

    try:
        package = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        with path.open("rb") as file:
            old = file.read(4) == b"\xd0\xcf\x11\xe0"
        raise ClassifierError("filen er kryptert eller i det gamle Word-formatet" if old else "filen er skadet eller ingen DOCX") from error
    with package:
        styles = _styles(package, etree)
        with _part(package, MAIN) as file:
            paged = _mentions(file, b"lastRenderedPageBreak")
        with _part(package, MAIN) as file:
            yield from _blocks(etree.iterparse(file, events=("start", "end"), resolve_entities=False, no_network=True), styles, paged)


def _mentions(file: IO[bytes], word: bytes) -> bool:
    before = b""
    while chunk := file.read(1 << 16):
        if word in before + chunk:
            return True
        before = chunk[-len(word) :]
    return False


def _part(package: zipfile.ZipFile, name: str) -> Any:
    """A part of the file, opened. Python's zipfile gives no more of it than it claims to hold."""
    if name not in package.namelist():
        raise ClassifierError("filen er skadet eller ingen DOCX")
    info = package.getinfo(name)
    if info.flag_bits & 1:
        raise ClassifierError("filen er kryptert")
    if info.file_size > LARGEST:
        raise ClassifierError(f"filen er for stor utpakket ({info.file_size // 1_000_000} MB)")
    return package.open(info)


def _styles(package: zipfile.ZipFile, etree: Any) -> dict[str, str | int]:
    """Style id -> the level of a heading from 0, «item» or «toc»; others are left out. A style has its level from the one it builds on."""
    if "word/styles.xml" not in package.namelist():
        return {}
    own: dict[str, str | int] = {}
    base: dict[str, str] = {}
    with _part(package, "word/styles.xml") as file:
        for _, style in etree.iterparse(file, tag=f"{W}style", resolve_entities=False, no_network=True):
            code = style.get(f"{W}styleId") or ""
            name = (_value(style.find(f"{W}name")) or "").lower()
            outline = _value(style.find(f"{W}pPr/{W}outlineLvl")) or ""
            base[code] = _value(style.find(f"{W}basedOn")) or ""
            if CONTENTS.fullmatch(name):
                own[code] = "toc"
            elif match := HEADING.fullmatch(name):
                own[code] = int(match[1] or 0)
            elif outline.isdigit() and int(outline) < 9:
                own[code] = int(outline) + 1
            elif style.find(f"{W}pPr/{W}numPr") is not None:
                own[code] = "item"
            style.clear()
    found = {}
    for code in base:
        at, seen = code, {""}
        while at not in own and at not in seen:
            seen.add(at)
            at = base.get(at, "")
        if at in own:
            found[code] = own[at]
    return found


def _value(element: Any) -> str | None:
    return None if element is None else element.get(f"{W}val")


def _blocks(events: Any, styles: dict[str, str | int], paged: bool) -> Iterator[Block]:
    """Paragraphs one by one; those of a table row together when its cells are short."""
    page, written = 1, False  # written: the paragraph has text before this
    begun: list[int] = []  # the pages where the paragraphs begin that are open; one stands in another by way of a text box
    rows = controls = contents = fallback = 0  # how deep inside; the depth of the content control that holds a table of contents
    cells: list[Block] = []
    for event, element in events:
        tag = element.tag
        if event == "start":
            rows += tag == f"{W}tr"
            controls += tag == f"{W}sdt"
            fallback += tag == FALLBACK
            if tag == f"{W}p":
                begun.append(page)
                written = False
        elif tag == f"{W}docPartGallery":
            contents = contents or (controls if _value(element) == "Table of Contents" else 0)
        elif tag == f"{W}sdt":
            contents = 0 if contents == controls else contents
            controls -= 1
        elif tag == f"{W}t":
            written = True
        elif tag == f"{W}lastRenderedPageBreak" and not fallback:
            page += 1
            if begun and not written:
                begun[-1] = page
        elif tag in GONE:
            fallback -= tag == FALLBACK
            element.clear(keep_tail=False)
        elif tag == f"{W}p":
            block = None if contents or fallback else _block(element, begun[-1] if paged else None, styles)
            begun.pop()
            _emptied(element)
            if block and rows:
                cells.append(block)
            elif block:
                yield block
        elif tag == f"{W}tr":
            rows -= 1
            if not rows:
                yield from _row(cells)
                cells = []
            _emptied(element)


def _emptied(element: Any) -> None:
    """Give back the memory of what has been read."""
    element.clear(keep_tail=False)
    while element.getprevious() is not None:
        del element.getparent()[0]


def _row(cells: list[Block]) -> Iterator[Block]:
    if len(cells) > 1 and all(len(c.text.split()) <= CELL for c in cells):
        yield Block("item", " | ".join(c.text for c in cells), cells[0].page)
    else:
        yield from cells


def _block(paragraph: Any, page: int | None, styles: dict[str, str | int]) -> Block | None:
    """A paragraph as a block; None for an empty one or one of a table of contents."""
    style = styles.get(_value(paragraph.find(f"{W}pPr/{W}pStyle")) or "")
    text = joined(["".join(_written(paragraph))])
    if not text or style == "toc":
        return None
    own = _value(paragraph.find(f"{W}pPr/{W}outlineLvl")) or ""
    if own.isdigit() and int(own) < 9:
        style = int(own) + 1
    if isinstance(style, int):
        return Block("heading", text, page, (style,))
    if style == "item" or paragraph.find(f"{W}pPr/{W}numPr") is not None:
        return Block("item", f"• {text}", page)
    if is_short(text) and not text.endswith(":") and _bold(paragraph):  # a heading made by hand
        return Block("heading", text, page, (10,))
    return Block("paragraph", text, page)


def _written(paragraph: Any) -> Iterator[str]:
    for element in paragraph.iter(*WRITTEN):
        yield WRITTEN[element.tag] or element.text or ""


def _bold(paragraph: Any) -> bool:
    """Are all letters of the paragraph bold by themselves?"""
    runs = [run for run in paragraph.iter(f"{W}r") if "".join(_written(run)).strip()]
    marks = [run.find(f"{W}rPr/{W}b") for run in runs]
    return bool(runs) and all(mark is not None and _value(mark) not in ("0", "false") for mark in marks)
