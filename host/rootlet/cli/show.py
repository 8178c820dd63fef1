"""How commands show things: tables for people, one JSON document for machines."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from rootlet.words import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rootlet.errors import RootletError

_WORD = 12  # columns that a cell wants at least


def as_json(schema: str, document: dict[str, Any]) -> None:
    """Print one JSON document; ``schema`` names its shape and version, such as ``bundle/1``."""
    click.echo(json.dumps({"schema": f"rootlet/{schema}", **document}, indent=2))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to standard output: drawn on a terminal, plain and unfolded when piped."""
    if not sys.stdout.isatty():
        _plain_table(title, columns, rows)
        return
    if _is_narrow(columns, rows):
        _one_below_the_other(title, columns, rows)
        return
    from rich import box  # noqa: PLC0415 - rich is loaded only when something is drawn
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    # Cells hold names out of other people's files: no markup, no emoji codes.
    console = Console(markup=False, emoji=False)
    drawn = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    drawn.show_edge, drawn.padding = False, (0, 1, 0, 0)  # two blanks between columns
    for number, column in enumerate(columns):
        # The first column names the row: whole, so that it can be copied.
        drawn.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        drawn.add_row(*row)
    console.print(drawn)
    console.print()


def _is_narrow(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the terminal leaves some column less than a word of its own."""
    longest = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    wanted = longest[0] + sum(2 + min(one, _WORD) for one in longest[1:])
    return wanted > shutil.get_terminal_size().columns


def _one_below_the_other(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    """Print each row as a paragraph: its name, then a line for each cell that has something."""
    if title:
        paragraph(title, "")
    for first, *rest in rows:
        paragraph(first, "")
        for column, cell in zip(columns[1:], rest, strict=True):
            if cell:
                paragraph(f"{column}: {cell}", "  ")
    click.echo()


def _plain_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns; the last one is as long as it is."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)][:-1]
    if title:
        click.echo(title)
    for row in (columns, *rows):
        click.echo("  ".join((*map(str.ljust, row, widths), row[-1])).rstrip())
    click.echo()


def paragraph(text: str, indent: str) -> None:
    """Print a text below its heading, wrapped to the terminal, whole when piped."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    lines = textwrap.wrap(text, width - len(indent), break_on_hyphens=False) or [""]
    click.echo("\n".join(indent + line for line in lines))


def step(what: str, seen: str, seconds: float) -> None:
    """Print one step of a demo that was observed."""
    click.echo(f"{click.style('ok', fg='green')}  {what} ({seconds:.1f} s)")
    paragraph(seen, "    ")


def facts(values: Mapping[str, str]) -> None:
    """Print one labelled value per paragraph, wrapped to the terminal, whole when piped."""
    label_width = max(map(len, values)) + 2
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    for label, value in values.items():
        wrapped = textwrap.wrap(
            value, width=max(width - label_width, 20), break_on_hyphens=False
        ) or [""]
        click.echo(f"{label:<{label_width}}" + f"\n{'':{label_width}}".join(wrapped))


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int, str], None]]:
    """Draw a bar on standard error while the block runs, only when that is a terminal.

    The block gets a function that takes ``(done, total, what)``.
    """
    with progress_lines() as line:
        yield line(title)


@contextmanager
def progress_lines() -> Iterator[Callable[[str], Callable[[int, int, str], None]]]:
    """Draw several bars, as :func:`progress` does one; the block gets them by their titles.

    Bars may be drawn from several threads.
    """
    if not sys.stderr.isatty():
        yield lambda _title: lambda _done, _total, _what: None
        return
    from rich.console import Console  # noqa: PLC0415 - rich is loaded only when something is drawn
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

    console = Console(stderr=True, markup=False, emoji=False)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        "{task.percentage:.0f}%",
    )
    # A piped standard output must stay one; on a terminal, lines go above the bar.
    piped = not sys.stdout.isatty()
    with Progress(*columns, console=console, transient=True, redirect_stdout=not piped) as drawn:

        def line(title: str) -> Callable[[int, int, str], None]:
            task = drawn.add_task(title, total=None)
            return lambda done, total, what: drawn.update(
                task, completed=done, total=total, description=f"{title}: {what}"
            )

        yield line


def explain(error: RootletError) -> None:
    """Print an error to standard error: what, why, and what to do about it."""
    code = f" (E-{error.code})" if error.code else ""
    what, why, hint = (plain(text) for text in (error.what + code, error.why, error.hint))
    click.echo(f"error: {_folded(what)}", err=True)
    if why:
        click.echo(f"  why: {_folded(why)}", err=True)
    if hint:
        click.echo(f" hint: {hint}", err=True)  # whole: it is there to be copied


def _folded(text: str) -> str:
    """Wrap what stands behind a label of 7 columns, on a terminal."""
    if not sys.stderr.isatty():
        return text
    room = max(shutil.get_terminal_size().columns - 7, 20)
    return ("\n" + 7 * " ").join(textwrap.wrap(text, room, break_on_hyphens=False))


def above_the_bar(text: str) -> None:
    """Write a line where the bar leaves room: click.echo goes round rich's standard output."""
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ
    sys.stdout.write((click.unstyle(text) if plain else text) + "\n")
    sys.stdout.flush()


def json_option(function: Any) -> Any:
    """Add ``--json`` to a command, as the argument ``json_output``."""
    return click.option(
        "--json", "json_output", is_flag=True, help="Print one JSON document for machines."
    )(function)
