"""The chart as one SVG file: no script, nothing loaded, readable in light and in dark.

What a colour says is said by a shape or a word as well: the part after a programme's end is
hatched, and both dates are written. Names of files come from outside and are escaped.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from rootlet.timeline import Bar, Chart

_WIDTH, _LEFT, _RIGHT = 1080, 250, 230  # pixels: all, names, dates
_ROW, _TOP, _BAR, _LINE = 30, 84, 14, 16
_GROUPS = {
    "own": "Roots of your own",
    "ats": "Amazon Trust Services",
    "legacy": "Legacy: kept to be named",
}

_STYLE = """\
:root { color-scheme: light dark; }
.timeline { --ink: #1c2430; --dim: #5b6675; --line: #d5dae1; --page: #ffffff;
  --ats: #0b6e99; --own: #7a4fb5; --legacy: #6f7782; --now: #b3261e; }
@media screen and (prefers-color-scheme: dark) { .timeline { --ink: #e8ecf1; --dim: #a3adba;
  --line: #39424e; --page: #14181d; --ats: #4db6e2; --own: #b99aef; --legacy: #98a2ae;
  --now: #ff8a80; } }
.timeline text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: var(--ink); }
.timeline .dim { fill: var(--dim); font-size: 12px; }
.timeline .head { font-weight: 600; }
.timeline .title { font-size: 17px; font-weight: 600; }
.timeline .now { stroke: var(--now); stroke-width: 1.5; stroke-dasharray: 5 3; }
.timeline text.now { stroke: none; fill: var(--now); }
.timeline .grid { stroke: var(--line); }
.timeline .ats { fill: var(--ats); } .timeline .own { fill: var(--own); }
.timeline .legacy { fill: var(--legacy); }
.timeline .after { fill: url(#hatch); stroke: var(--dim); }
.timeline .hatch { stroke: var(--dim); stroke-width: 2; }
.timeline .page { fill: var(--page); }"""


def draw(chart: Chart) -> str:
    """Return the document, one root element ``svg`` with ``title`` and ``desc``."""
    rows, bottom = _rows(chart)
    height = bottom + _LINE * (2 + len(chart.ends))
    parts = [*_legend(chart), *_years(chart, bottom), *rows, *_moments(chart, bottom)]
    drawn = "\n".join(parts)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" class="timeline" role="img" \
aria-labelledby="timeline-title timeline-desc" viewBox="0 0 {_WIDTH} {height}" \
width="{_WIDTH}" height="{height}">
<title id="timeline-title">{title(chart)}</title>
<desc id="timeline-desc">{_description(chart)}</desc>
<style>
{_STYLE}
</style>
<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" \
patternTransform="rotate(45)"><path class="hatch" d="M0 0V6"/></pattern></defs>
<rect class="page" width="{_WIDTH}" height="{height}"/>
{_text(20, 28, title(chart), "title")}
{drawn}
</svg>
"""


def title(chart: Chart) -> str:
    """Return the heading of the picture."""
    return f"When trust anchors end, seen on {chart.at.date()}"


def _description(chart: Chart) -> str:
    parts = [
        f"{bar.name}: programmes {bar.programme_words}, certificate {bar.end.date()}"
        + (f", in {', '.join(bar.bundles)}" if bar.bundles else "")
        for bar in chart.bars
    ]
    return escape(". ".join(parts) + ".")


def _legend(chart: Chart) -> list[str]:
    held = any(bar.bundles for bar in chart.bars)
    return [
        _rect("ats", 20, 46, 41),
        _text(52, 53, "trusted by root programmes", "dim"),
        _rect("after", 232, 258, 41),
        _text(264, 53, "only its certificate lasts", "dim"),
        _text(440, 53, "● in your bundle" if held else "", "dim"),
        _text(_WIDTH - _RIGHT + 16, 53, "programmes", "dim head"),
        _text(_WIDTH - 110, 53, "certificate", "dim head"),
    ]


def _years(chart: Chart, bottom: int) -> list[str]:
    drawn = []
    for year in range(chart.first, chart.last + 1, 5):
        x = _LEFT + (year - chart.first) / (chart.last - chart.first) * _span()
        drawn.append(f'<path class="grid" d="M{x:.1f} {_TOP - 4}V{bottom}"/>')
        drawn.append(_text(x, _TOP - 10, str(year), "dim", "middle"))
    return drawn


def _rows(chart: Chart) -> tuple[list[str], int]:
    drawn, y, group = [], _TOP, ""
    for bar in chart.bars:
        if bar.group != group:
            group, y = bar.group, y + 6
            drawn.append(_text(20, y + 18, _GROUPS[group], "dim head"))
            y += _ROW
        drawn += _bar(chart, bar, y)
        y += _ROW
    return drawn, y + 6


def _bar(chart: Chart, bar: Bar, y: int) -> list[str]:
    begin, turn, end = (_x(chart, one) for one in (bar.begin, bar.turn, bar.end))
    words = f"{'● ' if bar.bundles else ''}{bar.name}"
    base = y + _BAR + 3
    return [
        _text(20 if bar.bundles else 34, base, words, "head" if bar.bundles else ""),
        _rect(bar.group, begin, turn, y + 4),
        *([_rect("after", turn, end, y + 4)] if end > turn else []),
        _text(_WIDTH - _RIGHT + 16, base, bar.programme_words),
        _text(_WIDTH - 110, base, str(bar.end.date())),
    ]


def _moments(chart: Chart, bottom: int) -> list[str]:
    """Draw the time that it is, and the day that each bundle names for itself."""
    named = [(f"seen on {chart.at.date()}", chart.at)]
    named += [(f"{name} is to be replaced by {day.date()}", day) for name, day in chart.ends]
    drawn = []
    for number, (words, moment) in enumerate(named, 1):
        x, y = _x(chart, moment), bottom + _LINE * number
        drawn.append(f'<path class="now" d="M{x:.1f} {_TOP - 4}V{y - 12}"/>')
        drawn.append(_text(x, y, words, "now", "end" if x > _WIDTH / 2 else "start"))
    return drawn


def _x(chart: Chart, moment: datetime) -> float:
    return _LEFT + chart.place(moment) * _span()


def _span() -> int:
    return _WIDTH - _LEFT - _RIGHT


def _rect(kind: str, begin: float, end: float, y: int) -> str:
    size = f'x="{begin:.1f}" y="{y}" width="{max(end - begin, 1):.1f}" height="{_BAR}"'
    return f'<rect class="{kind}" {size} rx="2"/>'


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y}"{named} text-anchor="{anchor}">{escape(words)}</text>'
