"""What a page is made of: sections of blocks, which the template `assets/page.html.jinja` knows how to write."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from classifier import __version__
from classifier.report.wording import Wording, asset


@dataclass(frozen=True, slots=True)
class Words:
    """A `paragraph`, `warning` or `heading`."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    items: Sequence[str]
    kind: ClassVar[str] = "bullets"


@dataclass(frozen=True, slots=True)
class Fact:
    """A key figure, and in small print what it means."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    items: Sequence[Fact]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True, slots=True)
class Link:
    """A figure in a table, the explorer's filter for the texts that it counts ("label=3 g0=1 review=1"), and what stands after it."""

    text: str
    filter: str = ""
    after: str = ""


Row = Sequence[str | Link]


@dataclass(frozen=True, slots=True)
class Table:
    """The first cell of each row names it; `words` are the columns that hold words, not figures."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Row]
    words: frozenset[int] = frozenset({0})
    kind: ClassVar[str] = "table"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with the table of what it shows; the table's caption is the picture's too."""

    svg: Markup
    table: Table
    kind: ClassVar[str] = "picture"


@dataclass(frozen=True, slots=True)
class Quote:
    """A text in pieces, some of them marked; `about` says why it stands here."""

    title: str
    about: str
    language: str
    pieces: Sequence[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Quotes:
    """Texts under a title, folded together."""

    title: str
    items: Sequence[Quote]
    kind: ClassVar[str] = "quotes"


@dataclass(frozen=True, slots=True)
class Choices:
    """What a filter of the explorer offers: a facet with (number, name) of its labels, or a column with its values."""

    name: str
    labels: Sequence[tuple[int, str]] = ()
    values: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Explorer:
    texts: bool
    facets: Sequence[Choices]
    groups: Sequence[Choices]
    verdict: bool
    kind: ClassVar[str] = "explorer"


@dataclass(frozen=True, slots=True)
class Section:
    id: str
    title: str
    blocks: list[Any] = field(default_factory=list)


@cache
def _template() -> Any:
    environment = Environment(autoescape=True, loader=FunctionLoader(asset), undefined=StrictUndefined)
    return environment.get_template("page.html.jinja")


def render(title: str, lead: str, sections: Sequence[Section], wording: Wording, data: Markup | None = None) -> str:
    """The whole page: one file that needs nothing else. `data` is the explorer's JSON, where the page has one.

    What cannot be written as UTF-8 (half surrogate pairs) becomes a question mark.
    """
    script = asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    html: str = _template().render(
        title=title, lead=lead, sections=sections, t=wording.text, language=wording.language, explorer=data, version=__version__,
        footer=wording.say("footer", version=__version__), css=Markup(asset("page.css")), script=Markup(script),
        script_hash=f"sha256-{digest}",
    )  # fmt: skip
    return html.encode("utf-8", "replace").decode("utf-8")


def pieces(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[str, bool]]:
    """The text in pieces, those inside the spans marked; spans are sorted, and where they overlap the first counts."""
    out, at = [], 0
    for start, end in spans:
        if start >= at:
            out += [(text[at:start], False), (text[start:end], True)]
            at = end
    return [(piece, marked) for piece, marked in [*out, (text[at:], False)] if piece]
