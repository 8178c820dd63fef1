"""Rows of the benches: one shape, one table, and the limits of ``bench/limits.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIMITS = Path(__file__).with_name("limits.toml")


@dataclass(frozen=True)
class Row:
    """One measurement: ours and the peer's (0 for none) in ``unit``, and how it was measured."""

    section: str
    what: str
    ours: float
    peer: float = 0
    unit: str = "bytes"
    source: str = ""

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

    def __str__(self) -> str:
        return f"{self.at_most:g}{'x' if self.of == 'ratio' else ''}{'*' if self.target else ''}"

    def kept(self, row: Row) -> bool:
        """Whether the row stays within."""
        value = row.ratio if self.of == "ratio" else row.ours
        return value is not None and value <= self.at_most


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
    """Return a line for each limit that is exceeded, and for each that no row answers."""
    found = {f"{row.section}: {row.what}": row for row in rows}
    lines = [f"{name}: not measured" for name in allowed if name not in found]
    for name, limit in allowed.items():
        if name in found and not limit.kept(found[name]):
            row = found[name]
            value = row.ratio if limit.of == "ratio" else row.ours
            shown = "no peer" if value is None else f"{value:.4g}"
            lines.append(f"{name}: {shown}, at most {limit}")
    return lines


def show(rows: Iterable[Row], allowed: Mapping[str, Limit]) -> str:
    """Return the table as text."""
    head = f"{'what':<58} {'ours':>12} {'peer':>12} {'ratio':>7} {'limit':>8}  unit"
    lines = [head]
    for row in rows:
        name = f"{row.section}: {row.what}"
        ratio = f"{row.ratio:.3f}" if row.ratio is not None else "-"
        peer = f"{row.peer:,.0f}" if row.peer else "-"
        limit = str(allowed.get(name, "-"))
        lines.append(f"{name:<58} {row.ours:>12,.0f} {peer:>12} {ratio:>7} {limit:>8}  {row.unit}")
    return "\n".join(lines)
