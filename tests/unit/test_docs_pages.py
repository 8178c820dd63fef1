"""What every page has: what it is for, links that lead somewhere, commands to copy.

`make docs` checks the links of the site, of which the README and its neighbours are no part.
"""

import re

import pytest

from pages import REPOSITORY

PAGES = sorted((REPOSITORY / "docs").glob("*.md"))
BESIDE = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]


def anchors(page):
    """Return the names under which the headings of a page can be reached."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one).lower().replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", [*PAGES, REPOSITORY / "README.md"], ids=lambda page: page.name)
def test_a_page_says_what_it_is_for_before_it_shows_anything(page):
    title, lead, *_ = page.read_text().split("\n\n")
    assert title.startswith("# ")
    assert re.match(r"\w|`\w", lead), lead
    assert not lead.startswith("    ")
    assert "." in lead


@pytest.mark.parametrize("page", [*PAGES, *BESIDE], ids=lambda page: page.name)
def test_commands_are_copied_without_a_prompt(page):
    """Only a block that shows what came out has one: whoever copies it, reads it first."""
    for block in re.findall(r"^```\w*\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        prompts = [line.startswith("$ ") for line in block.splitlines()]
        assert not any(prompts) or not all(prompts), block
    assert not re.search(r"^    \$ ", page.read_text(), re.MULTILINE)


@pytest.mark.parametrize("page", BESIDE, ids=lambda page: page.name)
def test_a_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not target.startswith("https://"):
            name, _, anchor = target.partition("#")
            found = page.parent / name if name else page
            assert found.exists(), target
            assert not anchor or anchor in anchors(found), target


def test_every_page_is_in_the_site():
    site = (REPOSITORY / "mkdocs.yml").read_text()
    listed = re.findall(r"^ +- .*: (\S+\.md)$", site, re.MULTILINE)
    assert sorted(listed) == [page.name for page in PAGES]
