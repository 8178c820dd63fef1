"""A group of commands, whose help says of each one all that its first sentence says."""

from __future__ import annotations

import click

_LONGEST = 1_000  # characters: the help's own lines are what folds a sentence


class Group(click.Group):
    """A group that folds what a command is for, where click would cut it off with three dots."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command with its first sentence."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, one.get_short_help_str(_LONGEST))
                    for name in self.list_commands(ctx)
                    if (one := self.get_command(ctx, name))
                ]
            )
