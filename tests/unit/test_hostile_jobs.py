"""What a device refuses of a job, and what the service or a stranger may say without harm."""

import json
import tracemalloc
from pathlib import Path

import pytest

from jobs_world import THING, FleetDevice, document, moved_on, reasons, statuses
from keyset_cases import Set
from rotation_world import (
    CA1,
    CA3,
    DAY,
    KEYS_1,
    NEW,
    OLD,
    Server,
    keys,
    offered,
)
from urootlet import jobs
from urootlet.errors import Error

VECTORS = Path(__file__).parents[1] / "assets" / "vectors"


@pytest.fixture
def device():
    """A device of Root CA 1 at a server that has moved to Root CA 3, as NEW trusts it."""
    with moved_on() as made:
        yield made


@pytest.fixture
def early(device):
    """The server has not moved: NEW does not work yet."""
    device.link.server = Server(CA1)
    return device


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
