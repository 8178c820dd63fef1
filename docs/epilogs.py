"""A hook of MkDocs: examples and exit codes of each command on the page of commands.

mkdocs-click writes down what a command's help says, and leaves out its epilog.
"""  # noqa: INP001 - MkDocs loads it by its path

from __future__ import annotations

import re

import click

from rootlet.cli import cli


def on_startup(**_: object) -> None:
    """Let the help of every command end with its epilog."""
    _extend(cli)


def _extend(command: click.Command) -> None:
    command.help = f"{command.help}\n\n{markdown(command.epilog or '')}"
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                _extend(inner)


def markdown(epilog: str) -> str:
    """Return an epilog with what stands line by line as a block, and its exit codes in bold."""
    parts = re.split(r"\n(?:\x08?\n)+", epilog.strip("\n"))
    return "\n\n".join(map(_paragraph, parts))


def _paragraph(text: str) -> str:
    title, _, lines = text.removeprefix("\b\n").partition("\n")
    if not title.endswith(":"):
        return " ".join(text.strip("\b").split()).replace("Exit codes:", "**Exit codes:**")
    block = "\n".join(line.removeprefix("  ") for line in lines.splitlines())
    # In a terminal a long command goes on in the next line; here it can be pasted.
    block = re.sub(r" *\\?\n +", " ", block)
    return f"**{title.rstrip(':')}**\n\n```\n{block}\n```"
