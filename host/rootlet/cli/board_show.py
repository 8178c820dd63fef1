"""``rootlet board show``: what rootlet knows about boards, and where each figure comes from."""

from __future__ import annotations

import shutil
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from rootlet import board
from rootlet.cli import show

if TYPE_CHECKING:
    from rootlet.board import Board, Fact


@click.command(
    "show",
    epilog="\b\nExamples:\n  rootlet board show\n  rootlet board show esp32\n"
    "  rootlet board show ./my-board.toml --json\n\n"
    "Exit codes: 0 done, 2 no such board, or its file is wrong.",
)
@click.argument("name", metavar="[ID|FILE.toml]", required=False)
@show.json_option
def command(name: str | None, json_output: bool) -> None:
    """List the boards, or show every figure of one with its source.

    "anchor" is the smallest form of a trust anchor that the board's TLS stack takes, "heap" what
    Python finds free at boot.
    A figure that nobody has measured or read is "unknown" (null in JSON), never a guess.
    """
    if name is None:
        _list([board.load(one) for one in board.ids()], json_output)
    else:
        _show(board.load(name), json_output)


def _list(boards: list[Board], json_output: bool) -> None:
    if json_output:
        show.as_json("boards/1", {"boards": [_summary(one) for one in boards]})
        return
    columns = ("id", "name", "anchor", "families", "TLS", "heap", "file system")
    show.table("", columns, [_row(one) for one in boards])


def _row(one: Board) -> tuple[str, ...]:
    heap, room = one.memory.python_heap, one.flash.fs_bytes
    return (
        one.id,
        one.name,
        one.tls.anchor_form.value,
        ", ".join(one.tls.families.value),
        ", ".join(one.tls.versions.value),
        f"{heap.value:,} B" if heap else "unknown",
        one.flash.fs_kind.value + (f" {room.value // 1024} KiB" if room else ""),
    )


def _summary(one: Board) -> dict[str, Any]:
    heap, room = one.memory.python_heap, one.flash.fs_bytes
    return {
        "id": one.id,
        "name": one.name,
        "anchor_form": one.tls.anchor_form.value,
        "families": one.tls.families.value,
        "tls_versions": one.tls.versions.value,
        "family_choice": one.tls.family_choice.value,
        "python_heap": heap.value if heap else None,
        "fs_kind": one.flash.fs_kind.value,
        "fs_bytes": room.value if room else None,
    }


def _show(one: Board, json_output: bool) -> None:
    facts = list(one.facts())
    unknown = list(one.unknown())
    if json_output:
        known = {key: _entry(fact, unit) for key, fact, unit in facts}
        missing = dict.fromkeys(unknown)
        show.as_json("board/1", {"id": one.id, "name": one.name, "facts": known | missing})
        return
    click.echo(f"{one.name} ({one.id})\n")
    for section, rows in groupby(facts, key=lambda row: row[0].partition(".")[0]):
        drawn = [
            (key.partition(".")[2], _text(fact, unit), fact.source) for key, fact, unit in rows
        ]
        show.table("", (section, "value", "source"), drawn)
        click.echo()
    if unknown:
        width = shutil.get_terminal_size().columns
        click.echo(click.wrap_text(f"Unknown: {', '.join(unknown)}.", width=width))


def _entry(fact: Fact[Any], unit: str) -> dict[str, Any]:
    entry = {"value": fact.value, "source": fact.source}
    return entry | {"unit": unit} if unit else entry


def _text(fact: Fact[Any], unit: str) -> str:
    value = fact.value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:,} {unit}" if unit else str(value)
