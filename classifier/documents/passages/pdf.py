"""PDF -> lines of pages, by PDFium, with the columns of a page one after the other."""

import ctypes
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from math import hypot, inf
from pathlib import Path
from typing import Any

from classifier.documents.passages.layout import Line

BOLD = re.compile(rb"bold|black|heavy|semi|demi|cmb", re.I)
MARGIN = 0.1  # of the height of a page: there stand running heads and feet
WIDE = 1.5  # sizes of letters: a gap in a line that may part two columns
COLUMN = 4  # lines beside each other at the least, for columns
HYPHEN = "\x02\ufffe"  # how PDFium gives the hyphen of a word that is broken at the end of a line
DAMAGED = 50  # pages one after the other: a file with more is not read on
BROKEN = "sider kan ikke leses"
SCANNED = "bilder uten tekst, kjør tekstgjenkjenning (OCR) først"
PICTURE = 3  # PDFium's number for an image among the objects of a page


class _Piece:
    """Letters that stand together in a line: what a line is, until it is known whether the page has columns."""

    __slots__ = ("base", "bold", "left", "right", "size", "text", "wide")

    def __init__(self, left: float, base: float, size: float, bold: bool, wide: bool) -> None:
        self.text, self.left, self.right, self.base, self.size, self.bold = "", left, left, base, size, bold
        self.wide = wide  # it stands right of another piece, in the same line


def pages_of(document: Any) -> Iterator[list[Line]]:
    """The lines of each page of an opened `PdfDocument`; none of a page that is damaged."""
    for number, page in _pages(document):
        if page is not None:
            with closing(page.get_textpage()) as text:
                yield lines_of(_in_reading_order(list(_pieces(text))), number, page.get_height())


def faults(document: Any) -> Iterator[tuple[int, str]]:
    """(page, what is wrong with it): damaged, or pictures and no text, as scanned ones are."""
    for number, page in _pages(document):
        if page is None:
            yield number, BROKEN
            continue
        with closing(page.get_textpage()) as text:
            if not text.get_text_range().strip() and next(page.get_objects(filter=[PICTURE]), None) is not None:
                yield number, SCANNED


def _pages(document: Any) -> Iterator[tuple[int, Any]]:
    """Pages with their numbers, None for one that cannot be loaded; the page is closed when the next one is asked for."""
    row = 0  # of damaged pages
    for index in range(len(document)):
        try:
            page = document[index]
        except RuntimeError:
            row += 1
            if row > DAMAGED:  # the number of pages is a lie
                return
            yield index + 1, None
            continue
        row = 0
        with closing(page):
            yield index + 1, page


def opened(path: Path) -> Any:
    """The document of a file."""
    import pypdfium2

    return pypdfium2.PdfDocument(path)


def _pieces(text: Any) -> Iterator[_Piece]:
    """The pieces of a page's lines in the order of the file; one ends with the line or at a wide gap in it."""
    from pypdfium2 import raw

    page = text.raw
    left, right, bottom, top, x, y = (ctypes.c_double() for _ in range(6))
    matrix, flags, name = raw.FS_MATRIX(), ctypes.c_int(), ctypes.create_string_buffer(120)
    piece: _Piece | None = None
    letters: list[str] = []
    spaces = False

    def ended() -> Iterator[_Piece]:
        if piece is not None and (written := "".join(letters).strip()):
            piece.text = written
            yield piece

    high = 0
    for i in range(raw.FPDFText_CountChars(page)):
        code = raw.FPDFText_GetUnicode(page, i)
        if 0xD800 <= code < 0xDC00:  # PDFium counts in UTF-16
            high = code
            continue
        if 0xDC00 <= code < 0xE000:
            code = 0x10000 + ((high - 0xD800) << 10) + code - 0xDC00 if high else 0xFFFD
            high = 0
        char = chr(code)
        if char in "\r\n":
            yield from ended()
            piece, letters, spaces = None, [], False
            continue
        if char.isspace():
            letters.append(" ")
            spaces = True
            continue
        raw.FPDFText_GetCharBox(page, i, left, right, bottom, top)
        if piece is not None and not spaces and char not in HYPHEN:
            letters.append(char)
            piece.right = max(piece.right, right.value)
            continue
        if char in HYPHEN:  # what follows stands in the next line
            letters.append("-")
            yield from ended()
            piece, letters, spaces = None, [], False
            continue
        wide = piece is not None and left.value - piece.right > WIDE * piece.size
        if piece is None or wide:
            yield from ended()
            raw.FPDFText_GetCharOrigin(page, i, x, y)
            raw.FPDFText_GetMatrix(page, i, matrix)
            size = raw.FPDFText_GetFontSize(page, i) * (hypot(matrix.c, matrix.d) or 1.0)
            known = raw.FPDFText_GetFontInfo(page, i, name, 120, flags)
            bold = bool(known and BOLD.search(name.value))
            piece, letters = _Piece(left.value, y.value, round(size, 1) or 1.0, bold, wide), []
        elif piece.bold:  # a line is bold when all its words are
            known = raw.FPDFText_GetFontInfo(page, i, name, 120, flags)
            piece.bold = bool(known and BOLD.search(name.value))
        letters.append(char)
        piece.right = max(piece.right, right.value)
        spaces = False
    yield from ended()


def _in_reading_order(pieces: list[_Piece]) -> list[list[_Piece]]:
    """Lines of pieces. Where a page was written across its columns, those that begin at the same place are put below each other."""
    edges = Counter(round(p.left / 4) for p in pieces if p.wide and len(p.text.split()) > 2)
    edge, n = edges.most_common(1)[0] if edges else (0, 0)
    across = n >= COLUMN
    lines: list[list[_Piece]] = []
    column: list[list[_Piece]] = []  # the right one, which waits for the left one to end
    for piece in pieces:
        if across and piece.wide and abs(piece.left / 4 - edge) <= 1 and lines:
            column.append([piece])
        elif piece.wide and lines and not (column and column[-1][0].base == piece.base):
            lines[-1].append(piece)
        else:
            if column and (piece.right > edge * 4 or abs(piece.base - column[-1][0].base) > 4 * piece.size):
                lines += column
                column = []
            lines.append([piece])
    return lines + column


def lines_of(pieces: list[list[_Piece]], page: int, height: float) -> list[Line]:
    """The lines of a page, each with its distance from the one before."""
    lines: list[Line] = []
    before: _Piece | None = None
    for line in pieces:
        first = line[0]
        fall = inf if before is None else before.base - first.base
        drop = fall / first.size if fall > 0 else inf
        edge = not MARGIN * height < first.base < (1 - MARGIN) * height
        text = " ".join(p.text for p in line)
        if before is not None and abs(fall) < 0.3 * first.size and lines and first.left > before.right:  # the same line, written later
            lines[-1] = Line(f"{lines[-1].text} {text}", page, lines[-1].size, lines[-1].bold, lines[-1].drop, lines[-1].margin)
        else:
            lines.append(Line(text, page, first.size, all(p.bold for p in line), drop, edge))
        before = line[-1] if len(line) > 1 else first
    return lines
