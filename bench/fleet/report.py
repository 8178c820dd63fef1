"""The runs as a table, as JSON, and as the picture of the roll-out over time."""

from __future__ import annotations

import json
import os
import platform
import re
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rootlet import chart, files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fleet.checks import Facts
    from fleet.figures import Figures

_BENCH = Path(__file__).parents[1]
_PAGE = _BENCH.parent / "docs" / "footprint.md"
_BETWEEN = re.compile(r"(<!-- fleet -->\n).*?(<!-- /fleet -->)", re.DOTALL)

_SHOWN = 20  # devices that are not where they should be
#: Title and value of each column.
_COLUMNS: tuple[tuple[str, Callable[[Figures], str]], ...] = (
    ("devices", lambda one: f"{one.devices:,}"),
    ("processes", lambda one: f"{one.processes}"),
    ("connected, s", lambda one: f"{one.connecting:.1f}"),
    ("rotated, s", lambda one: f"{one.rotating:.1f}"),
    ("devices/s", lambda one: f"{one.rate:.1f}"),
    ("B to connect", lambda one: f"{one.connect_up + one.connect_down:,.0f}"),
    ("B to rotate, up", lambda one: f"{one.rotate_up:,.0f}"),
    ("B, down", lambda one: f"{one.rotate_down:,.0f}"),
    ("CPU ms", lambda one: f"{1000 * one.cpu:.0f}"),
    ("MB", lambda one: f"{one.memory / 1e6:,.0f}"),
    ("all, s", lambda one: f"{one.whole:.0f}"),
)


def line(facts: Facts, one: Figures) -> str:
    """Return what became of the fleet, in a sentence."""
    bad = sum(bool(each.link) for each in facts.conditions)
    reboots = sum(each.reboots for each in facts.conditions)
    return (
        f"{one.devices:,} devices: all confirmed, none lost; {bad} bad links, {one.late} "
        f"confirmed late, {reboots} reboots in trial; "
        f"the bad job stopped at {one.aborted_after} devices"
    )


def faulty(found: Sequence[str], size: int) -> str:
    """Return the faults, a line for each device and at most so many."""
    by_thing: dict[str, list[str]] = {}
    for each in found:
        thing, _, what = each.partition(": ")
        by_thing.setdefault(thing, []).append(what)
    lines = [f"{thing}: {'; '.join(what)}" for thing, what in by_thing.items()]
    more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join([f"faults in a fleet of {size:,}:", *lines[:_SHOWN], *more])


def table(figures: Sequence[Figures]) -> str:
    """Return the table as text, and how it grows from the first row to the last."""
    rows = [
        [title for title, _ in _COLUMNS],
        *([of(one) for _, of in _COLUMNS] for one in figures),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return "\n".join([*lines, *growth(figures)])


def growth(figures: Sequence[Figures]) -> list[str]:
    """Return how the last differs from the first, a line or none."""
    first, last = figures[0], figures[-1]
    if first is last:
        return []
    ratios = {
        "devices a second": last.rate / first.rate,
        "bytes of a rotation": _bytes(last) / _bytes(first),
        "processor time of one": last.cpu / first.cpu,
        "memory": last.memory / first.memory,
    }
    told = ", ".join(f"{name} x{ratio:.2f}" for name, ratio in ratios.items())
    return [f"from {first.devices:,} to {last.devices:,} devices, {_times(figures)}: {told}"]


def _times(figures: Sequence[Figures]) -> str:
    return f"x{figures[-1].devices / figures[0].devices:g}"


def _bytes(one: Figures) -> float:
    return one.rotate_up + one.rotate_down


def markdown(figures: Sequence[Figures]) -> str:
    """Return the table for a page, with how it grows, and when and on what it was measured."""
    head = "| " + " | ".join(title for title, _ in _COLUMNS) + " |"
    rows = ["| " + " | ".join(of(one) for _, of in _COLUMNS) + " |" for one in figures]
    rule = "|" + "--:|" * len(_COLUMNS)
    notes = [f"{each[0].upper()}{each[1:]}." for each in (*growth(figures), _machine(figures[0]))]
    return "\n".join([head, rule, *rows, "", *notes]) + "\n"


def _machine(one: Figures) -> str:
    python, cores = platform.python_version(), os.cpu_count()
    return (
        f"measured on {datetime.now(UTC):%Y-%m-%d}: {cores} cores, Python {python}, {one.broker}"
    )


def picture(facts: Facts) -> str:
    """Return the roll-out of the good bundle as SVG, as ``rotate status --svg`` draws it."""
    ended = [one.updated for one in facts.rolled.executions.values() if one.updated]
    return chart.draw([facts.rolled], max(ended))


def write(figures: Sequence[Figures], facts: Facts) -> None:
    """Keep it all: fleet.json, fleet.svg, and the table of docs/footprint.md."""
    files.write(
        _BENCH / "fleet.json",
        json.dumps([asdict(one) for one in figures], indent=1).encode() + b"\n",
    )
    files.write(_BENCH / "fleet.svg", picture(facts).encode())
    text = _PAGE.read_text()
    filled = _BETWEEN.sub(lambda found: f"{found[1]}{markdown(figures)}{found[2]}", text)
    files.write(_PAGE, filled.encode())
