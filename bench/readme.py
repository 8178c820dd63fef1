"""Puts the figures into the pages that have the markers; twice gives the same text.

The README has a choice of them, docs/footprint.md all but those of time.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from table import number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from table import Row

_ROOT = Path(__file__).parents[1]
README, PAGE = _ROOT / "README.md", _ROOT / "docs" / "footprint.md"
_BETWEEN = re.compile(r"(<!-- sizes -->\n).*?(<!-- /sizes -->)", re.DOTALL)
_TIMES = ("s", "ms", "a second")
SHORT = (
    "code: connect",
    "code: connect + rotate",
    "code: connect + rotate + jobs",
    "bytes: {CA 1} tiny, to PEM",
    "bytes: {CA 3} tiny, to PEM",
    "bytes: {CA 3} strict, to PEM",
    "bytes: {all five} strict, two signatures, to PEM",
    "memory: idle and connected, above umqtt that verifies nothing",
    "memory, 32-bit: idle and connected, above umqtt that verifies nothing",
    "memory, 32-bit: TLS heap of {CA 1} tiny to DER",
    "memory, 32-bit: TLS heap of {CA 3} tiny to DER",
    "work: handshake ECC 3",
    "work: handshake RSA 3",
    "work: signature verification to pow",
    "gateway: context held, to paho with certifi, ECC",
)


def table(rows: Iterable[Row]) -> str:
    """Return rows as a Markdown table."""
    lines = ["| What | Ours | Peer | Unit |", "|---|--:|--:|---|"]
    for row in rows:
        peer = number(row.peer) if row.peer else ""
        lines.append(f"| {row.name} | {number(row.ours)} | {peer} | {row.unit} |")
    return "\n".join(lines) + "\n"


def filled(text: str, rows: Iterable[Row]) -> str:
    """Return a page with the table between its markers; a page without them stays as it is."""
    made = table(rows)
    return _BETWEEN.sub(lambda found: f"{found[1]}{made}{found[2]}", text)


def fill(rows: list[Row]) -> None:
    """Rewrite the pages."""
    chosen = [row for row in rows if row.name in SHORT]
    steady = [row for row in rows if row.unit not in _TIMES]
    for page, shown in ((README, chosen), (PAGE, steady)):
        page.write_text(filled(page.read_text(), shown))


def missing(rows: Iterable[Row]) -> list[str]:
    """Return what the README shows and was not measured: then no page is to be rewritten."""
    names = {row.name for row in rows}
    return [name for name in SHORT if name not in names]
