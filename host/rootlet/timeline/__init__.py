"""All anchors on one line of time: when each began, and both of its ends.

``chart`` decides what is where; ``text``, ``svg`` and ``html`` draw the same chart. Pure: no
clock and no files but the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from rootlet import catalog

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from rootlet.trust_set import TrustSet

__all__ = ["Bar", "Chart", "chart"]


@dataclass(frozen=True)
class Bar:
    """One anchor: from ``begin`` to ``end``, and the day on which root programmes drop it.

    ``group`` is ats, legacy or own (in no catalogue); ``bundles`` are the files that hold it.
    """

    name: str
    group: str
    begin: datetime
    end: datetime
    programme: date | None
    inferred: bool
    bundles: tuple[str, ...]

    @property
    def turn(self) -> datetime:
        """When the part that is trusted everywhere ends: the earlier of the two ends."""
        if self.programme is None:
            return self.end
        return min(datetime.combine(self.programme, time(), UTC), self.end)

    @property
    def programme_words(self) -> str:
        """The programme's day, with ``~`` where it is inferred, or ``-``."""
        if self.programme is None:
            return "-"
        return f"{'~' if self.inferred else ''}{self.programme}"


@dataclass(frozen=True)
class Chart:
    """The bars, soonest end of trust first within a group, and the years that they span.

    ``ends`` are the days that bundles name for themselves.
    """

    bars: tuple[Bar, ...]
    at: datetime
    ends: tuple[tuple[str, datetime], ...]

    @property
    def first(self) -> int:
        """The year in which the picture begins, a multiple of five."""
        return min(bar.begin.year for bar in self.bars) // 5 * 5

    @property
    def last(self) -> int:
        """The year in which it ends, a multiple of five."""
        latest = max([self.at.year, *(bar.end.year for bar in self.bars)])
        return latest // 5 * 5 + 5

    def place(self, moment: datetime) -> float:
        """Return where a moment is, from 0.0 at the first year's start to 1.0 at the last's."""
        begin, end = (datetime(year, 1, 1, tzinfo=UTC) for year in (self.first, self.last))
        return max(0.0, min(1.0, (moment - begin) / (end - begin)))


def chart(at: datetime, bundles: Sequence[TrustSet] = ()) -> Chart:
    """Return the chart of every catalogued anchor and of what is in ``bundles``."""
    bars = [_catalogued(one, bundles) for one in catalog.load().anchors]
    ids = {bar.name for bar in bars}
    strangers = {
        link: name for one in bundles for link, name in one.anchors.items() if name not in ids
    }
    for link, name in strangers.items():
        held = _holders(name, bundles)
        bars.append(Bar(name, "own", link.not_before, link.not_after, None, False, held))
    order = ("own", "ats", "legacy")
    bars.sort(key=lambda bar: (order.index(bar.group), bar.turn, bar.name))
    named = tuple((one.name, one.not_after) for one in bundles if one.not_after)
    return Chart(tuple(bars), at.astimezone(UTC), named)


def _catalogued(one: catalog.TrustAnchor, bundles: Sequence[TrustSet]) -> Bar:
    held = _holders(one.id, bundles)
    dates = (one.not_before, one.not_after, one.programme_end, one.programme_inferred)
    return Bar(one.id, one.role, *dates, held)


def _holders(name: str, bundles: Sequence[TrustSet]) -> tuple[str, ...]:
    return tuple(one.name for one in bundles if name in one.anchors.values())
