"""Showing what a bundle costs: a table that fits a terminal, and its sources below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rootlet.cli import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rootlet.budget import Line


def table(title: str, columns: Sequence[str], rows: Sequence[tuple[Sequence[str], Line]]) -> None:
    """Print rows of cells, each with the numbers of its line's sources, then the sources.

    ``columns`` name the cells; a source that several lines share stands once.
    """
    every = dict.fromkeys(source for _, line in rows for source in line.sources)
    numbers = {source: number for number, source in enumerate(every, 1)}
    show.table(
        title,
        (*columns, "source"),
        [
            (*cells, ", ".join(map(str, sorted(numbers[one] for one in line.sources))))
            for cells, line in rows
        ],
    )
    show.facts({f"[{number}]": source for source, number in numbers.items()})


def number(value: int | None) -> str:
    """Return bytes as ``1,234``, or ``unknown``."""
    return "unknown" if value is None else f"{value:,}"


def document(line: Line) -> dict[str, Any]:
    """Return a line for machines; ``at_least`` is the known part of an unknown need."""
    return {
        "what": line.what,
        "needs": line.needs,
        "at_least": line.at_least if line.needs is None else line.needs,
        "has": line.has,
        "source": line.source,
    }
