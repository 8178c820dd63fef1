"""The table as a picture, in light and dark: ratios to the peers as bars, and lines of growth.

Bars stand on a scale of powers: to the left of 1 is less than the peer takes, to the right more.
Bars of seconds are left out: they differ from run to run.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from table import Row, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TIMES = ("s", "ms", "a second")
_WIDTH, _LINE = 800, 17
_LABELS = 380  # right edge of the bars' names
_CENTRE, _OCTAVE = 610, 38  # where 1 is, and the width of a factor of 2
_SPAN = 4.4  # octaves to either side; longer bars are cut
_PANEL_WIDTH, _PANEL_HEIGHT, _COLUMNS = 390, 150, 2
_APART = 12  # what keeps two lines of text apart
_STYLE = """\
text { font: 11px system-ui, sans-serif; fill: #1f2328 }
.head { font-weight: 600; font-size: 13px }
.faint { fill: #59636e }
.less { fill: #1a7f64 } .more { fill: #c2620a }
.rule { stroke: #d1d9e0 } .one { stroke: #59636e }
.ours { stroke: #1a7f64; fill: none; stroke-width: 2 } .dot { fill: #1a7f64 }
.peer { stroke: #c2620a; fill: none; stroke-width: 2; stroke-dasharray: 5 4 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .faint { fill: #9198a1 }
  .less { fill: #3fb995 } .more { fill: #f0983f }
  .rule { stroke: #3d444d } .one { stroke: #9198a1 }
  .ours { stroke: #3fb995 } .dot { fill: #3fb995 } .peer { stroke: #f0983f }
}"""


class Part(NamedTuple):
    """Elements, and the height that they take."""

    lines: list[str]
    height: float


def draw(rows: Iterable[Row]) -> str:
    """Return the picture as SVG."""
    listed = [row for row in rows if row.at or row.unit not in _TIMES]
    bars = _bars([row for row in listed if row.ratio and not row.at and row.unit != "blocks"])
    growth = _panels([row for row in listed if row.at], bars.height + _LINE)
    height = bars.height + growth.height + _LINE
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}"'
        f' width="{_WIDTH}" height="{height:.0f}">'
    )
    return "\n".join([head, f"<style>{_STYLE}</style>", *bars.lines, *growth.lines, "</svg>\n"])


def _bars(rows: list[Row]) -> Part:
    lines, y, section = [], _LINE * 1.5, ""
    lines.append(_text(_LABELS, y, "ours, as a multiple of the peer's", "head", "end"))
    for power in (-4, -2, 0, 2, 4):
        x = _CENTRE + power * _OCTAVE
        lines.append(_text(x, y, f"{2.0**power:g}", "faint", "middle"))
    top = y + 6
    for row in rows:
        if row.section != section:
            section = row.section
            y += _LINE * 1.6
            lines.append(_text(4, y, section, "head"))
        y += _LINE
        lines += _bar(row, y)
    rules = [
        f'<path d="M{_CENTRE + power * _OCTAVE} {top}V{y + 6}" class="{kind}"/>'
        for power, kind in ((-4, "rule"), (-2, "rule"), (2, "rule"), (4, "rule"), (0, "one"))
    ]
    return Part([*rules, *lines], y + _LINE)


def _bar(row: Row, y: float) -> Iterator[str]:
    ratio = row.ratio or 0
    octaves = max(-_SPAN, min(_SPAN, math.log2(ratio)))
    width = abs(octaves) * _OCTAVE
    start = _CENTRE - width if octaves < 0 else _CENTRE
    kind = "less" if ratio <= 1 else "more"
    yield _text(_LABELS, y, row.what, "", "end")
    shape = f'x="{start:.1f}" y="{y - 9}" width="{max(width, 1):.1f}" height="11"'
    yield f'<rect {shape} class="{kind}"/>'
    beside, anchor = (start - 4, "end") if octaves < 0 else (start + width + 4, "start")
    yield _text(beside, y, f"{ratio:.2f}", "", anchor)


def _panels(rows: list[Row], top: float) -> Part:
    """Draw one panel for each line of growth, in columns."""
    lines = [_text(4, top, "growth", "head")]
    for x, kind in ((80, "ours"), (160, "peer")):
        lines.append(f'<path d="M{x} {top - 4}h24" class="{kind}"/>')
        lines.append(_text(x + 30, top, kind, "faint"))
    series = {row.what: [one for one in rows if one.what == row.what] for row in rows}
    for index, (what, found) in enumerate(series.items()):
        x = 4 + index % _COLUMNS * (_PANEL_WIDTH + 6)
        y = top + 12 + index // _COLUMNS * _PANEL_HEIGHT
        lines += _panel(what, found, x, y)
    return Part(lines, 12 + math.ceil(len(series) / _COLUMNS) * _PANEL_HEIGHT)


class Plot(NamedTuple):
    """Where the values of one line of growth stand: x by number, y from 0 up to the most."""

    left: float
    right: float
    high: float
    low: float
    first: int
    last: int
    most: float

    def place(self, at: int, value: float) -> tuple[float, float]:
        """Return x and y."""
        along = (at - self.first) / max(self.last - self.first, 1)
        up = value / self.most * (self.low - self.high)
        return self.left + along * (self.right - self.left), self.low - up


def _panel(what: str, rows: list[Row], x: float, y: float) -> Iterator[str]:
    """Draw a line for ours and one for the peer, from 0; values stand at the ends."""
    most = max(max(row.ours, row.peer) for row in rows)
    sides = (x + 8, x + _PANEL_WIDTH - 70, y + 34, y + _PANEL_HEIGHT - 26)
    plot = Plot(*sides, rows[0].at, rows[-1].at, most)
    yield _text(x, y + 18, f"{what} ({rows[0].unit})")
    yield f'<path d="M{plot.left} {plot.low}H{plot.right}" class="one"/>'
    for row in rows:
        yield _text(plot.place(row.at, 0)[0], plot.low + 14, str(row.at), "faint", "middle")
    peers = [plot.place(row.at, row.peer) for row in rows if row.peer]
    ours = [plot.place(row.at, row.ours) for row in rows]
    yield from (
        _line(points, kind) for points, kind in ((peers, "peer"), (ours, "ours")) if points
    )
    yield from (f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" class="dot"/>' for a, b in ours)
    yield from _ends(rows[-1], plot)


def _line(points: list[tuple[float, float]], kind: str) -> str:
    pairs = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{pairs}" class="{kind}"/>'


def _ends(row: Row, plot: Plot) -> Iterator[str]:
    """Write the last values beside their lines, apart even where the lines meet."""
    (_, ours), (_, peer) = plot.place(row.at, row.ours), plot.place(row.at, row.peer)
    if row.peer and abs(ours - peer) < _APART:
        middle, half = (ours + peer) / 2, _APART / 2
        ours, peer = (middle - half, middle + half)[:: 1 if ours < peer else -1]
    yield _text(plot.right + 8, ours + 4, _short(row.ours))
    if row.peer:
        yield _text(plot.right + 8, peer + 4, _short(row.peer), "faint")


def _short(value: float) -> str:
    return f"{value / 1e6:.1f} M" if value >= 1e6 else number(value)


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(text)}</text>'
