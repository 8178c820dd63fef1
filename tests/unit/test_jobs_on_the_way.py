"""What goes wrong between a device and the service of its jobs, and that it goes on."""

import itertools
import json

import pytest

from jobs_world import LOST, THING, UNANSWERED, moved_on, reasons, statuses
from rotation_world import (
    CA1,
    CA3,
    DAY,
    NEW,
    PowerCut,
    offered,
)
from urootlet.jobs import Jobs

#: Refusals that may pass, and those that say that this execution is over or another one by now.
PASSING = ("RequestThrottled", "InternalError", "ResourceNotFound")
OVER = ("VersionMismatch", "InvalidStateTransition", "TerminalStateReached")


@pytest.fixture
def device():
    """A device of Root CA 1 at a server that has moved to Root CA 3, as NEW trusts it."""
    with moved_on() as made:
        yield made


class TestWhatGoesWrongOnTheWay:
    """Faults F16 at every request of a job: the device ends on the new set, and says so."""

    CLEAN = 6  # requests of a job when nothing goes wrong

    @pytest.mark.parametrize("fault", [LOST, UNANSWERED, *PASSING, *OVER])
    @pytest.mark.parametrize("at", range(CLEAN))
    def test_any_request(self, device, at, fault):
        job = device.queue("a", NEW)
        device.faults.extend([""] * at + [fault])
        device.until_quiet()
        self.ended_well(device, job)

    @pytest.mark.parametrize("second", range(1, CLEAN))
    @pytest.mark.parametrize("first", range(CLEAN - 1))
    def test_any_two_requests(self, device, first, second):
        job = device.queue("a", NEW)
        device.faults.extend([""] * first + [UNANSWERED] + [""] * (second - 1) + [LOST])
        device.until_quiet()
        self.ended_well(device, job)

    def ended_well(self, device, job):
        assert device.active == NEW
        assert job.status == "SUCCEEDED"
        assert job.details["reason"] in ("confirmed", "already")
        assert [name for name, _ in device.told].count("on_trial") == 1

    def test_an_execution_that_changed_since_is_read_again(self, device):
        job = device.queue("a", NEW)
        assert device.connect() == ""
        device.jobs = Jobs(device.trust)
        device.jobs.due()
        topic, message = device.jobs.due()
        device._request(topic.decode(), message)
        job.version += 1  # by whomever
        assert not device.work()
        assert job.status == "QUEUED"
        device.until_quiet()
        assert job.status == "SUCCEEDED"

    @pytest.mark.parametrize("code", ["InvalidRequest", "InvalidJson", "InvalidTopic", "", "x"])
    def test_a_refusal_that_cannot_pass_is_not_asked_again(self, device, code):
        device.faults.extend([code or "Other"])
        device.queue("a", NEW)
        device.session()
        assert not device.jobs.busy
        device.later(DAY)
        assert not device.work()
        assert len(device.requests) == 1
        device.notify()  # until there is news
        assert device.work()

    @pytest.mark.parametrize(("fault", "waits"), [("RequestThrottled", 0), (UNANSWERED, 20)])
    def test_the_pause_grows(self, device, fault, waits):
        device.faults.extend([fault] * 12)
        device.queue("a", NEW)
        device.session()
        times = []
        while device.faults:
            before = len(device.requests)
            device.later(1)
            device.work()
            if len(device.requests) > before:
                times.append(device.clock)
        pauses = [after - before for before, after in itertools.pairwise(times)]
        assert pauses == sorted(pauses)
        assert waits < pauses[0] < waits + 10  # an answer has the time of a connection
        assert waits + 256 <= pauses[-1] <= waits + 512

    def test_a_clock_that_is_set_back_does_not_stop_it(self, device):
        device.faults.extend([LOST])
        device.queue("a", NEW)
        device.session()
        device.later(-DAY)
        device.work()
        assert device._wait()

    def test_the_same_notice_again_and_again(self, device):
        job = device.queue("a", NEW)
        device.session()
        for _ in range(5):
            device.notify()
            device.work()
        device.session()
        for _ in range(5):
            device.notify()
            device.work()
        assert statuses(job).count("SUCCEEDED") == 1
        assert len(device.requests) < 14

    def test_a_job_that_is_queued_while_the_device_asks(self, device):
        device.session()
        device.notify()
        asked = device.jobs.due()
        job = device.queue("a", NEW)  # its notice overtakes the answer that there is nothing
        told = {"clientToken": json.loads(asked[1])["clientToken"]}
        device.hand_over(f"{asked[0].decode()}/accepted", told)
        assert device.work()
        assert job.status == "IN_PROGRESS"

    def test_an_answer_to_an_earlier_request(self, device):
        device.queue("a", NEW)
        device.session()
        topic = f"$aws/things/{THING}/jobs/$next/get/accepted"
        assert device.hand_over(topic, {"clientToken": "1", "execution": {"jobId": "b"}})
        assert device.jobs.ready

    def test_a_late_answer_to_a_request_that_was_given_up(self, device):
        device.session()
        device.notify()
        topic, message = device.jobs.due()
        first = json.loads(message)["clientToken"]
        device.later(60)
        assert device.jobs.due() is None
        device.later(600)
        second = json.loads(device.jobs.due()[1])["clientToken"]
        assert first != second
        told = {"clientToken": first, "execution": {"jobId": "b", "versionNumber": 1}}
        assert device.hand_over(f"{topic.decode()}/accepted", told)
        assert device.jobs.due() is None  # it goes on waiting for the answer to the second

    def test_every_answer_twice(self, device):
        job = device.queue("a", NEW)
        whole = device.hand_over

        def again(topic, told):
            whole(topic, told)
            return whole(topic, told)

        device.hand_over = again
        device.until_quiet()
        assert reasons([job]) == [("SUCCEEDED", "confirmed")]
        assert [name for name, _ in device.told].count("on_trial") == 1

    def test_a_message_that_nobody_asked_for(self, device):
        device.session()
        assert device.hand_over(f"$aws/things/{THING}/jobs/notify", {})
        assert not device.hand_over("pumps/pump-7/set", {})

    @pytest.mark.parametrize("thing", ["pump-8", "pump", "pump-77"])
    def test_another_thing(self, device, thing):
        heard = []
        assert device.connect() == ""
        device.jobs = Jobs(device.trust, None, lambda *what: heard.append(what))
        assert not device.hand_over(f"$aws/things/{thing}/jobs/notify", {})
        assert len(heard) == 1

    def test_two_jobs_at_once(self, device):
        jobs = [device.queue("a", NEW), device.queue("b", offered((CA3,), 3))]
        device.until_quiet()
        assert reasons(jobs) == [("SUCCEEDED", "confirmed")] * 2

    def test_two_jobs_the_newer_first(self, device):
        jobs = [device.queue("b", offered((CA3,), 3)), device.queue("a", NEW)]
        device.until_quiet()
        assert reasons(jobs) == [("SUCCEEDED", "confirmed"), ("REJECTED", "old")]

    @pytest.mark.parametrize("moment", ["queued", "staged"])
    @pytest.mark.parametrize("end", ["cancel", "delete", "time out"])
    def test_a_job_that_ends_elsewhere(self, device, moment, end):
        """What was begun is finished: the candidate is tried, and is the active set."""
        job = device.queue("a", NEW)
        if moment == "staged":
            assert device.session()
        else:
            assert device.connect() == ""
            device.jobs = Jobs(device.trust)
            device.jobs.due()
            device._request(*[part.decode() for part in device.jobs.due()])
        self.end(device, job, end)
        device.notify()
        device.until_quiet()
        assert device.active == (NEW if moment == "staged" else offered((CA1, CA3), 1))
        assert job.status != "SUCCEEDED"
        follower = device.queue("b", NEW)
        device.until_quiet()
        assert follower.status == "SUCCEEDED"

    def end(self, device, job, how):
        if how == "cancel":
            device.store.cancel(THING, "a", device.clock, force=True)
        elif how == "delete":
            device.store.delete(THING, "a")
        else:
            job.time_out(device.clock)

    def test_a_device_that_starts_again_in_trial_tells_the_job(self, device):
        job = device.queue("a", NEW)
        assert device.session()
        device.boot()
        assert device.trust.status()["state"] == "trial"
        device.until_quiet()
        assert reasons([job]) == [("SUCCEEDED", "confirmed")]

    def test_a_device_that_is_wiped_in_trial_begins_anew(self, device):
        job = device.queue("a", NEW)
        assert device.session()
        for name in ("tb", "s0", "s1"):
            del device.flash.files[name]
        device.boot()
        device.until_quiet()
        assert job.status == "SUCCEEDED"

    @pytest.mark.parametrize("landed", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("cut", range(9))
    def test_the_power_at_any_write(self, device, cut, landed):
        job = device.queue("a", NEW)
        device.flash.cut, device.flash.landed = cut, landed
        with pytest.raises(PowerCut):
            device.until_quiet()
        device.boot()
        device.until_quiet()
        assert device.active == NEW
        assert job.status == "SUCCEEDED"

    def test_a_success_is_told_over_the_new_set_alone(self, device):
        """I10, when the network is lost between the confirm and the report."""
        job = device.queue("a", NEW)
        assert device.session()
        old = device.jobs
        device.connect()  # confirmed, and the connection is lost again
        assert device.active == NEW
        device.jobs = old  # the job's own messages, over the connection of the old set
        old._staged = False
        device.notify()
        device.work()
        assert job.status != "SUCCEEDED"
        device.until_quiet()
        assert job.status == "SUCCEEDED"
