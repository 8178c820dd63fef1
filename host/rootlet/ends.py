"""When trust ends: by the certificate's own last day, by the root programmes, by the bundle.

An anchor has two ends. ``not_after`` is what a device checks; ``programme_end`` is the day from
which public servers stop chaining to it (``certs/catalog.toml``). A bundle may name a third.

Pure: whoever asks says what time it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from rootlet import catalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rootlet.trust_set import TrustSet

CERTIFICATE, PROGRAMME, BUNDLE = "certificate", "programme", "bundle"
_WORDS = {
    CERTIFICATE: "devices refuse it",
    PROGRAMME: "root programmes drop it, and servers move to other roots",
    BUNDLE: "the bundle says that it is to be replaced",
}


@dataclass(frozen=True, order=True)
class End:
    """The day on which something of an anchor or bundle ends, and by which of the dates.

    ``name`` is an id of the catalogue, a common name, or a bundle's file.
    """

    day: date
    name: str
    kind: str
    inferred: bool = False

    def days_left(self, at: datetime) -> int:
        """Return the whole days from ``at`` to the end; negative once it is over."""
        return (self.day - at.astimezone(UTC).date()).days

    def words(self, at: datetime) -> str:
        """Return such as ``starfield-g2 ends on 2027-04-15 (in 141 days): ...``."""
        left = self.days_left(at)
        when = f"in {left} days" if left > 0 else f"{-left} days ago" if left else "today"
        about = "about " if self.inferred else ""
        verb = "ended" if left < 0 else "ends"
        return f"{self.name} {verb} on {about}{self.day} ({when}): {_WORDS[self.kind]}"


def of_catalog(anchors: Iterable[catalog.TrustAnchor]) -> list[End]:
    """Return both ends of each anchor, soonest first."""
    return sorted(end for one in anchors for end in _both(one))


def of_sets(sets: Sequence[TrustSet]) -> list[End]:
    """Return the ends of what is in bundles, each once, and of the bundles; soonest first."""
    known = {one.id: one for one in catalog.load().anchors}
    found: set[End] = set()
    for one in sets:
        if one.not_after:
            found.add(End(one.not_after.date(), one.name, BUNDLE))
        for link, name in one.anchors.items():
            own = [End(link.not_after.date(), name, CERTIFICATE)]
            found.update(_both(known[name]) if name in known else own)
    return sorted(found)


def within(ends: Iterable[End], at: datetime, days: int) -> list[End]:
    """Return those that are over at ``at``, or will be ``days`` later."""
    limit = at.astimezone(UTC).date() + timedelta(days)
    return [one for one in ends if one.day <= limit]


def _both(anchor: catalog.TrustAnchor) -> list[End]:
    ends = [End(anchor.not_after.date(), anchor.id, CERTIFICATE)]
    if anchor.programme_end:
        inferred = anchor.programme_inferred
        ends.append(End(anchor.programme_end, anchor.id, PROGRAMME, inferred))
    return ends
