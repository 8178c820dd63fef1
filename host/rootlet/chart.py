"""A roll-out over time as one SVG: things that have the job, have confirmed, have failed.

It stands alone: no script, no font, no link. Colours follow the reader's light or dark setting;
lines also differ in dashes and carry their names, so that colour is never needed to read it; what
the picture says is in its title and description too. Everything that comes from outside is
escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from rootlet.progress import FAILURES, SUCCEEDED, in_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from rootlet.progress import Execution, Progress

_WIDTH, _HEIGHT = 720, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 170, 52, 44
_LABEL = 16  # pixels between two names of lines
_STEPS = 4  # lines of the grid
_MINUTE, _SECOND = "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"
_SHORT = timedelta(minutes=10)  # with a roll-out that is over sooner, times have seconds

_PAGE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" class="rollout" role="img" \
aria-labelledby="rollout-title rollout-desc" font-family="system-ui, sans-serif" font-size="12">
<title id="rollout-title">{title}</title>
<desc id="rollout-desc">{text}</desc>
<style>
.rollout {{ background: #fff; }} .rollout text {{ fill: #1f2328; }}
.rollout .soft {{ fill: #59636e; }} .rollout .grid {{ stroke: #d1d9e0; }}
.rollout .line {{ fill: none; stroke-width: 2.5; }}
.rollout .out {{ stroke: #6e7781; stroke-dasharray: 2 4; }}
.rollout .confirmed {{ stroke: #116329; }}
.rollout .failed {{ stroke: #b35900; stroke-dasharray: 8 4; }}
@media screen and (prefers-color-scheme: dark) {{
.rollout {{ background: #0d1117; }} .rollout text {{ fill: #e6edf3; }}
.rollout .soft {{ fill: #9198a1; }} .rollout .grid {{ stroke: #3d444d; }}
.rollout .out {{ stroke: #9198a1; }} .rollout .confirmed {{ stroke: #4ac26b; }}
.rollout .failed {{ stroke: #f0a868; }} }}
</style>
<text x="{left}" y="20" font-size="15" font-weight="600">{title}</text>
<text x="{left}" y="38" class="soft">{text}</text>
{body}
</svg>
"""
_GRID = '<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
_COUNT = '<text class="soft" x="{x}" y="{y:.1f}" text-anchor="end">{text}</text>'
_TIME = '<text class="soft" x="{x:.1f}" y="{y}" text-anchor="{anchor}">{text}</text>'
_LINE = '<polyline class="line {kind}" points="{points}"/>'
_NAME = (
    '<line class="line {kind}" x1="{x}" x2="{end}" y1="{line}" y2="{line}"/>'
    '<text x="{after}" y="{y}">{text}</text>'
)


@dataclass(frozen=True)
class _Series:
    kind: str
    name: str
    times: list[datetime]


@dataclass(frozen=True)
class _Scale:
    begin: datetime
    end: datetime
    most: int

    def x(self, moment: datetime) -> float:
        whole = (self.end - self.begin).total_seconds() or 1.0
        part = min(max((moment - self.begin).total_seconds() / whole, 0.0), 1.0)
        return _LEFT + part * (_WIDTH - _LEFT - _RIGHT)

    def y(self, count: float) -> float:
        return _HEIGHT - _BOTTOM - count / self.most * (_HEIGHT - _TOP - _BOTTOM)


def draw(found: Sequence[Progress], now: datetime) -> str:
    """Return the SVG of the jobs of one set, canaries and fleet together, up to ``now``."""
    executions = [each.executions[one] for each in found for one in in_place(each.executions)]
    things = frozenset[str]().union(*(each.things for each in found))
    confirmed = frozenset[str]().union(*(each.confirmed for each in found))
    begin = min((each.job.created for each in found), default=now)
    scale = _Scale(begin, max(now, begin), max(len(things), 1))
    job = found[0].job
    title = f"{job.bundle.target} {job.name.key_set}.{job.name.sequence}: {job.name.phase}"
    text = f"{len(confirmed)} of {len(things)} things have confirmed, {now:{_MINUTE}} UTC"
    body = [*_axes(scale), *_curves(_series(executions), scale)]
    return _PAGE.format(
        width=_WIDTH,
        height=_HEIGHT,
        left=_LEFT,
        title=escape(title),
        text=escape(text),
        body="\n".join(body),
    )


def _series(executions: Iterable[Execution]) -> list[_Series]:
    held = list(executions)

    def times(of: Callable[[Execution], datetime | None]) -> list[datetime]:
        first: dict[str, datetime] = {}  # a canary has an execution of the fleet's job too
        for one in held:
            if (moment := of(one)) is not None:
                first[one.thing] = min(first.get(one.thing, moment), moment)
        return sorted(first.values())

    return [
        _Series("out", "have the job", times(lambda one: one.queued)),
        _Series(
            "confirmed",
            "confirmed",
            times(lambda one: one.updated if one.status == SUCCEEDED else None),
        ),
        _Series(
            "failed",
            "failed at first",
            times(lambda one: one.updated if one.status in FAILURES else None),
        ),
    ]


def _axes(scale: _Scale) -> list[str]:
    counts = sorted({round(scale.most * step / _STEPS) for step in range(_STEPS + 1)})
    rows = [
        text
        for count in counts
        for text in (
            _GRID.format(left=_LEFT, right=_WIDTH - _RIGHT, y=scale.y(count)),
            _COUNT.format(x=_LEFT - 8, y=scale.y(count) + 4, text=f"{count:,}"),
        )
    ]
    ends = ((scale.begin, "start"), (scale.end, "end"))
    form = _SECOND if scale.end - scale.begin < _SHORT else _MINUTE
    return rows + [
        _TIME.format(x=scale.x(moment), y=_HEIGHT - 18, anchor=anchor, text=f"{moment:{form}}")
        for moment, anchor in ends
    ]


def _curves(series: Sequence[_Series], scale: _Scale) -> list[str]:
    rows = []
    x = _WIDTH - _RIGHT + 12
    for number, one in enumerate(series):
        points = [(_LEFT, scale.y(0)), *_steps(one.times, scale)]
        points.append((_WIDTH - _RIGHT, scale.y(len(one.times))))
        text = " ".join(f"{at:.1f},{height:.1f}" for at, height in points)
        rows.append(_LINE.format(kind=one.kind, points=text))
        line = _TOP + 8 + number * _LABEL
        name = f"{one.name}: {len(one.times):,}"
        where = {"x": x, "end": x + 20, "after": x + 26, "line": line, "y": line + 4}
        rows.append(_NAME.format(kind=one.kind, text=escape(name), **where))
    return rows


def _steps(times: Sequence[datetime], scale: _Scale) -> list[tuple[float, float]]:
    """Return the corners of a staircase; steps within one pixel are one."""
    corners: list[tuple[float, float]] = []
    for count, moment in enumerate(times, 1):
        at = scale.x(moment)
        if corners and at - corners[-1][0] < 1:
            corners[-1] = (corners[-1][0], scale.y(count))
            continue
        before = scale.y(count - 1)
        corners += [(at, before), (at, scale.y(count))]
    return corners
