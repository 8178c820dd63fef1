"""Every command that README and docs show means something to today's program.

Pages that lead somewhere are followed command by command (test_pages.py and its neighbours).
What the others show is parsed: commands, options, choices and arguments exist. In a line of prose
a command may be cut short, so there its name and its options are looked at.
"""

import re
import shlex

import click
import pytest

from pages import REPOSITORY
from parsing import every_command, parse, runs_of

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
COMMANDS = dict(every_command())
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHELL = ("", "console", "sh", "bash", "shell", "text", "ini", "yaml", "yml")


def lines_of(page):
    """Return what stands in the blocks of a page, continued lines in one piece."""
    text = page.read_text()
    fenced = [body for kind, body in _FENCE.findall(text) if kind in _SHELL]
    prose = _FENCE.sub("", text)
    indented = [line[4:] for line in prose.splitlines() if line.startswith("    ")]
    joined = re.sub(r"\\\n\s*", "", "\n".join([*indented, *fenced]))
    return [line.strip().removeprefix("$ ") for line in joined.splitlines()]


def inline(page):
    """Return the commands in the running text of a page."""
    prose = re.sub(r"^    .*$", "", _FENCE.sub("", page.read_text()), flags=re.MULTILINE)
    found = re.findall(r"`([^`]*)`", prose)
    return [" ".join(one.split()) for one in found if re.search(r"\brootlet [a-z]", one)]


def page_id(page):
    return page.stem


BLOCKS = {page: [line for line in lines_of(page) if "rootlet " in line] for page in PAGES}


def is_command(line):
    """Whether a line of a block runs rootlet, and does not only speak of it."""
    return re.match(r"(\S+=\S+ )*(\d\S* \* \S+ )*rootlet [-a-z]", line) is not None


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_in_blocks_parse(page):
    for line in BLOCKS[page]:
        if is_command(line):
            try:
                assert parse(line) >= 1
            except (click.UsageError, ValueError) as error:
                pytest.fail(f"{line}\n{error}")


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_in_the_text_have_a_name_and_options_that_exist(page):
    for line in inline(page):
        for words in runs_of(line):
            path = "rootlet"
            for word in words:
                if f"{path} {word}" in COMMANDS:
                    path = f"{path} {word}"
                elif isinstance(COMMANDS[path], click.Group):
                    assert not word.isalpha() or word.isupper(), f"{path} has no {word}: {line}"
            known = {name for one in COMMANDS[path].params for name in one.opts}
            for word in words:
                if word.startswith("--"):
                    assert word.partition("=")[0] in {*known, "--help", "--debug"}, line


def test_nothing_is_overlooked():
    """A sum, so that a change of the pages' form does not make the tests empty."""
    assert sum(is_command(line) for found in BLOCKS.values() for line in found) > 150
    assert sum(len(inline(page)) for page in PAGES) > 60


@pytest.mark.parametrize("page", [*PAGES, REPOSITORY / "CONTRIBUTING.md"], ids=page_id)
def test_make_targets_exist(page):
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    text = page.read_text()
    shown = re.findall(r"`make ([a-z-]+)|^ +make ([a-z-]+)", text, re.MULTILINE)
    assert {one or other for one, other in shown} <= set(targets)


class TestTheClientsInReadme:
    def table(self, page, first):
        text = (REPOSITORY / page).read_text()
        (found,) = re.findall(rf"^\| {first} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
        return [[cell.strip(" *") for cell in row.split("|")[1:-1]] for row in found.splitlines()]

    def test_are_those_of_the_matrix(self):
        shown = [row[1:5] for row in self.table("README.md", "client")]
        measured = [row[1:5] for row in self.table("docs/matrix.md", "Client")]
        assert shown == measured


JSON = (REPOSITORY / "docs" / "json.md").read_text()
SCHEMAS = dict(re.findall(r"^\| `rootlet/([a-z-]+/\d+)` \| (.*) \|$", JSON, re.MULTILINE))


class TestJson:
    """docs/json.md lists what the code prints."""

    def test_has_every_schema_and_no_other(self):
        code = "".join(
            one.read_text() for one in (REPOSITORY / "host" / "rootlet" / "cli").glob("*.py")
        )
        printed = set(re.findall(r'as_json\(\s*"([a-z-]+/\d+)"', code))
        assert printed == set(SCHEMAS)
        assert code.count("as_json(") == len(re.findall(r'as_json\(\s*"[a-z-]+/\d+"', code)) + 1

    @pytest.mark.parametrize("schema", SCHEMAS)
    def test_names_commands_that_take_json(self, schema):
        for line in re.findall(r"`(rootlet [^`]*)`", SCHEMAS[schema]):
            words = [word for word in shlex.split(line) if word.islower() and word[0] != "-"]
            assert "--json" in {
                name for one in COMMANDS[" ".join(words)].params for name in one.opts
            }
