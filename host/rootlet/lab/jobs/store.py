"""Job executions and the rules by which they change. Pure: the caller brings the time.

::

    QUEUED -> IN_PROGRESS -> SUCCEEDED | FAILED | REJECTED      reported by the device
       |           +-------> TIMED_OUT                          its step timer has run out
       +-----------+-------> CANCELED                           in progress only by force

The states on the right are final. ``version`` goes up by one with each change.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

IN_PROGRESS, QUEUED, CANCELED, TIMED_OUT = "IN_PROGRESS", "QUEUED", "CANCELED", "TIMED_OUT"
#: What a device may report; the service sets the others.
REPORTED = (IN_PROGRESS, "SUCCEEDED", "FAILED", "REJECTED")
STATUSES = (*REPORTED, QUEUED, TIMED_OUT, "REMOVED", CANCELED)
_PENDING = (IN_PROGRESS, QUEUED)


class JobError(Exception):
    """A refusal: a code of ``RejectedError``, a sentence, and the execution's state or None."""

    def __init__(self, code: str, message: str, state: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.state = code, message, state


@dataclass
class Execution:
    """One job on one thing. Times are whole seconds since 1970."""

    job_id: str
    thing: str
    document: dict[str, Any]
    queued_at: int
    updated_at: int
    status: str = QUEUED
    version: int = 1
    number: int = 1
    started_at: int | None = None
    details: dict[str, str] | None = None
    deadline: int | None = None  #: when the step timer runs out
    history: list[str] = field(default_factory=list)  #: every status before this one

    @property
    def pending(self) -> bool:
        """Whether the device still has something to do with it."""
        return self.status in _PENDING

    def become(self, status: str, now: int) -> None:
        """Change the status, and count the version up."""
        self.history.append(self.status)
        self.status, self.updated_at = status, now
        self.version += 1
        if status not in (QUEUED, "REJECTED") and self.started_at is None:
            self.started_at = now
        if not self.pending:
            self.deadline = None

    def set_timer(self, minutes: int | None, now: int) -> None:
        """Start the step timer again; -1 clears it, None leaves it as it is."""
        if minutes is not None:
            self.deadline = None if minutes < 0 else now + 60 * minutes

    def time_out(self, now: int) -> None:
        """End it as the service does when the step timer has run out."""
        self.become(TIMED_OUT, now)

    @property
    def state(self) -> dict[str, Any]:
        """``JobExecutionState``."""
        told = {"status": self.status, "versionNumber": self.version}
        return told if self.details is None else {**told, "statusDetails": dict(self.details)}

    @property
    def summary(self) -> dict[str, Any]:
        """``JobExecutionSummary``."""
        told = {
            "jobId": self.job_id,
            "queuedAt": self.queued_at,
            "lastUpdatedAt": self.updated_at,
            "executionNumber": self.number,
            "versionNumber": self.version,
        }
        return told if self.started_at is None else {**told, "startedAt": self.started_at}

    def described(self, now: int, *, document: bool = True) -> dict[str, Any]:
        """``JobExecution`` as MQTT carries it: without the thing, the document as an object."""
        told = {**self.summary, **self.state}
        if document:
            told["jobDocument"] = self.document
        if self.deadline is not None:
            told["approximateSecondsBeforeTimedOut"] = max(self.deadline - now, 0)
        return told


class JobStore:
    """Every execution, by thing and job, in the order in which they were queued."""

    def __init__(self) -> None:
        self._known: defaultdict[str, dict[str, Execution]] = defaultdict(dict)

    def queue(self, job_id: str, document: dict[str, Any], thing: str, now: int) -> Execution:
        """Queue a job for one thing; InvalidRequest if it has one of that name."""
        if job_id in self._known[thing]:
            raise JobError("InvalidRequest", f"job {job_id} exists for {thing}")
        made = Execution(job_id, thing, document, queued_at=now, updated_at=now)
        self._known[thing][job_id] = made
        return made

    def find(self, thing: str, job_id: str, number: int | None = None) -> Execution:
        """Return one execution; ResourceNotFound if there is none, or none of that number."""
        found = self._known[thing].get(job_id)
        if found is None or number not in (None, found.number):
            raise JobError("ResourceNotFound", f"no execution of job {job_id} for {thing}")
        return found

    def things(self, job_id: str) -> list[str]:
        """Return the things that a job was queued for."""
        return [thing for thing, own in self._known.items() if job_id in own]

    def pending(self, thing: str) -> list[Execution]:
        """Return what a thing has to do: what is in progress first, the oldest first."""
        own = [each for each in self._known[thing].values() if each.pending]
        return sorted(own, key=lambda each: _PENDING.index(each.status))

    def first(self, thing: str) -> Execution | None:
        """Return what ``$next`` stands for."""
        return next(iter(self.pending(thing)), None)

    def start_next(
        self, thing: str, details: dict[str, str] | None, minutes: int | None, now: int
    ) -> Execution | None:
        """Start the next execution, or return the one in progress unchanged."""
        found = self.first(thing)
        if found is not None and found.status == QUEUED:
            found.become(IN_PROGRESS, now)
            found.set_timer(minutes, now)
            found.details = details if details is not None else found.details
        return found

    def report(  # noqa: PLR0913 - the members of UpdateJobExecution
        self,
        found: Execution,
        status: str,
        *,
        details: dict[str, str] | None,
        expected: int | None,
        minutes: int | None,
        now: int,
    ) -> None:
        """Take a device's report; VersionMismatch or InvalidStateTransition with the state."""
        if expected not in (None, found.version):
            message = f"expected version {expected}, it is {found.version}"
            raise JobError("VersionMismatch", message, found.state)
        if not found.pending:
            message = f"the execution has ended as {found.status}"
            raise JobError("InvalidStateTransition", message, found.state)
        found.become(status, now)
        found.details = details if details is not None else found.details
        if found.pending:
            found.set_timer(minutes, now)

    def cancel(self, thing: str, job_id: str, now: int, *, force: bool) -> None:
        """Cancel; what is in progress only by ``force``, what has ended never."""
        found = self.find(thing, job_id)
        if found.status == QUEUED or (force and found.pending):
            found.become(CANCELED, now)

    def delete(self, thing: str, job_id: str, _: int = 0) -> None:
        """Forget an execution, whatever its state and whenever."""
        del self._known[thing][self.find(thing, job_id).job_id]

    def late(self, now: int) -> list[Execution]:
        """Return what has outlived its step timer."""
        known = [each for own in self._known.values() for each in own.values()]
        return [each for each in known if each.deadline is not None and each.deadline <= now]
