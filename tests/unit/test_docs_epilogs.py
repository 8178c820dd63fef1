"""The page of commands in the site has each command's examples and exit codes."""

import importlib.util
import shlex
from typing import Any

import pytest

from pages import REPOSITORY
from parsing import every_command, examples, help_of

COMMANDS = dict(every_command())


@pytest.fixture(scope="module")
def hook():
    found: Any = importlib.util.spec_from_file_location(
        "epilogs", REPOSITORY / "docs" / "epilogs.py"
    )
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", COMMANDS)
def test_an_example_can_be_pasted_and_is_that_of_the_help(path, hook):
    told = hook.markdown(COMMANDS[path].epilog)
    title, block, rest = told.split("```", 2)
    pasted = [shlex.split(one) for one in block.strip().splitlines()]
    shown = [words for words in pasted if words[0] == "rootlet"]
    assert title == "**Examples**\n\n"
    assert shown == [shlex.split(one) for one in examples(help_of(path))]
    assert "**Exit codes:** 0 " in rest
    assert "\b" not in told
