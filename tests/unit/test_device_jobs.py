"""What a device does with jobs; test_hostile_jobs.py and test_jobs_on_the_way.py go on.

The device is ``urootlet.rotation`` with ``urootlet.jobs``, the service is the lab's;
``test_jobs_live.py`` has both on a real broker, with ministack as the oracle.
"""

from unittest.mock import patch

import pytest

import rootlet
from jobs_world import document, moved_on, reasons, statuses
from rotation_world import (
    CA1,
    CA3,
    DAY,
    KEYS_1,
    KEYS_2,
    NEW,
    POWER_ON,
    REVOKE,
    Server,
    keys,
    offered,
)
from urootlet.errors import Error
from urootlet.jobs import Jobs


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
