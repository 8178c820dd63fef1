"""Showing what a bundle costs: a table that fits a terminal, and its sources below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rootlet.cli import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rootlet.budget import Line

    #: The cells of a row, and where its numbers come from.
    Row = tuple[Sequence[str], Sequence[str]]


def sources_option(function: Any) -> Any:
    """Add ``--sources`` to a command, as the argument ``sources``."""
    return click.option("--sources", is_flag=True, help="Say where each figure comes from.")(
        function
    )


def table(title: str, columns: Sequence[str], rows: Sequence[Row], *, sources: bool) -> None:
    """Print rows of cells; with ``sources`` each with the numbers of its own, listed below.

    ``columns`` name the cells; a source that several rows share stands once.
    """
    if not sources:
        show.table(f"{title} (--sources says from where)", columns, [cells for cells, _ in rows])
        return
    every = dict.fromkeys(one for _, mentioned in rows for one in mentioned)
    numbers = {source: number for number, source in enumerate(every, 1)}
    show.table(
        title,
        (*columns, "source"),
        [
            (*cells, ", ".join(map(str, sorted({numbers[one] for one in mentioned}))))
            for cells, mentioned in rows
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
