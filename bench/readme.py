"""Puts the sizes into the pages that have the markers; twice gives the same text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from table import Row

_ROOT = Path(__file__).parents[1]
PAGES = (_ROOT / "README.md", _ROOT / "docs" / "footprint.md")
_BETWEEN = re.compile(r"(<!-- sizes -->\n).*?(<!-- /sizes -->)", re.DOTALL)
_SECTIONS = ("code", "memory")


def table(rows: Iterable[Row]) -> str:
    """Return bytes and heap as a Markdown table."""
    lines = ["| What | Bytes | Peer |", "|---|--:|--:|"]
    for row in rows:
        if row.section in _SECTIONS or (row.section == "bytes" and row.peer):
            peer = f"{row.peer:,.0f}" if row.peer else ""
            lines.append(f"| {row.section}: {row.what} | {row.ours:,.0f} | {peer} |")
    return "\n".join(lines) + "\n"


def filled(text: str, rows: Iterable[Row]) -> str:
    """Return a page with the table between its markers; a page without them stays as it is."""
    made = table(rows)
    return _BETWEEN.sub(lambda found: f"{found[1]}{made}{found[2]}", text)


def fill(rows: list[Row]) -> None:
    """Rewrite the pages."""
    for page in PAGES:
        page.write_text(filled(page.read_text(), rows))
