"""What must hold of every device after a run. Pure: facts in, a line for each fault out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fleet.conditions import BAD, GOOD, OLD
from rootlet.bundle import sha256
from rootlet.progress import FAILURES, SUCCEEDED, Progress, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from fleet.children import Event, Traffic
    from fleet.conditions import Conditions

_IDLE, _PARKED = "idle", "parked"


@dataclass(frozen=True)
class Standing:
    """What a device's folder says after a fresh start: its state, two sets, and its floor.

    ``waiting`` is the candidate, or in the state idle the set before; empty for none.
    """

    state: str
    active: bytes
    waiting: bytes
    floor: tuple[int, int]


@dataclass(frozen=True)
class Facts:
    """All that is known of a run.

    ``aborted`` and ``rolled`` are the jobs of the bad and of the good bundle, with the late
    confirms of the shadows; ``between`` and ``after`` what was on the disk after each.
    """

    conditions: Sequence[Conditions]
    bundles: Mapping[int, bytes]
    aborted: Progress
    between: Mapping[str, Standing]
    rolled: Progress
    after: Mapping[str, Standing]
    shadows: Mapping[str, Mapping[str, Any]]
    traffic: Mapping[str, Traffic]
    events: Mapping[str, Sequence[Event]] = field(repr=False)
    gone: Mapping[str, str] = field(default_factory=dict)

    @property
    def things(self) -> list[str]:
        """Every device."""
        return [each.thing for each in self.conditions]

    def heard(self, thing: str, what: str, sequence: int) -> bool:
        """Whether a device's hook has told this of a bundle."""
        told = self.events.get(thing, ())
        return any(each.what == what and each.more.get("sequence") == sequence for each in told)


def faults(facts: Facts) -> list[str]:
    """Return what does not hold, a line each that begins with the device; empty if all does."""
    return [line for check in _CHECKS for line in check(facts)]


def _nobody_is_lost(facts: Facts) -> Iterator[str]:
    for thing in facts.things:
        if thing in facts.gone:
            yield f"{thing}: lost: {facts.gone[thing]}"
        elif thing not in facts.after:
            yield f"{thing}: lost: it left no folder"


def _the_bad_job_was_stopped(facts: Facts) -> Iterator[str]:
    if facts.aborted.job.status != "CANCELED":
        yield f"{facts.aborted.job.id}: was not stopped by its criteria"
    for thing, one in facts.aborted.executions.items():
        told = reason(one.details)
        if one.status != "CANCELED" and (one.status, told) != ("FAILED", _PARKED):
            yield f"{thing}: ended the bad job as {one.status} {told}"


def _nobody_left_the_working_set(facts: Facts) -> Iterator[str]:
    """Whoever tried the bad bundle keeps it for later; nobody else has ever seen it."""
    working, bad = facts.bundles[OLD], facts.bundles[BAD]
    for thing in facts.things:
        one = facts.aborted.executions.get(thing)
        tried = one is not None and one.status in FAILURES
        expected = Standing(_PARKED, working, bad, (1, OLD))
        if not tried:
            expected = Standing(_IDLE, working, b"", (1, OLD))
        yield from _differs(thing, "after the bad job", facts.between.get(thing), expected)
        if not tried and facts.heard(thing, "offer", BAD):
            yield f"{thing}: saw the bad bundle, which its job never brought"
        if facts.heard(thing, "confirm", BAD):
            yield f"{thing}: confirmed the bad bundle"


def _everybody_has_confirmed(facts: Facts) -> Iterator[str]:
    """By the service, by the hook, and on the disk: none of them alone is believed."""
    confirmed = facts.rolled.confirmed
    if not facts.rolled.job.active:
        yield f"{facts.rolled.job.id}: was stopped by its criteria"
    expected = Standing(_IDLE, facts.bundles[GOOD], facts.bundles[OLD], (1, GOOD))
    for thing in facts.things:
        if thing not in confirmed:
            yield f"{thing}: has not confirmed"
        elif not facts.heard(thing, "confirm", GOOD):
            yield f"{thing}: says that it has confirmed, and no trial has"
        yield from _differs(thing, "at the end", facts.after.get(thing), expected)


def _whoever_failed_has_told_of_it(facts: Facts) -> Iterator[str]:
    """A trial that was spoilt ends its job as FAILED parked; the shadow tells the rest."""
    for own in facts.conditions:
        one = facts.rolled.executions.get(own.thing)
        status = one.status if one else "nothing"
        told = reason(one.details) if one else ""
        if status != SUCCEEDED and (status, told) != ("FAILED", _PARKED):
            yield f"{own.thing}: ended the good job as {status} {told}"
        if own.link and status == SUCCEEDED:
            yield f"{own.thing}: has a bad link, and confirmed at the first try"


def _every_shadow_tells_the_truth(facts: Facts) -> Iterator[str]:
    expected = {
        "key_set": 1,
        "sequence": GOOD,
        "active": sha256(facts.bundles[GOOD])[:16],
        "state": _IDLE,
        "reason": "confirmed",
    }
    for thing in facts.things:
        told = facts.shadows.get(thing, {})
        wrong = sorted(key for key, value in expected.items() if told.get(key) != value)
        if wrong:
            yield f"{thing}: its shadow is wrong: {', '.join(wrong)}"


def _every_trouble_has_come(facts: Facts) -> Iterator[str]:
    """Or the run would show less than it says."""
    for own in facts.conditions:
        spoilt = facts.traffic[own.thing].spoilt
        if own.link and spoilt != own.spoils:
            yield f"{own.thing}: its link spoilt {spoilt} connections, not {own.spoils}"
        if own.reboots and not facts.heard(own.thing, "reboot", GOOD):
            yield f"{own.thing}: kept its power"


def _differs(thing: str, when: str, found: Standing | None, expected: Standing) -> Iterator[str]:
    if found is None:
        return  # lost, which is told
    for name, value in vars(expected).items():
        if getattr(found, name) != value:
            yield f"{thing}: {when} its {name} is wrong"


_CHECKS: tuple[Callable[[Facts], Iterator[str]], ...] = (
    _nobody_is_lost,
    _the_bad_job_was_stopped,
    _nobody_left_the_working_set,
    _everybody_has_confirmed,
    _whoever_failed_has_told_of_it,
    _every_shadow_tells_the_truth,
    _every_trouble_has_come,
)
