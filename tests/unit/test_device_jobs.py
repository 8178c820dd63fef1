"""What a device does with jobs, whatever goes wrong between it and the service.

The device is ``urootlet.rotation`` with ``urootlet.jobs``, the service is the lab's;
``test_jobs_live.py`` has both on a real broker, with ministack as the oracle.
"""

import itertools
import json
import tracemalloc
from pathlib import Path
from unittest.mock import patch

import pytest

import rootlet
from jobs_world import LOST, THING, UNANSWERED, FleetDevice, document, reasons, statuses
from keyset_cases import Set
from rotation_world import (
    CA1,
    CA3,
    DAY,
    KEYS_1,
    KEYS_2,
    NEW,
    OLD,
    POWER_ON,
    REVOKE,
    PowerCut,
    Server,
    keys,
    offered,
)
from urootlet import jobs
from urootlet.errors import Error
from urootlet.jobs import Jobs

VECTORS = Path(__file__).parents[1] / "assets" / "vectors"
#: Refusals that may pass, and those that say that this execution is over or another one by now.
PASSING = ("RequestThrottled", "InternalError", "ResourceNotFound")
OVER = ("VersionMismatch", "InvalidStateTransition", "TerminalStateReached")


@pytest.fixture
def device():
    """A device of Root CA 1 at a server that has moved to Root CA 3, as NEW trusts it."""
    with FleetDevice(offered((CA1, CA3), 1)) as made:
        made.link.server = Server(CA3)
        yield made


@pytest.fixture
def early(device):
    """The server has not moved: NEW does not work yet."""
    device.link.server = Server(CA1)
    return device


class TestAGoodBundle:
    def test_is_tried_with_the_next_connection_and_told_over_it(self, device):
        job = device.queue("a", NEW)
        assert device.session()
        assert (job.status, job.details["phase"]) == ("IN_PROGRESS", "trial")
        assert not device.session()
        assert statuses(job) == ["QUEUED", *["IN_PROGRESS"] * 2, "SUCCEEDED"]
        assert job.details["reason"] == "confirmed"
        assert job.details["sequence"] == "2"
        assert device.active == NEW

    def test_costs_the_fewest_requests(self, device):
        device.queue("a", NEW)
        device.until_quiet()
        assert device.requests == [
            *("$next/get", "a/update", "a/update"),
            *("$next/get", "a/update", "$next/get"),
        ]

    def test_that_comes_while_the_device_is_connected_is_noticed(self, device):
        assert not device.session()
        device.queue("a", NEW)
        assert device.work()

    def test_that_it_has_already_is_told_at_once(self, device):
        device.rotate(NEW, CA3)
        job = device.queue("a", NEW)
        assert not device.session()
        assert reasons([job]) == [("SUCCEEDED", "already")]

    def test_that_cuts_the_old_set_off_is_told_too(self, device):
        job = device.queue("a", offered((CA3,), 2, flags=REVOKE))
        device.until_quiet()
        assert reasons([job]) == [("SUCCEEDED", "confirmed")]

    def test_that_came_by_other_ways_meanwhile_is_tried_once(self, device):
        device.session()
        assert device.offer(NEW) == ""
        job = device.queue("a", NEW)
        assert device.work()
        device.until_quiet()
        assert reasons([job]) == [("SUCCEEDED", "confirmed")]
        assert [name for name, _ in device.told].count("on_trial") == 1

    def test_brings_the_key_sets_before_it(self, device):
        newest = offered((CA3,), 1, key_set=2)
        job = device.queue("a", document(newest, keys(KEYS_1), keys(KEYS_2)))
        device.until_quiet()
        assert reasons([job]) == [("SUCCEEDED", "confirmed")]
        assert device.shadow["key_set"] == 2

    def test_skips_key_sets_that_it_has_left_behind(self, device):
        assert device.offer(keys(KEYS_2)) == ""
        newest = offered((CA3,), 1, key_set=2)
        job = device.queue("a", document(newest, keys(KEYS_1), keys(KEYS_2)))
        device.until_quiet()
        assert reasons([job]) == [("SUCCEEDED", "confirmed")]

    def test_brings_eight_key_sets_and_no_more(self, device):
        newest = offered((CA3,), 1, key_set=2)
        job = device.queue("a", document(newest, *[keys(KEYS_1)] * 8, keys(KEYS_2)))
        device.until_quiet()
        assert reasons([job]) == [("REJECTED", "old")]

    def test_of_keys_that_it_lacks_is_refused(self, device):
        job = device.queue("a", offered((CA3,), 1, key_set=2))
        device.until_quiet()
        assert reasons([job]) == [("REJECTED", "old")]
        assert "key set 2, not 1" in job.details["detail"]


