"""Lines of pages -> blocks, for formats that know no headings: PDF and plain text.

The document is gone through twice: first to learn what is usual in it (the size of letters, the distance of lines, what repeats in
the margins), then page by page.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from classifier.documents.passages.blocks import Block, joined
from classifier.preprocessing.sentence import BULLET

COUNTED = "\0"  # stands for the page's number in a running head
HEADING = 14  # words: what is longer is a paragraph in large letters
PARAGRAPH = 1.25  # times the usual distance of lines: a gap
LARGE, SMALL = 1.12, 0.92  # times the usual size of letters
NUMBER = re.compile(r"(\d{1,2}(?:\.\d{1,2})*)\.?\s+(?=[A-ZÆØÅ«])")
PAGE = r"(?:(?:side|page|s\.)\s*)?[-–|]?\s*(?:\d{1,4}|[ivxl]{1,6})\s*(?:(?:av|of|/)\s*\d{1,4})?\s*[-–|]?"
PAGE_NUMBER = re.compile(PAGE, re.I)
DIGITS = re.compile(r"^\D{0,8}?(\d{1,4})(?=\D|$)|(?<!\d)(\d{1,4})\W*$")
CONTENTS = re.compile(r"(?:innhold(?:sfortegnelse|soversikt)?|innhald(?:sliste|soversyn|soversikt)?|(?:table of )?contents)\W*", re.I)
LEADERS = re.compile(r"\s*(?:\.{4,}|(?:\. ){3,}\.?|…{2,}|_{4,})[\s.]*(\d{0,4})$")
ENTRIES = 3  # lines with leaders and rising numbers that make a table of contents without the word «Innhold» above it
ENTRY = re.compile(r"^(.*?)[\s.]*\s(\d{1,3})$|^()(\d{1,3})$")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page. `drop` is the distance from the line before it in sizes of its letters, infinite in a new column."""

    text: str
    page: int | None = None
    size: float = 1.0
    bold: bool = False
    drop: float = 1.0
    margin: bool = False  # among the first or last lines of the page


@dataclass(slots=True)
class Usual:
    """What the first going through found; grows with the number of pages, not with their text."""

    size: float = 1.0
    distance: float = 1.0
    styled: bool = False  # letters differ in size or weight, so headings show by that
    running: set[str] = field(default_factory=set)


Pages = Callable[[], Iterable[list[Line]]]


def blocks_of(pages: Pages) -> Iterator[Block]:
    """The blocks of a document whose pages can be had twice, without running heads, page numbers and tables of contents."""
    usual = learn(pages())
    lines = (line for page in pages() for line in page if not is_running(line, usual))
    titles: set[str] = set()
    return _blocks(_without_contents(lines, titles), usual, titles)


def learn(pages: Iterable[list[Line]]) -> Usual:
    """What is usual in a document."""
    sizes: Counter[float] = Counter()
    distances: Counter[float] = Counter()
    margins: Counter[str] = Counter()
    bold = 0
    for page in pages:
        for line in page:
            sizes[round(line.size, 1)] += len(line.text)
            bold += len(line.text) if line.bold else 0
            if 0.5 < line.drop < 3 and len(line.text) > 20:
                distances[round(line.drop, 1)] += 1
        margins.update({key for line in page if line.margin for key in running_keys(line)})
    size = sizes.most_common(1)[0][0] if sizes else 1.0
    styled = len(sizes) > 1 or 0 < bold < sizes.total()
    running = {key for key, n in margins.items() if n >= (2 if COUNTED in key else 3)}
    return Usual(size, distances.most_common(1)[0][0] if distances else 1.0, styled, running)


def running_keys(line: Line) -> set[str]:
    """The line as it might stand in the margin of other pages: itself, and with a first or last number that counts the pages."""
    text = " ".join(line.text.lower().split())
    page = line.page or 0
    keys = {text}
    for match in DIGITS.finditer(text):
        group = 1 if match[1] else 2
        keys.add(f"{text[: match.start(group)]}{COUNTED}{int(match[group]) - page}{text[match.end(group) :]}")
    return keys


def is_running(line: Line, usual: Usual) -> bool:
    """Is this a running head or foot, or a page number?"""
    if not line.margin:
        return False
    repeated = bool(running_keys(line) & usual.running) and line.size < LARGE * usual.size
    return repeated or bool(PAGE_NUMBER.fullmatch(line.text.strip()))


def _plain(title: str) -> str:
    return " ".join(re.findall(r"\w+", title.lower()))


