"""What a command line means to today's program, without running it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import click

from rootlet.cli import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What ends a command inside a line of shell.
_ENDS = ("&&", "||", "|", ";", "&", ">", ">>", "2>", "<", ">/dev/null", "#")
#: Words that stand for something: numbers do, where a number is wanted.
_STANDS = {"DAYS": "9"}


def every_command(
    command: click.Command = cli, path: str = "rootlet"
) -> Iterator[tuple[str, click.Command]]:
    """Yield each group and command with its path, such as ``rootlet aws certs list``."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from every_command(found, f"{path} {name}")


def help_of(path: str) -> str:
    """Return what ``--help`` prints, unfolded."""
    command = dict(every_command())[path]
    return command.get_help(click.Context(command, info_name=path, max_content_width=200))


def examples(text: str) -> list[str]:
    """Return the command lines of a help text's examples, continued ones in one piece."""
    part = text.partition("Examples:\n")[2].partition("Exit codes:")[0]
    joined = re.sub(r"\\\n\s*", "", part)
    joined = re.sub(r"\n {6,}(?=\S)", " ", joined)
    return [line.strip() for line in joined.splitlines() if line.strip().startswith("rootlet")]


def runs_of(line: str) -> Iterator[list[str]]:
    """Yield the arguments of each ``rootlet`` in a line of shell."""
    words = iter(shlex.split(line, comments=True))
    for word in words:
        if word == "rootlet":
            found = []
            for one in words:
                if one in _ENDS:
                    break
                found.append(_STANDS.get(one, one))
            yield found


def parse(line: str) -> int:
    """Parse every ``rootlet`` in a line as today's program does; return how many there were.

    Raises click.UsageError for an option or command that there is not, a choice that is none, and
    an argument that is missing.
    """
    count = 0
    for arguments in runs_of(line):
        count += 1
        _parse(cli, "rootlet", arguments)
    return count


def _parse(command: click.Command, name: str, arguments: list[str]) -> None:
    place = next((n for n, one in enumerate(arguments) if not one.startswith("-")), None)
    if not isinstance(command, click.Group) or place is None:
        command.make_context(name, list(arguments))
        return
    inner = command.get_command(click.Context(command), arguments[place])
    if inner is None:
        raise click.UsageError(f"{name} has no command {arguments[place]}")
    _parse(inner, f"{name} {arguments[place]}", arguments[place + 1 :])