class TestABundleThatDoesNotWorkYet:
    def test_is_reported_as_parked_and_the_old_set_serves(self, early):
        job = early.queue("a", NEW)
        early.until_quiet()
        assert reasons([job]) == [("FAILED", "parked")]
        assert job.details["detail"] == "parked: only the old set works"
        assert job.details["attempts"] == "1"
        assert early.active != NEW
        assert early.shadow["state"] == "parked"

    def test_is_tried_later_without_any_job_and_the_shadow_tells(self, early):
        job = early.queue("a", NEW)
        early.until_quiet()
        early.link.server = Server(CA3)
        assert not early.work()
        early.later(900 + 225)
        assert early.work()  # the back-off is over: it wants to connect again, by itself
        assert not early.session()
        assert early.shadow == {
            "key_set": 1,
            "sequence": 2,
            "active": job.details["bundle"],
            "state": "idle",
            "reason": "confirmed",
            "version": rootlet.__version__,
        }
        assert job.status == "FAILED"  # what was told is final

    def test_is_not_tried_over_and_over_when_the_trial_cannot_even_begin(self, early):
        early.queue("a", NEW)
        early.until_quiet()
        early.later(901)
        early.flash.broken = True
        assert not early.session()

    def test_devices_that_were_offered_it_in_the_same_second_come_back_in_others(self, early):
        early.queue("a", NEW)
        early.until_quiet()
        parked = early.clock
        seen = []
        for number in range(50):
            early.set(parked)
            early.link.config.thing = f"pump-{number}"
            early.jobs = Jobs(early.trust)
            while not early.jobs.ready:
                early.later(1)
            seen.append(early.clock - parked)
        assert 900 <= min(seen) < 930
        assert 1080 < max(seen) < 1125  # a quarter more
        assert len(set(seen)) > 35

    def test_and_again_on_the_next_day_of_a_connection_that_lasts(self, early):
        early.queue("a", NEW)
        early.until_quiet()
        early.later(900 + 225)
        early.flash.broken = True
        assert not early.session()
        early.flash.broken = False
        early.later(DAY - 2)
        assert not early.work()
        early.later(2)
        assert early.work()
        early.link.server = Server(CA3)
        assert not early.session()
        assert early.active == NEW

    def test_a_board_that_has_lost_its_clock_goes_by_the_days_of_its_connections(self, early):
        """Chance says no at its start, and nothing but the candidate makes it connect again."""
        early.later(40 * DAY)
        early.queue("a", NEW)
        early.until_quiet()
        early.set(POWER_ON)
        early.boot()
        early.link.server = Server(CA3)
        with patch("urootlet.rotation.urandom", return_value=b"\xff"):
            for _ in range(2):
                assert not early.session()
                assert early.active != NEW
                early.later(DAY + DAY // 4)
                assert early.work()
            assert not early.session()
        assert early.active == NEW

    def test_a_second_job_for_it_does_not_hurry_it(self, early):
        early.queue("a", NEW)
        early.until_quiet()
        trials = [name for name, _ in early.told].count("on_trial")
        again = early.queue("b", NEW)
        early.until_quiet()
        assert reasons([again]) == [("FAILED", "parked")]
        assert [name for name, _ in early.told].count("on_trial") == trials

    def test_leaves_room_for_the_next(self, early):
        first = early.queue("a", NEW)
        early.until_quiet()
        second = early.queue("b", offered((CA1, CA3), 3))
        early.until_quiet()
        assert reasons([first, second]) == [("FAILED", "parked"), ("SUCCEEDED", "confirmed")]

    def test_that_cannot_be_loaded_any_more_is_told_so(self, early):
        job = early.queue("a", NEW)
        assert early.session()

        def full(found):
            raise Error("HEAP", "anchors")

        context, early.link.context = early.link.context, full
        assert not early.session()
        assert reasons([job]) == [("FAILED", "untried")]
        early.link.context = context


class TestARefusal:
    @pytest.mark.parametrize(
        ("offer", "reason"),
        [
            (offered((CA3,), 0), "sig"),
            (offered((CA3,), 2, signed=(5, 6)), "sig"),
            (offered((CA3,), 2, target="valves"), "target"),
            (offered((CA3,), 1), "old"),
            (offered((CA3,), 1002), "old"),
            (NEW[:-1], "fmt"),
            (b"", "fmt"),
            ((VECTORS / "no-anchors.rlt").read_bytes(), "fmt"),
        ],
        ids=[
            *("unsigned", "strangers", "another fleet", "old", "too far", "cut off", "empty"),
            "without anchors",
        ],
    )
    def test_says_why_and_changes_no_byte(self, device, offer, reason):
        device.session()
        before = dict(device.flash.files)
        job = device.queue("a", document(offer))
        device.work()
        assert reasons([job]) == [("REJECTED", reason)]
        assert device.flash.files == before
        assert [name for name, _ in device.told] == ["on_error"]

    def test_without_keys_is_about_signatures(self):
        with FleetDevice(OLD, (b"", b"")) as device:
            job = device.queue("a", NEW)
            device.until_quiet()
            assert reasons([job]) == [("REJECTED", "sig")]

    def test_of_a_fourth_bundle_in_a_day_may_be_tried_again(self, early):
        jobs = [early.queue(f"{n}", offered((CA3,), n)) for n in range(2, 6)]
        early.until_quiet(8)
        assert reasons(jobs) == [*[("FAILED", "parked")] * 3, ("FAILED", "busy")]
        early.later(DAY)
        again = early.queue("again", offered((CA3,), 5))
        early.until_quiet()
        assert reasons([again]) == [("FAILED", "parked")]

    def test_for_what_fails_here_is_for_good(self, early):
        job = early.queue("a", NEW)
        assert early.session()

        def broken(found):
            raise Error("FORMAT", "suites")

        early.link.context = broken
        early.trust.flow().send(None)  # the trial finds it out; power goes before the job is told
        early.boot()
        assert not early.session()
        assert reasons([job]) == [("REJECTED", "bad")]

    def test_for_want_of_memory_may_be_tried_again(self, device, monkeypatch):
        def full(data):
            raise MemoryError

        job = device.queue("a", NEW)
        monkeypatch.setattr(device.trust, "offer", full)
        assert not device.session()
        assert reasons([job]) == [("FAILED", "heap")]

    def test_for_a_worn_flash_may_be_tried_again(self, device):
        device.session()
        job = device.queue("a", NEW)
        device.flash.broken = True
        device.work()
        assert reasons([job]) == [("FAILED", "flash")]


class TestAHostileDocument:
    @pytest.mark.parametrize(
        "hostile",
        [
            {},
            {"rootlet": 2, "bundle": "AAAA"},
            {"rootlet": 1},
            {"rootlet": 1, "bundle": 7},
            {"rootlet": 1, "bundle": None},
            {"rootlet": 1, "bundle": ["AAAA"]},
            {"rootlet": 1, "bundle": "%%%%"},
            {"rootlet": 1, "bundle": "AAAAA"},
            {"rootlet": 1, "bundle": "ä" * 100},
            {"rootlet": 1, "bundle": "A" * 30_000},
            {"rootlet": 1, "bundle": "AAAA", "keys": "AAAA"},
            {"rootlet": 1, "bundle": "AAAA", "keys": {"a": 1}},
            {"rootlet": 1, "bundle": "AAAA", "keys": [1, 2]},
            {"rootlet": 1, "bundle": "AAAA", "keys": ["A" * 30_000]},
            {"rootlet": {"a": {"b": []}}, "bundle": {}},
        ],
        ids=lambda value: json.dumps(value)[:40],
    )
    def test_is_refused_by_its_form(self, device, hostile):
        device.session()
        before = dict(device.flash.files)
        job = device.queue("a", hostile)
        device.work()
        assert reasons([job]) == [("REJECTED", "fmt")]
        assert device.flash.files == before

    @pytest.mark.parametrize("rootlet", [0, 2, "1", None])
    def test_of_another_version_is_refused_though_its_bundle_is_good(self, device, rootlet):
        job = device.queue("a", document(NEW) | {"rootlet": rootlet})
        device.until_quiet()
        assert reasons([job]) == [("REJECTED", "fmt")]
        assert device.candidate is None

    def test_with_a_key_set_of_strangers_is_refused_whole(self, device):
        strangers = keys(Set(2, 2, (3, 4, 5), (3, 4)))
        job = device.queue("a", document(NEW, strangers))
        device.until_quiet()
        assert reasons([job]) == [("REJECTED", "sig")]
        assert device.candidate is None

    @pytest.mark.parametrize("found", [None, [], "x", 7, [document(NEW)]])
    def test_that_is_no_object_is_refused(self, device, found):
        job = device.queue("a", NEW)
        whole = device.hand_over

        def hostile(topic, told):
            if "jobDocument" in told:
                told["jobDocument"] = found
            return whole(topic, told)

        device.hand_over = hostile
        device.until_quiet()
        assert reasons([job]) == [("REJECTED", "fmt")]

    def test_holds_a_file_as_long_as_the_longest_key_set_and_no_longer(self):
        assert jobs._decode("A" * 8192) == bytes(6144)
        with pytest.raises(Error) as refused:
            jobs._decode("A" * 8192 + "\n")
        assert refused.value.code == "FORMAT"

    def test_comes_in_a_message_of_36_kib_and_no_longer(self):
        longest = b'{"a": 1' + b" " * (36 * 1024 - 8) + b"}"
        assert jobs._parse(longest) == {"a": 1}
        assert jobs._parse(longest + b" ") == {}

    def test_says_nothing_but_its_bytes(self, device):
        """Rule 9: no endpoint, no URL and no force flag of a job is ever looked at."""
        hostile = document(NEW) | {
            "endpoint": "evil.example",
            "recovery": ["http://evil.example"],
            "force": True,
            "sequence": 9,
            "target": "valves",
        }
        job = device.queue("a", hostile)
        device.until_quiet()
        assert reasons([job]) == [("SUCCEEDED", "confirmed")]
        assert device.shadow["sequence"] == 2

    def test_does_not_wear_out_the_flash_with_many_key_sets(self, device):
        job = device.queue("a", document(NEW, *[keys(KEYS_1)] * 11))
        device.until_quiet()
        assert job.status == "SUCCEEDED"
        assert len(device.flash.writes) < 16

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"not JSON",
            b"[" * 30_000,
            b'{"a":' * 6_000,
            b"[]",
            b"7",
            b"\xff\xfe",
            b"{" + b" " * 120_000 + b"}",
        ],
        ids=["empty", "words", "arrays", "objects", "array", "number", "not UTF-8", "huge"],
    )
    def test_that_cannot_be_read_is_given_up_after_three_attempts(self, device, answer):
        job = device.queue("a", NEW)
        whole = device.hand_over

        def garble(topic, told):
            asked = topic == f"$aws/things/{THING}/jobs/a/update/accepted"
            return whole(topic, answer if asked and "jobDocument" in told else told)

        device.hand_over = garble
        device.until_quiet()
        assert reasons([job]) == [("FAILED", "unread")]
        assert statuses(job).count("IN_PROGRESS") == 3

    @pytest.mark.parametrize(
        "execution",
        [
            *(None, [], "x", 7, {}, {"jobId": 7, "versionNumber": 1}, {"jobId": "a"}),
            {"jobId": ["a"], "versionNumber": "1", "statusDetails": {"attempts": "3"}},
            *({"jobId": "a", "versionNumber": one} for one in (None, "1", 0, -1, 1 << 30)),
            *(
                {"jobId": one, "versionNumber": 1}
                for one in ("", "+", "#", "a/b", "a+", "\ud800", "a" * 65)
            ),
        ],
    )
    def test_an_execution_of_no_sense_does_no_harm(self, device, execution):
        device.session()
        device.notify()
        topic, message = device.jobs.due()
        token = json.loads(message)["clientToken"]
        device.hand_over(
            f"{topic.decode()}/accepted", {"clientToken": token, "execution": execution}
        )
        assert device.jobs.due() is None  # there is no topic for it
        job = device.queue("good", NEW)
        device.until_quiet()
        assert reasons([job]) == [("SUCCEEDED", "confirmed")]

    @pytest.mark.parametrize("version", [1, (1 << 30) - 1])
    def test_an_execution_may_have_any_name_that_aws_gives_one(self, version):
        for job in ("a", "rl-pumps_1-1-2-add-c", "A0-_" * 16):
            assert jobs._is_execution({"jobId": job, "versionNumber": version})

    @pytest.mark.parametrize("details", [None, [], "x", {"bundle": 7, "attempts": []}])
    def test_details_of_no_sense_are_forgotten(self, device, details):
        job = device.queue("a", NEW)
        job.become("IN_PROGRESS", device.clock)
        whole = device.hand_over

        def hostile(topic, told):
            if topic.endswith("$next/get/accepted") and job.version == 2:
                told["execution"]["statusDetails"] = details
            return whole(topic, told)

        device.hand_over = hostile
        device.until_quiet()
        assert job.status == "SUCCEEDED"

    def test_takes_little_memory_however_large_it_is(self, device):
        device.session()
        huge = b'{"execution": [' + b"[1]," * 30_000 + b"1]}"
        text = "A" * 30_000
        tracemalloc.start()
        device.hand_over(f"$aws/things/{THING}/jobs/$next/get/accepted", huge)
        with pytest.raises(Error):
            jobs._decode(text)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 10_000


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


