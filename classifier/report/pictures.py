"""Pictures as inline SVG, drawn by matplotlib: black on white, told apart by place, shape and words as well as by colour.

Each gives `Markup` that may stand in a page as it is. Shares and scores are from 0 to 1; None is a value that is not known.
"""

import io
import re
import textwrap
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, BLUE, PALE = "#1a1a1a", "#0072b2", "#cfe3f1"
SERIES = [  # colours of Okabe & Ito that stand out from white, each with its own marker and line
    (BLUE, "o", "-"), ("#d55e00", "s", "--"), ("#007a5a", "^", "-."), ("#a5407f", "D", ":"), ("#1a1a1a", "v", (0, (5, 1, 1, 1, 1, 1))),
]  # fmt: skip
WIDTH = 6.3  # inches, of 72 units
MARKERS = 12  # on a curve
STYLE: Any = {
    "svg.fonttype": "none", "svg.hashsalt": "innovasjon", "font.family": "DejaVu Sans", "font.size": 9, "text.color": INK,
    "axes.labelcolor": INK, "axes.edgecolor": "#767676", "axes.linewidth": 0.8, "axes.spines.top": False, "axes.spines.right": False,
    "xtick.color": INK, "ytick.color": INK, "axes.titlesize": 9, "axes.titlelocation": "left", "axes.titlepad": 4,
    "grid.color": "#d9d9d9", "grid.linewidth": 0.6, "axes.axisbelow": True, "text.parse_math": False,
}  # fmt: skip
SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
FONTS = "'DejaVu Sans', Verdana, 'Segoe UI', Arial, sans-serif"  # the page's reader may not have the first, which is the widest


