"""The operator's side: hand a job out by the rules of CreateJob, and see how it stands."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fleet.pacing import Rules
from rootlet import bundle, progress
from rootlet.progress import FAILURES, SUCCEEDED, Execution, Job, Progress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleet.children import Fleet
    from rootlet.jobs import Order
    from rootlet.lab.jobs import JobService
    from rootlet.lab.subscriber import Message

_PENDING = ("QUEUED", "IN_PROGRESS")
#: Where things tell their shadows.
SHADOWS = "$aws/things/+/shadow/name/rootlet/update"


def reported(messages: Iterable[Message]) -> dict[str, dict[str, Any]]:
    """Return what every thing's shadow reports, as AWS IoT keeps it: the last update counts."""
    return {
        one.topic.split("/")[2]: json.loads(one.payload)["state"]["reported"] for one in messages
    }


class RollOut:
    """One job for the fleet. ``minute`` is how many seconds a minute of its pace takes here.

    ``ended`` counts the executions that have, ``seconds`` is when the last one succeeded.
    """

    def __init__(self, service: JobService, fleet: Fleet, order: Order, *, minute: float) -> None:
        self._service, self._fleet, self._minute = service, fleet, minute
        now = datetime.now(UTC)
        parameters = order.parameters(now)
        self._rules = Rules.of(parameters)
        self._document = json.loads(parameters["document"])
        self.job = Job(
            id=parameters["jobId"],
            name=order.name,
            status="IN_PROGRESS",
            targets=order.targets,
            bundle=order.bundle,
            created=now,
        )
        self.ended, self.seconds = 0, 0.0
        self._succeeded, self._handed, self._budget = 0, 0, 0.0
        self._began = self._seen = time.monotonic()

    def step(self) -> bool:
        """Look at the executions, and hand out or cancel; tell whether the job is over.

        An execution of a device that is gone is waited for no more.
        """
        statuses = [self._service.execution(self.job.id, one).status for one in self._things()]
        succeeded = statuses.count(SUCCEEDED)
        failed = sum(statuses.count(each) for each in FAILURES)
        self.ended = succeeded + failed
        if succeeded > self._succeeded:
            self._succeeded, self.seconds = succeeded, time.monotonic() - self._began
        if not self.job.active:
            pass
        elif self._rules.aborts(self.ended, failed):
            self._service.cancel(self.job.id)
            self.job = replace(self.job, status="CANCELED")
        else:
            self._hand_out(succeeded)
        handing = self.job.active and self._handed < len(self._fleet.things)
        dead = sum(one in self._fleet.gone for one in self._things())
        return not handing and sum(statuses.count(each) for each in _PENDING) <= dead

    def _things(self) -> tuple[str, ...]:
        return self._fleet.things[: self._handed]

    def _hand_out(self, succeeded: int) -> None:
        now = time.monotonic()
        self._budget += self._rules.rate(succeeded) * (now - self._seen) / self._minute
        self._seen = now
        count = min(int(self._budget), len(self._fleet.things) - self._handed)
        self._budget -= int(self._budget)
        chosen = self._fleet.things[self._handed : self._handed + count]
        self._service.create(self.job.id, self._document, *chosen)
        self._handed += count

    def progress(self, shadows: dict[str, dict[str, Any]]) -> Progress:
        """Return how it stands, as ``rootlet rotate status`` works it out."""
        executions = {one: self._execution(one) for one in self._things()}
        digest = bundle.sha256(bytes(self.job.bundle.data))
        late = frozenset(
            one
            for one, found in executions.items()
            if found.status in FAILURES
            and progress.has_confirmed(shadows.get(one, {}), self.job.bundle, digest)
        )
        rest = frozenset(self._fleet.things[self._handed :]) if self.job.active else frozenset()
        return Progress(self.job, executions, rest, late)

    def _execution(self, thing: str) -> Execution:
        found = self._service.execution(self.job.id, thing)
        return Execution(
            thing=thing,
            status=found.status,
            queued=_moment(found.queued_at),
            started=_moment(found.started_at),
            updated=_moment(found.updated_at),
            details=found.details or {},
        )


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
