"""The commands on the pages about AWS are commands that there are."""

import re
import shlex
from pathlib import Path

import click
import pytest

from rootlet.cli import cli

DOCS = Path(__file__).parents[2] / "docs"


def commands():
    for page in ("aws.md", "rollout.md"):
        text = (DOCS / page).read_text().replace("\\\n", " ")
        for line in re.findall(r"^    (rootlet .*)$", text, re.MULTILINE):
            yield pytest.param(shlex.split(line, comments=True)[1:], id=line[:60])


@pytest.mark.parametrize("words", list(commands()))
def test_this_one_is_taken(words):
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, words[0]
        command, words = found, words[1:]
    command.make_context(str(command.name), list(words))