@dataclass(frozen=True, slots=True)
class Interval:
    """A row of a picture: its name, a bar (a raw share), a point and its interval."""

    name: str
    bar: float | None = None
    point: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A curve over `x`, with a band of (low, high) where it is known."""

    name: str
    x: Sequence[float]
    y: Sequence[float | None]
    band: Sequence[tuple[float, float] | None] = ()


def _svg(figure: Figure, key: str, title: str, description: str) -> Markup:
    """The figure as SVG with a title and description that are read aloud; `key` keeps its ids apart from those of other pictures."""
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # the reader's fonts may have it
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    ElementTree.register_namespace("", SVG[1:-1])
    ElementTree.register_namespace("xlink", LINK[1 : LINK.index("}")])
    root = ElementTree.fromstring(out.getvalue())
    for element in root.iter():
        for name in ("id", LINK, "clip-path", "style"):
            if value := element.get(name):
                value = f"{key}-{value}" if name == "id" else re.sub(r"(^#|url\(#)", rf"\g<1>{key}-", value)
                element.set(name, value.replace("'DejaVu Sans'", FONTS))
    for child in [*root.iter(f"{SVG}metadata")]:
        root.remove(child)
    for style in root.iter(f"{SVG}style"):  # it would be a rule for the whole page
        style.text = (style.text or "").replace("*{", f"#{key} *{{")
    for name in ("width", "height"):
        root.attrib.pop(name)
    root.attrib |= {"id": key, "role": "img", "aria-labelledby": f"{key}-title {key}-desc"}
    for name, text in (("desc", description), ("title", title)):
        words = ElementTree.Element(f"{SVG}{name}", {"id": f"{key}-{name}"})
        words.text = text
        root.insert(0, words)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _figure(height: float) -> Figure:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasSVG(figure)
    return figure


def _wrapped(names: Sequence[str], width: int = 24) -> list[str]:
    return ["\n".join(textwrap.wrap(name, width)[:3]) or "–" for name in names]


def _known(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values], dtype=float)


def intervals(
    key: str, title: str, description: str, rows: Sequence[Interval], percent: Callable[[float], str], legend: tuple[str, str]
) -> Markup:
    """Bars of raw shares, and over them the points with their intervals; the first row stands on top."""
    with mpl.rc_context(STYLE):
        figure = _figure(0.75 + 0.42 * len(rows))
        ax = figure.subplots()
        y = np.arange(len(rows))[::-1]
        bars, points = _known([r.bar for r in rows]), _known([r.point for r in rows])
        low, high = _known([r.low for r in rows]), _known([r.high for r in rows])
        if not np.isnan(bars).all():
            ax.barh(y, bars, height=0.55, color=PALE, edgecolor=BLUE, linewidth=0.9, label=legend[0])
        if not np.isnan(points).all():
            spread = np.clip([points - low, high - points], 0, None)
            ax.errorbar(points, y, xerr=spread, fmt="o", color=INK, markersize=4.5, capsize=3, linewidth=1.3, label=legend[1])
        most = float(np.nanmax(np.concatenate([bars, points, high, [0.1]])))
        for at, row in zip(y, rows, strict=True):
            edge = max((v for v in (row.bar, row.point, row.high) if v is not None), default=0)
            shown = row.point if row.point is not None else row.bar
            words = "–" if shown is None else percent(shown)
            ax.annotate(words, (edge, at), (5, 0), textcoords="offset points", va="center", fontsize=8.5)
        ax.set_yticks(y, _wrapped([r.name for r in rows]))
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(0, min(most * 1.16, 1.12))
        ax.xaxis.set_major_formatter(lambda v, _: percent(v) if v <= 1 else "")
        ax.grid(axis="x")
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8.5)
        return _svg(figure, key, title, description)


def panels(
    key: str, title: str, description: str, lines: Sequence[Line], ticks: Sequence[tuple[float, str]], percent: Callable[[float], str]
) -> Markup:
    """A small picture for each curve, over one scale: no colour is needed to tell them apart."""
    columns = 2
    height = -(-len(lines) // columns)
    with mpl.rc_context(STYLE):
        figure = _figure(0.3 + 1.6 * height)
        axes = figure.subplots(height, columns, sharex=True, sharey=True, squeeze=False).ravel()
        most = max((v for line in lines for v in (*line.y, *(b[1] for b in line.band if b)) if v is not None), default=0.1)
        shown = ticks[:: -(-len(ticks) // 6)]
        for ax, line in zip(axes, lines, strict=False):
            if any(line.band):
                band = [b or (np.nan, np.nan) for b in line.band]
                ax.fill_between(line.x, [b[0] for b in band], [b[1] for b in band], color=PALE, edgecolor=BLUE, linewidth=0.5)
            ax.plot(line.x, _known(line.y), "-o", color=INK, markersize=3.5, linewidth=1.4)
            ax.set_title("\n".join(textwrap.wrap(line.name, 38)))
            ax.set_ylim(0, min(max(most * 1.1, 0.1), 1.02))
            ax.yaxis.set_major_formatter(lambda v, _: percent(v))
            ax.set_xticks([x for x, _ in shown], [name for _, name in shown])
            ax.tick_params(labelbottom=True)
            ax.grid(axis="y")
        for ax in axes[len(lines) :]:
            ax.set_visible(False)
        return _svg(figure, key, title, description)


def heat(
    key: str, title: str, description: str, rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float | None]],
    cells: Callable[[float], str],
) -> Markup:  # fmt: skip
    """A table of shades with the figure in each cell; the darkest is the highest there is."""
    table = np.array([_known(row) for row in values])
    most = float(np.nanmax(table)) if table.size and not np.isnan(table).all() else 1.0
    with mpl.rc_context(STYLE):
        slanted = max(len(word) for c in columns for word in c.split() or [c]) * len(columns) > 66
        heads = [textwrap.shorten(c, 30, placeholder="…") for c in columns] if slanted else _wrapped(columns, 14)
        room = 0.045 * max(map(len, heads)) if slanted else 0.13 * max(h.count("\n") + 1 for h in heads)
        figure = _figure(0.4 + room + 0.36 * len(rows))
        ax = figure.subplots()
        shades = np.ma.masked_invalid(table / (most or 1))
        ax.pcolormesh(shades, cmap="Blues", vmin=0, vmax=1.25, edgecolors="white", linewidth=2)
        for i, j in np.ndindex(table.shape):
            if not np.isnan(table[i, j]):
                dark = table[i, j] / (most or 1) > 0.75
                ax.text(j + 0.5, i + 0.5, cells(float(table[i, j])), ha="center", va="center", color="white" if dark else INK, fontsize=8.5)
        slant: Any = {"rotation": 40, "ha": "left", "rotation_mode": "anchor"} if slanted else {}
        ax.set_xticks(np.arange(len(columns)) + 0.5, heads, **slant)
        ax.set_yticks(np.arange(len(rows)) + 0.5, _wrapped(rows))
        ax.invert_yaxis()
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        return _svg(figure, key, title, description)


def scores(
    key: str, title: str, description: str, names: Sequence[str], series: Sequence[tuple[str, Sequence[Interval]]],
    number: Callable[[float], str],
) -> Markup:  # fmt: skip
    """Several points with intervals on each row: one shape and one height for each series."""
    with mpl.rc_context(STYLE):
        figure = _figure(0.75 + 0.52 * len(names))
        ax = figure.subplots()
        y = np.arange(len(names))[::-1]
        for k, (name, rows) in enumerate(series):
            points = _known([r.point for r in rows])
            spread = np.array([points - _known([r.low for r in rows]), _known([r.high for r in rows]) - points])
            colour, marker, _ = SERIES[k]
            at = y + 0.24 * ((len(series) - 1) / 2 - k)
            ax.errorbar(points, at, xerr=np.clip(spread, 0, None), fmt=marker, color=colour, markersize=4.5, linewidth=1.1, label=name)
        ax.set_yticks(y, _wrapped(names))
        ax.set_xlim(0, 1.01)
        ax.set_ylim(-0.6, len(names) - 0.4)
        ax.xaxis.set_major_formatter(lambda v, _: number(v))
        ax.grid(axis="x")
        figure.legend(loc="outside lower center", ncols=len(series), frameon=False, fontsize=8.5)
        return _svg(figure, key, title, description)


def curves(
    key: str, title: str, description: str, lines: Sequence[Line], axes: tuple[str, str],
    number: Callable[[float], str], diagonal: bool = False,
) -> Markup:  # fmt: skip
    """Curves in one picture, each with its own colour, marker and kind of line, and its name in the legend."""
    with mpl.rc_context(STYLE):
        figure = _figure(3.6 + 0.14 * len(lines))
        ax = figure.subplots()
        if diagonal:
            ax.plot([0, 1], [0, 1], color="#767676", linewidth=0.8)
        for line, (colour, marker, dashes) in zip(lines, cycle(SERIES), strict=False):
            every = max(1, len(line.x) // MARKERS)
            style: Any = {"linestyle": dashes, "linewidth": 1.5, "marker": marker, "markersize": 5, "markevery": every}
            ax.plot(line.x, _known(line.y), color=colour, label=line.name, **style)
            if any(line.band):
                band = [b or (np.nan, np.nan) for b in line.band]
                ax.fill_between(line.x, [b[0] for b in band], [b[1] for b in band], color=colour, alpha=0.1, linewidth=0)
        ax.set(xlabel=axes[0], ylabel=axes[1], ylim=(0, 1.02))
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(lambda v, _: number(v))
        ax.grid()
        columns = 3 if max((len(line.name) for line in lines), default=0) < 22 else 1
        figure.legend(loc="outside lower center", ncols=columns, frameon=False, fontsize=8.5, handlelength=4)
        return _svg(figure, key, title, description)