def _without_contents(lines: Iterable[Line], titles: set[str]) -> Iterator[Line]:
    """The lines without tables of contents, whose titles are kept: they tell what the headings are.

    An entry ends with a page number that is not lower than the one before; it stands below the word «Innhold», or has leaders (dots)
    and two more such entries with it. Up to two lines without a number are part of an entry when one with a number follows.
    """
    inside, latest = False, 0
    waiting: list[Line] = []
    for line in lines:
        text = line.text.strip()
        if CONTENTS.fullmatch(text):
            yield from waiting
            inside, latest, waiting = True, 0, []
            continue
        title, number = _entry(text, inside)
        if number is not None and latest <= number <= latest + 100:
            latest = number
            waiting.append(line)
            if inside or len(waiting) == ENTRIES:
                inside = True
                named = [_entry(w.text.strip(), True)[0] for w in waiting]
                titles |= {_plain(" ".join(named)), *map(_plain, named)}
                waiting = []
            continue
        if not inside:  # those with leaders were too few
            yield from waiting
            yield line
            latest, waiting = 0, []
            continue
        waiting.append(line)
        if len(waiting) > 2 or len(text) > 90 or _plain(title) in titles:
            yield from waiting
            inside, latest, waiting = False, 0, []
    yield from waiting


def _entry(text: str, inside: bool) -> tuple[str, int | None]:
    """Title and page of a line that may be an entry of a table of contents; no page for other lines."""
    if leaders := LEADERS.search(text):
        return text[: leaders.start()], int(leaders[1]) if leaders[1] else None
    if inside and len(text) < 120 and (bare := ENTRY.match(text)):
        return bare[1] or "", int(bare[2] or bare[4])
    return text, None


def _blocks(lines: Iterable[Line], usual: Usual, titles: set[str]) -> Iterator[Block]:
    """Headings, paragraphs and list items; a paragraph goes on over a column or a page."""
    gap = PARAGRAPH * usual.distance
    texts: list[str] = []
    first: Line | None = None
    kind: str = ""
    rank: tuple[float, ...] = ()
    last: Line | None = None

    def made() -> Iterator[Block]:
        if first is not None and texts:
            yield Block(kind, joined(texts), first.page, rank)

    for line, following in _pairs(lines):
        apart = last is None or line.drop > gap or _unlike(last, line, usual)
        after = following is None or following.drop > gap or _unlike(line, following, usual)
        goes_on = last is not None and kind != "heading" and _goes_on(texts[-1], line.text) and not _unlike(last, line, usual)
        bullet = BULLET.match(line.text) is not None or line.text[:1] in "\uf0a7\uf0b7\uf0d8\uf02d\uf076"
        found = None if goes_on else heading_rank(line, apart, after, usual, titles)
        if found is not None and kind == "heading" and last is not None and not apart and sum(len(t.split()) for t in texts) <= HEADING:
            texts.append(line.text)  # a heading of several lines
        elif found is not None:
            yield from made()
            texts, first, kind, rank = [line.text], line, "heading", found
        elif kind in ("", "heading") or bullet or (apart and not goes_on):
            lone = [*texts] if kind == "item" and BULLET.fullmatch(f"{texts[0]} ") and len(texts) == 1 else []
            if not lone:  # else the bullet stood on a line of its own
                yield from made()
                first, kind, rank = line, "item" if bullet else "paragraph", ()
            texts = [" ".join([*lone, line.text])]
        else:
            texts.append(line.text)
        last = line
    yield from made()


def _pairs(lines: Iterable[Line]) -> Iterator[tuple[Line, Line | None]]:
    before: Line | None = None
    for line in lines:
        if not line.text.strip():
            continue
        if before is not None:
            yield before, line
        before = line
    if before is not None:
        yield before, None


def _unlike(a: Line, b: Line, usual: Usual) -> bool:
    """Do these lines differ so much in their letters that they are not of one paragraph?"""
    return abs(a.size - b.size) > 0.06 * usual.size or (a.bold != b.bold and (is_short(a.text) or is_short(b.text)))


def is_short(text: str) -> bool:
    return len(text.split()) <= HEADING and text.rstrip()[-1:] not in ".,;"


def _goes_on(before: str, text: str) -> bool:
    """Does a sentence that began before a column or a page break, a picture or a footnote go on here?"""
    start = text.lstrip()[:1]
    return before.rstrip()[-1:] not in '.!?:;…»"' and start.islower() and not BULLET.match(text)


def heading_rank(line: Line, apart: bool, after: bool, usual: Usual, titles: set[str]) -> tuple[float, ...] | None:
    """The rank of a heading, None for other lines.

    A heading is short, ends without a full stop, and is in the table of contents, or in larger letters, or bold on a line of its own,
    or numbered (1.2) with space around it; in a text without letters of several kinds, a short line with space around it.
    """
    text = line.text.strip()
    if not is_short(text) or text.endswith(":") or text[0].islower() or sum(map(str.isalpha, text)) <= sum(map(str.isdigit, text)):
        return None  # no row of figures either
    number = NUMBER.match(text)
    depth = number[1].count(".") + 1 if number else 0
    large = line.size > LARGE * usual.size
    known = _plain(text) in titles or (number is not None and _plain(text[number.end() :]) in titles)
    if line.size < SMALL * usual.size:
        return None
    if not (
        large
        or (apart and known)
        or (apart and line.bold)
        or (apart and after and (depth > 1 or (depth == 1 and not usual.styled)))
        or (apart and after and not usual.styled and not BULLET.match(text) and text[0].isupper() and len(text.split()) <= 10)
    ):
        return None
    return (-round(line.size, 1), not line.bold, depth or 1)
