"""What only the lab's Jobs service does: faults on demand, timers, and the order of AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rootlet.lab import Hierarchy, Lab
from rootlet.lab.broker import find_mosquitto
from rootlet.lab.jobs import JobError, JobService

if TYPE_CHECKING:
    from fixtures_jobs import LabJobs

#: mosquitto is tested too where it is installed; its absence leaves the same tests on amqtt.
BROKERS = ["amqtt", *(["mosquitto"] if find_mosquitto() else [])]
DOCUMENT = {"do": "rotate"}


@pytest.fixture(params=BROKERS)
def jobs(request, lab_pki):
    from fixtures_jobs import LabJobs  # noqa: PLC0415 - a plugin module, rewritten by pytest

    with Lab(pki=lab_pki, broker=request.param) as lab, JobService(lab.broker_socket) as service:
        yield LabJobs(lab, service)


def queued(jobs, device, *ids):
    for number, job_id in enumerate(ids):
        jobs.create(job_id, DOCUMENT, device.thing)
        device.hear(1 if number else 2)


def test_what_is_in_progress_is_handed_out_before_what_is_older(jobs):
    """StartNextPendingJobExecution: IN_PROGRESS first, then in the order of creation."""
    with jobs.device() as device:
        queued(jobs, device, "older", "later")
        device.ask("later/update", {"status": "IN_PROGRESS"})
        _, told = device.ask("start-next", {})
        assert told["execution"]["jobId"] == "later"


def test_a_notice_may_come_twice(jobs):
    with jobs.device() as device:
        queued(jobs, device, "a")
        jobs.service.notify_again(device.thing)
        ((topic, told),) = device.hear()
        assert (topic, told["execution"]["jobId"]) == ("notify-next", "a")


def test_an_answer_may_be_lost_after_the_service_has_done_it(jobs):
    with jobs.device() as device:
        queued(jobs, device, "a")
        device.ask("start-next", {})
        jobs.service.lose_next()
        device.send("a/update", {"status": "SUCCEEDED"})
        assert {topic for topic, _ in device.hear(2)} == {"notify", "notify-next"}
        topic, told = device.ask("a/update", {"status": "SUCCEEDED"})
        assert (topic, told["code"]) == ("a/update/rejected", "InvalidStateTransition")
        assert told["executionState"]["status"] == "SUCCEEDED"


@pytest.mark.parametrize("code", ["RequestThrottled", "InternalError"])
def test_a_request_may_be_refused_and_then_taken(jobs, code):
    with jobs.device() as device:
        queued(jobs, device, "a")
        jobs.service.refuse_next(code)
        topic, told = device.ask("start-next", {})
        assert (topic, told["code"]) == ("start-next/rejected", code)
        assert device.ask("start-next", {})[0] == "start-next/accepted"


def test_a_second_device_hears_nothing_of_the_first(jobs):
    with jobs.device() as one, jobs.device() as other:
        queued(jobs, one, "a")
        one.ask("start-next", {})
        assert other.hears_nothing()


def test_a_step_timer_ends_the_execution_and_says_so(lab):
    """One minute is the shortest step; the clock is brought forward, not waited for."""
    from fixtures_jobs import LabJobs  # noqa: PLC0415 - a plugin module, rewritten by pytest

    clock = [1_800_000_000.0]
    with JobService(lab.broker_socket, lambda: clock[0]) as service:
        jobs = LabJobs(lab, service)
        with jobs.device() as device:
            queued(jobs, device, "a")
            _, told = device.ask("start-next", {"stepTimeoutInMinutes": 1})
            assert told["execution"]["approximateSecondsBeforeTimedOut"] == 60
            clock[0] += 61
            assert {topic for topic, _ in device.hear(2)} == {"notify", "notify-next"}
            found = service.execution("a", device.thing)
            assert (found.status, found.history) == ("TIMED_OUT", ["QUEUED", "IN_PROGRESS"])


def test_a_timer_is_cleared_by_minus_one(lab_jobs: LabJobs):
    with lab_jobs.device() as device:
        queued(lab_jobs, device, "a")
        device.ask("start-next", {"stepTimeoutInMinutes": 5})
        device.ask("a/update", {"status": "IN_PROGRESS", "stepTimeoutInMinutes": -1})
        _, told = device.ask("a/get", {})
        assert "approximateSecondsBeforeTimedOut" not in told["execution"]


@pytest.mark.parametrize(
    ("request_", "members"),
    [
        ("a/update", {"status": "IN_PROGRESS", "stepTimeoutInMinutes": 0}),
        ("a/update", {"status": "IN_PROGRESS", "stepTimeoutInMinutes": 10_081}),
        ("a/update", {"status": "IN_PROGRESS", "expectedVersion": True}),
        ("start-next", {"statusDetails": {"k": "v" * 1_025}}),
        ("start-next", {"statusDetails": {"no space": "v"}}),
        ("start-next", {"statusDetails": {"k": "bell\a"}}),
    ],
)
def test_a_member_beyond_its_limits_is_refused(lab_jobs: LabJobs, request_, members):
    with lab_jobs.device() as device:
        queued(lab_jobs, device, "a")
        topic, told = device.ask(request_, members)
        assert (topic, told["code"]) == (f"{request_}/rejected", "InvalidRequest")


def test_next_cannot_be_updated(lab_jobs: LabJobs):
    with lab_jobs.device() as device:
        _, told = device.ask("$next/update", {"status": "SUCCEEDED"})
        assert told["code"] == "InvalidTopic"


def test_nesting_without_end_is_refused(lab_jobs: LabJobs):
    with lab_jobs.device() as device:
        assert device.ask("get", b"[" * 100_000)[1]["code"] == "InvalidJson"


def test_a_job_is_queued_once_for_a_thing(lab_jobs: LabJobs):
    lab_jobs.create("a", DOCUMENT, "thing")
    with pytest.raises(JobError, match="exists"):
        lab_jobs.create("a", DOCUMENT, "thing")


def test_the_service_ends_with_its_block_and_can_start_again(lab_pki: Hierarchy):
    with Lab(pki=lab_pki, broker="amqtt") as lab:
        for _ in range(2):
            with JobService(lab.broker_socket) as service:
                service.create("a", DOCUMENT, "thing")
