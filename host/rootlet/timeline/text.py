"""The chart as lines of text, for a terminal of any width."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rootlet.timeline import Bar, Chart

_DATES = "  programme    certificate"
_MIN_BAR = 16  # columns
#: What stands for: trusted, its certificate alone, today; and where a bundle's mark goes.
SIGNS = {"utf-8": ("█", "░", "│", "●"), "ascii": ("=", "-", "|", "*")}


def draw(chart: Chart, width: int, encoding: str) -> list[str]:
    """Return the lines, at most ``width`` columns where that leaves room for the bars.

    A narrow terminal gets the bars without their dates.
    """
    signs = SIGNS["utf-8" if encoding.lower().replace("_", "-") == "utf-8" else "ascii"]
    mark = signs[3]
    label = max(len(bar.name) for bar in chart.bars) + 3
    dated = width - label - len(_DATES) >= _MIN_BAR
    room = max(width - label - len(_DATES) * dated, _MIN_BAR)
    held = sorted({name for bar in chart.bars for name in bar.bundles})
    return [
        f"{'':{label}}{_years(chart, room)}{_DATES * dated}".rstrip(),
        *(_line(chart, bar, label, room, signs) + _dates(bar) * dated for bar in chart.bars),
        "",
        *_legend(chart, signs, width),
        *([f"{mark} in {', '.join(held)}"] if held else []),
        *(f"{name} is to be replaced by {day.date()}" for name, day in chart.ends),
    ]


def _legend(chart: Chart, signs: tuple[str, ...], width: int) -> list[str]:
    solid, light, today, _ = signs
    parts = [
        f"{solid} trusted",
        f"{light} only its certificate lasts",
        f"{today} {chart.at.date()}",
        "~ inferred",
    ]
    line = "   ".join(parts)
    return [line] if len(line) <= width else parts[:3]  # without dates nothing is inferred


def _years(chart: Chart, room: int) -> str:
    line = [" "] * room
    years = chart.last - chart.first
    step = next(one for one in (5, 10, 20, years) if room * one >= 6 * years)
    for year in range(-(-chart.first // step) * step, chart.last, step):
        column = round((year - chart.first) / years * (room - 1))
        if column + 4 <= room:
            line[column : column + 4] = str(year)
    return "".join(line)


def _line(chart: Chart, bar: Bar, label: int, room: int, signs: tuple[str, ...]) -> str:
    solid, light, today, mark = signs
    begin, turn, end, now = (
        round(chart.place(one) * (room - 1)) for one in (bar.begin, bar.turn, bar.end, chart.at)
    )
    cells = [
        solid if begin <= n < turn else light if turn <= n <= end and n >= begin else " "
        for n in range(room)
    ]
    cells[now] = today
    name = f"{mark if bar.bundles else ' '} {bar.name}"
    return f"{name:<{label}}{''.join(cells)}"


def _dates(bar: Bar) -> str:
    return f"  {bar.programme_words:<11}  {bar.end.date()}"
