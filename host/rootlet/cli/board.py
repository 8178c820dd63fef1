"""``rootlet board``: look at boards, prepare and start a virtual one."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rootlet.cli import board_list, board_show, groups, show
from rootlet.errors import InputError

if TYPE_CHECKING:
    from types import FrameType


@click.group(
    no_args_is_help=True,
    cls=groups.Group,
    epilog="""\b
Examples:
  rootlet board list
  rootlet board virtual

Exit codes: 0 done, 2 bad input, 4 board, port or MicroPython, 5 network.
""",
)
def command() -> None:
    """Look at boards, or start a virtual one."""


command.add_command(board_list.command)
command.add_command(board_show.command)


@command.command(
    epilog="""\b
Examples:
  rootlet board prepare
  rootlet board prepare && rootlet demo

Exit codes: 0 all is there, 4 MicroPython cannot be had, 5 umqtt.simple cannot be fetched.
"""
)
def prepare() -> None:
    """Fetch what virtual boards run on, once: MicroPython and umqtt.simple."""
    from rootlet.boardio import micropython  # noqa: PLC0415 - commands load what they use

    with show.progress("prepare") as progress:
        found = micropython.prepare(progress)
    click.echo(f"MicroPython {found.version}: {found.origin}")
    click.echo(f"umqtt.simple: {found.modules}")


@command.command(
    epilog="""\b
Examples:
  rootlet board virtual
  rootlet board virtual --dir /tmp/board --clock now
  rootlet board virtual --dir late --clock 2031-01-01T00:00:00Z

Exit codes: 0 stopped with Ctrl-C, 2 bad input, 4 the board cannot run.
"""
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the board's flash.  [default: one in your data folder]",
)
@click.option(
    "--clock", metavar="TIME", help="Clock at power on: now, or ISO 8601.  [default: 2000-01-01]"
)
def virtual(folder: Path | None, clock: str | None) -> None:
    """Start a virtual board and keep it running until Ctrl-C."""
    import platformdirs  # noqa: PLC0415 - commands load what they use

    from rootlet.boardio import micropython  # noqa: PLC0415
    from rootlet.boardio.virtual import VirtualBoard  # noqa: PLC0415

    started = _unix(clock)
    if folder is None:
        folder = Path(platformdirs.user_data_dir("rootlet")) / "boards" / "virtual"
    with show.progress("prepare") as progress:
        interpreter = micropython.prepare(progress)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with VirtualBoard(folder, interpreter=interpreter, clock=started) as board:
            _introduce(board.port, folder, interpreter.version)
            board.wait()
    except KeyboardInterrupt:
        click.echo("stopped; the flash stays in " + str(folder), err=True)


def _introduce(port: str, folder: Path, version: str) -> None:
    click.echo(f"port: {port}")
    click.echo(f"board: MicroPython {version}, flash in {folder}")
    click.echo(f"next: rootlet flash --port {port} BUNDLE.rlt")
    click.echo(f"  or: mpremote connect {port}")
    click.echo("stop: Ctrl-C")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _unix(text: str | None) -> float | None:
    """Return a time given on the command line in seconds since 1970; UTC unless it says so."""
    if text is None:
        return None
    if text == "now":
        return datetime.now(UTC).timestamp()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        hint = "--clock now, or --clock 2031-01-01T00:00:00Z"
        raise InputError(f"{text} is not a time", why=str(error), hint=hint) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
