"""Put a client through scenarios, one after the other, and judge each."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rootlet.errors import NetworkError
from rootlet.matrix.client import THING, Kit
from rootlet.matrix.verdict import Outcome, Seen, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rootlet.lab import Event, EventLog, Lab
    from rootlet.lab.scenarios import Scenario
    from rootlet.matrix.client import Client, Report

#: Events that say how a connection went, and with ``open`` those that say that somebody came. A
#: ``closed`` may be the late end of the attempt before.
_TELLING = ("spoke", "refused", "fault")
#: Seconds for the last event of an attempt to arrive from the front's process.
_SETTLE = 0.5


@dataclass(frozen=True)
class Result:
    """One scenario, the verdict, and the seconds that it took."""

    scenario: type[Scenario]
    verdict: Verdict
    seconds: float


def run(
    lab: Lab, client: Client, chosen: Iterable[type[Scenario]], *, timeout: int = 8
) -> Iterator[Result]:
    """Yield a result per scenario, in order.

    ``timeout`` (seconds) is what a client is given for each step of a connection. Raises
    BoardError when a board goes away; what a client does wrong is a verdict.
    """
    who = lab.pki.issue_identity(THING)
    created = int(time.time())
    for scenario in chosen:
        began = time.monotonic()
        reason = client.lacks(scenario)
        if reason:
            yield Result(scenario, Verdict("n/a", reason), 0.0)
            continue
        with scenario().apply(lab):
            watch = Watch(lab.events)
            kit = Kit.of(lab, scenario.bundle, who, created, timeout)
            seen = watch.seen(client.attempt(kit, watch.spoke))
        yield Result(scenario, judge(scenario.expect, seen), time.monotonic() - began)


class Watch:
    """What the lab sees from now on."""

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self._after = events.last

    def spoke(self) -> bool:
        """Whether application data came after a handshake."""
        return any(event.kind == "spoke" for event in self._new())

    def seen(self, report: Report) -> Seen:
        """Return all that was seen, once the client is done."""
        # Nobody came, or whoever came is still there: both are answers.
        with contextlib.suppress(NetworkError):
            self._events.wait_for(lambda event: event.kind in _TELLING, _SETTLE, after=self._after)
        new = [event for event in self._new() if event.kind in (*_TELLING, "open")]
        said = report.said
        if report.code is None:
            said = next((f"{e.tls}, {e.cipher}" for e in new if e.kind == "spoke"), said)
        reason = next((e.reason for e in reversed(new) if e.kind == "refused"), "")
        return Seen(bool(new), self.spoke(), report.code, said, reason)

    def _new(self) -> list[Event]:
        return [event for event in self._events if event.number > self._after]


def counts(results: Iterable[Result]) -> dict[Outcome, int]:
    """Return how many results there are of each outcome, in the order of a report."""
    found = Counter(result.verdict.outcome for result in results)
    every: tuple[Outcome, ...] = ("passed", "failed", "dangerous", "n/a")
    return {outcome: found[outcome] for outcome in every}


def status(results: Iterable[Result]) -> int:
    """Return the exit status: 3 if one was dangerous, else 1 if one failed, else 0."""
    found = counts(results)
    return 3 if found["dangerous"] else int(bool(found["failed"]))
