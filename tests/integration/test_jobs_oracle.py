"""The lab's Jobs service against ministack's: the same device, the same replies.

Where they differ the service's own documentation decides, and test_lab_jobs.py holds it: AWS hands
out what is in progress before what was queued earlier, ministack goes by age alone.
"""

from __future__ import annotations

import secrets
from typing import Any

import pytest

#: Differ from one service to the next by their nature: words, and when things happened.
FREE_WORDS = {"message"}
TIMES = {"timestamp", "queuedAt", "lastUpdatedAt", "startedAt"}


class Play:
    """One service, one device, and two jobs of its own."""

    def __init__(self, service: Any, device: Any) -> None:
        self.service, self.device = service, device
        self.jobs = [f"job-{secrets.token_hex(4)}" for _ in range(2)]
        self.told: list[Any] = []

    def queue(self, which: int, *, notices: int) -> None:
        document = {"do": "rotate", "n": which, "text": "ä"}
        self.service.create(self.jobs[which], document, self.device.thing)
        self.hear(notices)

    def ask(self, request: str, *, then: int = 0, **members: Any) -> None:
        self.device.send(self._named(request), members)
        self.hear(1 + then)

    def say(self, request: str, payload: bytes) -> None:
        self.device.send(self._named(request), payload)
        self.hear(1)

    def hear(self, count: int) -> None:
        # MQTT orders the messages of a topic, not those of two (MQTT 3.1.1 section 4.6).
        heard = [self._comparable(each) for each in self.device.hear(count)]
        self.told.append(sorted(heard, key=lambda each: each[0]))

    def silence(self) -> None:
        assert self.device.hears_nothing()

    def _named(self, request: str) -> str:
        return request.replace("JOB-0", self.jobs[0]).replace("JOB-1", self.jobs[1])

    def _comparable(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: self._kind(key, each) for key, each in value.items() if key not in FREE_WORDS
            }
        if isinstance(value, list | tuple):
            return [self._comparable(each) for each in value]
        if isinstance(value, str):
            return value.replace(self.jobs[0], "JOB-0").replace(self.jobs[1], "JOB-1")
        return value

    def _kind(self, key: str, value: Any) -> Any:
        if key in TIMES:
            assert isinstance(value, int), f"{key} is not whole seconds"
            assert 1_600_000_000 < value < 4_000_000_000, f"{key} is not in seconds since 1970"
            return "a time"
        return self._comparable(value)


def an_idle_thing(play: Play) -> None:
    play.ask("get", clientToken="a-token")
    play.ask("start-next", clientToken="a-token")
    play.ask("$next/get")
    play.ask("no-such-job/get")
    play.ask("no-such-job/update", status="SUCCEEDED")


def a_job_from_end_to_end(play: Play) -> None:
    play.queue(0, notices=2)
    play.ask("get")
    play.ask("$next/get")
    play.ask("start-next", statusDetails={"phase": "start"}, clientToken="t1")
    play.silence()
    play.ask("start-next", statusDetails={"phase": "other"})
    play.ask("get")
    play.ask("JOB-0/get")
    play.ask("JOB-0/get", includeJobDocument=False)
    play.ask(
        "JOB-0/update",
        status="IN_PROGRESS",
        statusDetails={"phase": "trial"},
        expectedVersion=2,
        includeJobExecutionState=True,
    )
    play.ask("JOB-0/update", status="SUCCEEDED", includeJobDocument=True, then=2)
    play.ask("get")


def stale_versions_and_second_reports(play: Play) -> None:
    play.queue(0, notices=2)
    play.ask("start-next")
    play.ask("JOB-0/update", status="IN_PROGRESS", expectedVersion=1, clientToken="t")
    play.ask("JOB-0/update", status="FAILED", expectedVersion=2, then=2)
    play.ask("JOB-0/update", status="SUCCEEDED")
    play.ask("JOB-0/get")


def two_jobs_in_order(play: Play) -> None:
    play.queue(0, notices=2)
    play.queue(1, notices=1)  # the first one stays first
    play.ask("get")
    play.ask("start-next")
    play.ask("JOB-0/update", status="REJECTED", statusDetails={"r": "sig"}, then=2)
    play.ask("start-next")
    play.ask("JOB-1/update", status="SUCCEEDED", then=2)


def cancelled_while_queued(play: Play) -> None:
    play.queue(0, notices=2)
    play.service.cancel(play.jobs[0])
    play.hear(2)
    play.ask("start-next")
    play.ask("JOB-0/update", status="SUCCEEDED")


def cancelled_by_force_in_progress(play: Play) -> None:
    play.queue(0, notices=2)
    play.ask("start-next")
    play.service.cancel(play.jobs[0], force=True)
    play.hear(2)
    play.ask("JOB-0/update", status="SUCCEEDED")


def deleted_in_progress(play: Play) -> None:
    play.queue(0, notices=2)
    play.ask("start-next")
    play.service.delete(play.jobs[0])
    play.hear(2)
    play.ask("JOB-0/update", status="SUCCEEDED")


def requests_that_are_not_valid(play: Play) -> None:
    play.queue(0, notices=2)
    play.say("start-next", b"{not json")
    play.say("start-next", b"[]")
    play.say("start-next", b"\xff\xfe")
    play.ask("JOB-0/update", status="DONE")
    play.ask("JOB-0/update", clientToken="t")
    play.ask("JOB-0/update", status="QUEUED")
    play.ask("JOB-0/update", status="TIMED_OUT")
    play.ask("JOB-0/update", status="IN_PROGRESS", expectedVersion="x")
    play.ask("start-next", statusDetails={"a": 1})
    play.ask("start-next", statusDetails="a")
    play.ask("JOB-0/get", executionNumber=7)


def an_empty_payload(play: Play) -> None:
    play.say("get", b"")
    play.say("start-next", b"")


PLAYS = [
    an_idle_thing,
    a_job_from_end_to_end,
    stale_versions_and_second_reports,
    two_jobs_in_order,
    cancelled_while_queued,
    cancelled_by_force_in_progress,
    deleted_in_progress,
    requests_that_are_not_valid,
    an_empty_payload,
]


@pytest.mark.parametrize("play", PLAYS, ids=lambda each: each.__name__)
def test_both_services_say_the_same(both_jobs: Any, play: Any) -> None:
    told = []
    for service in both_jobs:
        with service.device() as device:
            run = Play(service, device)
            play(run)
            told.append(run.told)
    for step, (ours, theirs) in enumerate(zip(*told, strict=True)):
        assert ours == theirs, f"step {step}"
