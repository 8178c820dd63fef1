"""How a roll-out stands, from what the service says of each thing. Pure: facts in, answers out.

A thing has *confirmed* when its execution SUCCEEDED, which a device reports over the new set
only, or when its shadow tells so later: a candidate that was parked is reported FAILED, stays on
the device and is tried again (docs/rollout.md).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rootlet.words import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from rootlet.jobs import Name
    from urootlet.bundle import Bundle

SUCCEEDED = "SUCCEEDED"
#: A thing that has left the group before its turn; when it returns it gets another execution.
REMOVED = "REMOVED"
#: Ended without success: what is asked why.
FAILURES = ("FAILED", "REJECTED", "TIMED_OUT")
#: In the order in which people read them.
STATUSES = (SUCCEEDED, "IN_PROGRESS", "QUEUED", *FAILURES, "CANCELED", REMOVED)
_LONGEST = 64  # characters of a reason, which a device has written


@dataclass(frozen=True)
class Execution:
    """A job on one thing; times may be None. ``details`` is what the device told."""

    thing: str
    status: str
    queued: datetime | None = None
    started: datetime | None = None
    updated: datetime | None = None
    number: int = 1
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """A job of ours as the service describes it; ``active`` while it hands out executions."""

    id: str
    name: Name
    status: str
    targets: tuple[str, ...]
    bundle: Bundle
    created: datetime
    reason: str = ""
    deadline: date | None = None

    @property
    def active(self) -> bool:
        """Whether it is still at work, or about to begin."""
        return self.status in ("IN_PROGRESS", "SCHEDULED")


@dataclass(frozen=True)
class Progress:
    """One job: an execution per thing, the things that ``wait`` for one, and ``late`` confirms.

    ``unread`` counts failures whose reason and shadow were not asked for.
    """

    job: Job
    executions: Mapping[str, Execution]
    waiting: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()
    unread: int = 0

    @property
    def things(self) -> frozenset[str]:
        """Every thing that the job is for: not those that have left its group."""
        return in_place(self.executions) | self.waiting

    @property
    def confirmed(self) -> frozenset[str]:
        """The things that run on the new set, or have gone beyond it."""
        succeeded = {name for name, one in self.executions.items() if one.status == SUCCEEDED}
        return self.late | succeeded

    @property
    def unconfirmed(self) -> list[str]:
        """The others, by name."""
        return sorted(self.things - self.confirmed)

    @property
    def share(self) -> float:
        """Confirmed things over all, 0 to 1; 0 for nobody."""
        return len(self.confirmed) / len(self.things) if self.things else 0.0

    @property
    def counts(self) -> dict[str, int]:
        """Status -> number of things, in reading order; zeros left out."""
        found = Counter(one.status for one in self.executions.values())
        return {status: found[status] for status in STATUSES if found[status]}

    @property
    def reasons(self) -> dict[str, list[str]]:
        """``STATUS reason`` -> things that failed so and have not confirmed since, most first."""
        groups: dict[str, list[str]] = {}
        for name, one in sorted(self.executions.items()):
            if one.status in FAILURES and name not in self.late:
                groups.setdefault(f"{one.status} {reason(one.details)}".strip(), []).append(name)
        return dict(sorted(groups.items(), key=lambda item: -len(item[1])))


def in_place(executions: Mapping[str, Execution]) -> frozenset[str]:
    """Return the things whose execution was not removed."""
    return frozenset(name for name, one in executions.items() if one.status != REMOVED)


def reason(details: Mapping[str, Any]) -> str:
    """Return why a device says that it failed, as one printable word or phrase."""
    return plain(str(details.get("reason", "")))[:_LONGEST]


def latest(executions: Iterable[Execution]) -> dict[str, Execution]:
    """Return the last execution of each thing: who leaves a group and returns gets another."""
    found: dict[str, Execution] = {}
    for one in executions:
        if one.thing not in found or found[one.thing].number < one.number:
            found[one.thing] = one
    return found


def has_confirmed(reported: Mapping[str, Any], wanted: Bundle, sha256: str) -> bool:
    """Whether a shadow's ``reported`` says that a bundle, or a later one, is active.

    ``sha256`` is the bundle's, in hex. The shadow is written by the device: a value of another
    type counts as nothing.
    """
    if reported.get("active") == sha256[:16]:
        return True
    order = reported.get("key_set"), reported.get("sequence")
    if any(isinstance(one, bool) or not isinstance(one, int) for one in order):
        return False
    return tuple(order) > (wanted.key_set, wanted.sequence)
