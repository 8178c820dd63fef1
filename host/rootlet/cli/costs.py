"""Showing what a bundle costs: a table that fits a terminal, and its sources below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rootlet.cli import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rootlet.budget import Line

    #: The cells of a row, and where its numbers come from.
    Row = tuple[Sequence[str], Sequence[str]]


def table(title: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Print rows of cells, each with the numbers of its sources, then the sources.

    ``columns`` name the cells; a source that several rows share stands once.
    """
    every = dict.fromkeys(source for _, sources in rows for source in sources)
    numbers = {source: number for number, source in enumerate(every, 1)}
    show.table(
        title,
        (*columns, "source"),
        [
            (*cells, ", ".join(map(str, sorted({numbers[one] for one in sources}))))
            for cells, sources in rows
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
