"""A device in memory, as ``rotation_world`` has it, and the lab's Jobs service beside it.

Both are real but for what is between them: messages are handed over, and may be lost on the way.
"""

from __future__ import annotations

import base64
import json
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from rootlet.lab.jobs import requests
from rootlet.lab.jobs.store import JobStore
from rotation_world import CA1, CA3, Board, Server, offered
from urootlet.jobs import Jobs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rootlet.lab.jobs import Execution, JobService

THING = "pump-7"
_PREFIX = f"$aws/things/{THING}/"
#: What may become of a request: nobody hears it, or its answer is lost.
LOST, UNANSWERED = "lost", "unanswered"


def document(bundle: bytes, *keys: bytes) -> dict[str, Any]:
    """Return the job document that brings a bundle, and key sets before it."""
    sets = [base64.b64encode(each).decode() for each in keys]
    made: dict[str, Any] = {"rootlet": 1, "bundle": base64.b64encode(bundle).decode()}
    return made | ({"keys": sets} if sets else {})


class FleetDevice(Board):
    """A board whose jobs come from a service; inside ``with``."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.store = JobStore()
        self.link.config.thing = THING
        #: What becomes of the next requests: one of the above, or a code to refuse them with.
        self.faults: deque[str] = deque()
        self.requests: list[str] = []
        self.shadow: dict[str, Any] = {}

    def queue(self, job_id: str, what: dict[str, Any] | bytes) -> Execution:
        """Queue a job, and tell the device if it is connected."""
        made = what if isinstance(what, dict) else document(what)
        found = self.store.queue(job_id, made, THING, self.clock)
        self.notify()
        return found

    def notify(self) -> None:
        """Send the list of what is pending."""
        if hasattr(self, "jobs"):
            (notice, *_) = requests.notices(self.store, THING, "", self.clock)
            self.hand_over(notice.topic, notice.document)

    def hand_over(self, topic: str, told: Any) -> bool:
        """Let a message reach the device."""
        message = told if isinstance(told, bytes) else json.dumps(told).encode()
        return self.jobs.heard(topic.encode(), message)

    def session(self) -> bool:
        """Connect and do what is due, until nothing more is; tell whether to connect again."""
        assert self.connect() == ""
        self.jobs = Jobs(self.trust)
        return self.work()

    def work(self) -> bool:
        """Do what is due; tell whether the device wants to connect again."""
        while message := self.jobs.due():
            topic, payload = message[0].decode(), message[1]
            if topic == f"{_PREFIX}shadow/name/rootlet/update":
                self.shadow = json.loads(payload)["state"]["reported"]
            else:
                self._request(topic, payload)
        return self.jobs.ready

    def until_quiet(self, sessions: int = 6) -> None:
        """Connect as often as the device wants to, and wait for answers that do not come."""
        for _ in range(sessions):
            if not self.session() and not self._wait():
                return
        raise AssertionError(f"it still wants to connect again after {sessions} sessions")

    def _wait(self) -> bool:
        """Let time pass until the device is done; tell whether it wants to connect again."""
        ends = self.clock + 3_600
        while self.jobs.busy and self.clock < ends:
            self.clock += 1
            if self.work():
                return True
        return False

    def _request(self, topic: str, payload: bytes) -> None:
        self.requests.append(topic.removeprefix(f"{_PREFIX}jobs/"))
        fault = self.faults.popleft() if self.faults else ""
        if fault == LOST:
            return
        if fault and fault != UNANSWERED:
            refused = requests.refused(topic, payload, fault, self.clock)
            self.hand_over(refused.topic, refused.document)
            return
        before = self._pending()
        answer = requests.answer(self.store, topic, payload, self.clock)
        if fault != UNANSWERED:
            self.hand_over(answer.topic, answer.document)
        if self._pending() != before:
            self.notify()

    def _pending(self) -> set[str]:
        return {each.job_id for each in self.store.pending(THING)}


def ended(service: JobService, job_id: str, thing: str, seconds: float = 30) -> Execution:
    """Return an execution once it has ended."""
    deadline = time.monotonic() + seconds
    while (found := service.execution(job_id, thing)).pending:
        if time.monotonic() > deadline:
            raise AssertionError(f"{job_id} is {found.status} after {seconds:.0f} s")
        time.sleep(0.05)
    return found


def statuses(found: Execution) -> list[str]:
    """Return every status that an execution had, the present one last."""
    return [*found.history, found.status]


def reasons(executions: Iterable[Execution]) -> list[tuple[str, str]]:
    """Return status and reason of each."""
    return [(each.status, (each.details or {}).get("reason", "")) for each in executions]


def moved_on() -> FleetDevice:
    """Return a device of Root CA 1 whose server has moved to Root CA 3, as NEW trusts it."""
    made = FleetDevice(offered((CA1, CA3), 1))
    made.link.server = Server(CA3)
    return made