class TestADeviceThatSleeps:
    def test_knows_when_nothing_is_left_to_do(self, device):
        assert device.connect() == ""
        device.jobs = Jobs(device.trust)
        assert device.jobs.busy
        device.work()
        assert not device.jobs.busy


class TestTheClient:
    """What the module asks of a client with the methods of ``umqtt.simple``."""

    class Umqtt:
        def __init__(self, ends=None):
            self.subscribed, self.published, self._ends = [], [], ends

        def set_callback(self, callback):
            self.callback = callback

        def subscribe(self, topic, qos):
            self.subscribed.append((topic, qos))
            if self._ends:
                raise self._ends

        def check_msg(self):
            if self._ends:
                raise self._ends

        def publish(self, topic, message):
            self.published.append(topic)

    def test_it_subscribes_to_two_topics_of_its_thing(self, device):
        client = self.Umqtt()
        Jobs(device.trust, client)
        prefix = b"$aws/things/pump-7/jobs/"
        assert client.subscribed == [(prefix + b"notify", 1), (prefix + b"+/+/+", 1)]

    def test_a_poll_publishes_one_message(self, device):
        client = self.Umqtt()
        jobs = Jobs(device.trust, client)
        assert [jobs.poll() for _ in range(3)] == [False] * 3
        assert client.published == [
            b"$aws/things/pump-7/shadow/name/rootlet/update",
            b"$aws/things/pump-7/jobs/$next/get",
        ]

    def test_its_messages_are_heard_and_a_poll_tells_when_to_connect_again(self, early):
        early.queue("a", NEW)
        early.until_quiet()
        client = self.Umqtt()
        jobs = Jobs(early.trust, client)
        assert client.callback == jobs.heard
        assert not jobs.poll()
        early.later(900 + 225)
        assert jobs.poll()  # the back-off of the candidate is over

    def test_a_server_that_hangs_up_on_the_topic_is_told_by_its_code(self, device):
        with pytest.raises(Error) as refused:
            Jobs(device.trust, self.Umqtt(OSError(-1)))
        assert refused.value.code == "TOPIC"

    def test_a_message_without_end_costs_the_connection_not_the_program(self, device):
        client = self.Umqtt()
        jobs = Jobs(device.trust, client)
        client._ends = MemoryError()
        with pytest.raises(OSError, match="no memory"):
            jobs.poll()
