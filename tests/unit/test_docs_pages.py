"""What every page has: a sentence that says what it is for, and links that lead somewhere.

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
