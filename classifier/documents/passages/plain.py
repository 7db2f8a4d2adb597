"""Plain text -> lines of pages: paragraphs by blank lines, pages by form feeds (as programs that turn PDF into text write them)."""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from math import inf

from classifier.documents.passages.layout import Line
from classifier.documents.rows import Input, detect_encoding

EDGE = 2  # lines at the top and at the foot of a page where running heads stand
UNWRAPPED = 160  # characters: a line this long is a paragraph
RULE = re.compile(r"\s*[=_*~–—-]{3,}\s*")


def pages_of(source: Input) -> Iterator[list[Line]]:
    """The lines of each page; a text without form feeds comes in pages of a thousand lines without number or margin."""
    with io.TextIOWrapper(source.open(), encoding=detect_encoding(source), errors="replace") as file:
        number = 1
        page: list[Line] = []
        blank, paged, long = inf, False, False
        for raw in file:
            for i, part in enumerate(raw.split("\f")):
                if i:
                    yield _with_margins(page, paged=True)
                    page, paged, number, blank = [], True, number + 1, inf
                text = part.rstrip()
                if not text or RULE.fullmatch(text):
                    blank += 1
                    continue
                drop = 2.0 + blank if blank or long or len(text) > UNWRAPPED else 1.0
                page.append(Line(text, number, drop=drop))
                blank, long = 0, len(text) > UNWRAPPED
            if not paged and len(page) >= 1000:
                yield _with_margins(page, paged=False)
                page = []
        yield _with_margins(page, paged)


def _with_margins(page: list[Line], paged: bool) -> list[Line]:
    if not paged:
        return [replace(line, page=None) for line in page]
    edge = {*range(EDGE), *range(len(page) - EDGE, len(page))}
    return [replace(line, margin=i in edge) for i, line in enumerate(page)]
