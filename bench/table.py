"""Rows of the benches: one shape, one table, and the limits of ``bench/limits.toml``."""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIMITS = Path(__file__).with_name("limits.toml")


@dataclass(frozen=True)
class Row:
    """One measurement: ours and the peer's (0 for none) in ``unit``, and how it was measured.

    ``at`` is where it stands on a line of growth: a number of anchors, certificates or devices.
    """

    section: str
    what: str
    ours: float
    peer: float = 0
    unit: str = "bytes"
    source: str = ""
    at: int = 0

    @property
    def name(self) -> str:
        """What limits call it."""
        return f"{self.section}: {self.what}{f', {self.at}' if self.at else ''}"

    @property
    def ratio(self) -> float | None:
        """Ours to the peer's, None without a peer."""
        return self.ours / self.peer if self.peer else None

    def document(self, limit: str) -> dict[str, object]:
        """Return the row as it stands in results.json."""
        return {**vars(self), "ratio": self.ratio, "limit": limit}


@dataclass(frozen=True)
class Limit:
    """What a row must stay within: its ``ratio``, or ``ours`` in its unit. Never seconds."""

    of: str
    at_most: float
    target: float = 0  #: what is asked for where that is not reached yet; 0: ``at_most`` is
    optional: bool = False  #: not every machine can measure it: see docs/footprint.md

    def __str__(self) -> str:
        shown = f"{self.at_most:,.0f}" if self.of == "ours" else f"{self.at_most:g}x"
        return shown + "*" * bool(self.target)

    def kept(self, row: Row) -> bool:
        """Whether the row stays within."""
        value = row.ratio if self.of == "ratio" else row.ours
        return value is not None and value <= self.at_most


def progress(what: str) -> None:
    """Tell a person who waits what is being measured; "" ends that."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{what}")
        sys.stderr.flush()


def limits(path: Path = LIMITS) -> dict[str, Limit]:
    """Return "section: what" -> its limit. Raises ValueError for one of anything else."""
    found = {
        f"{section}: {what}": Limit(**one)
        for section, table in tomllib.loads(path.read_text()).items()
        for what, one in table.items()
    }
    for name, one in found.items():
        if one.of not in ("ratio", "ours"):
            raise ValueError(f"{name}: a limit is of ratio or ours, not of {one.of}")
    return found


def exceeded(rows: Iterable[Row], allowed: Mapping[str, Limit]) -> list[str]:
    """Return a line for each limit that is exceeded, and for each that no row answers.

    One that is ``optional`` may go without an answer.
    """
    found = {row.name: row for row in rows}
    needed = [name for name, limit in allowed.items() if not limit.optional]
    lines = [f"{name}: not measured" for name in needed if name not in found]
    for name, limit in allowed.items():
        if name in found and not limit.kept(found[name]):
            row = found[name]
            value = row.ratio if limit.of == "ratio" else row.ours
            shown = "no peer" if value is None else f"{value:.4g}"
            lines.append(f"{name}: {shown}, at most {limit}")
    return lines


def show(rows: Iterable[Row], allowed: Mapping[str, Limit]) -> str:
    """Return the table as text."""
    listed = list(rows)
    width = max(len(row.name) for row in listed)
    lines = [f"{'what':<{width}} {'ours':>13} {'peer':>13} {'ratio':>7} {'limit':>12}  unit"]
    for row in listed:
        ratio = f"{row.ratio:.3f}" if row.ratio is not None else "-"
        peer = number(row.peer) if row.peer else "-"
        limit = str(allowed.get(row.name, "-"))
        values = f"{number(row.ours):>13} {peer:>13} {ratio:>7} {limit:>12}"
        lines.append(f"{row.name:<{width}} {values}  {row.unit}")
    return "\n".join(lines)


def finish(rows: Iterable[Row]) -> None:
    """Print the table of one bench, with the limits of its rows; exit 1 when one is exceeded."""
    listed, allowed = list(rows), limits()
    progress("")
    print(show(listed, allowed))
    names = {row.name for row in listed}
    lines = exceeded(listed, {name: one for name, one in allowed.items() if name in names})
    print("\n".join(lines))
    sys.exit(bool(lines))


def number(value: float) -> str:
    """Return a number for people: whole, or with a tenth where it is small."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"
