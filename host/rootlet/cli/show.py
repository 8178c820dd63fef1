"""How commands show things: tables for people, one JSON document for machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence


def as_json(schema: str, document: dict[str, Any]) -> None:
    """Print one JSON document; ``schema`` names its shape and version, such as ``bundle/1``."""
    click.echo(json.dumps({"schema": f"rootlet/{schema}", **document}, indent=2))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to standard output, plain when that is not a terminal."""
    from rich import box  # noqa: PLC0415 - rich is loaded only when something is drawn
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    drawn = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    console.print(drawn)


def json_option(function: Any) -> Any:
    """Add ``--json`` to a command, as the argument ``json_output``."""
    return click.option(
        "--json", "json_output", is_flag=True, help="Print one JSON document for machines."
    )(function)
