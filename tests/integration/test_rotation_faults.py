"""Faults of the network, the clock and the power while a candidate is on trial, over real TLS.

Families F12 to F19 of the design. After each fault the active set is what it was, nothing is
banned, and with the fault gone the device ends on the new set.
"""

import threading
import time

import pytest

from rotation_device import ECC, RECENT, RSA, RotatingDevice, anchors, serving
from rotation_world import CREATED, POWER_ON, offered

YEAR_2021 = 1_609_459_200  # what an RP2 shows at power on
BOTH = ["micropython", "cpython"]
NOTHING = "00" * 8
LOOK = ("status", "active", "banned", "hooked")


def made(lab, sequence, *roots, created=RECENT, **options):
    return offered(anchors(lab.pki, *roots), sequence, created=created, **options)


def device_on(interpreter, folder, lab, **settings):
    return RotatingDevice(interpreter, folder).prepare(lab, (RSA, ECC), **settings)


def ends_on(device, data):
    """The next start, a day later and with a good link, ends on these bytes."""
    results = device.take("later 90000", "connect", "say hello", "leave", "active", "status")
    assert results[-2:] == [data.hex(), "idle"]
    return results


#: Faults of the front, and what the trial reports of each.
FACES: dict[str, tuple[dict[str, object], str]] = {
    "another root": ({"root": "proxy"}, "ROOT"),
    "a look-alike of the root": ({"root": "lookalike"}, "ROOT"),
    "a leaf that has ended": ({"leaf_validity": "expired"}, "EXPIRED"),
    "a leaf that has not begun": ({"leaf_validity": "future"}, "CLOCK"),
    "an issuing CA that has ended": ({"issuing_validity": "expired"}, "EXPIRED"),
    "an issuing CA that has not begun": ({"issuing_validity": "future"}, "CLOCK"),
    "another host's name": ({"leaf_domain": "iot.us-east-1.amazonaws.com"}, "NAME"),
    "a reset before ServerHello": ({"fault": "reset:hello"}, "NET"),
    "a reset in the certificates": ({"fault": "reset:certificate"}, "NET"),
    "a reset before Finished": ({"fault": "reset:finished"}, "CLIENTCERT"),
    "a reset before CONNACK": ({"fault": "reset:connack"}, "POLICY"),
    "a stall at accept": ({"fault": "stall:accept"}, "NET"),
    "a stall before ServerHello": ({"fault": "stall:hello"}, "NET"),
    "a stall in the certificates": ({"fault": "stall:certificate"}, "NET"),
    "a stall before Finished": ({"fault": "stall:finished"}, "NET"),
    "CONNACK 5": ({"fault": "refuse:connack"}, "POLICY"),
    "CONNACK lost": ({"fault": "close:connack"}, "POLICY"),
    "a client certificate that is not known": ({"knows_client": False}, "CLIENTCERT"),
}
#: OpenSSL and paho-mqtt run the same rotation: what they report on their own is tried there too.
ON_A_GATEWAY = (
    "another root",
    "a leaf that has ended",
    "another host's name",
    "a reset before Finished",
    "a stall in the certificates",
    "CONNACK 5",
    "CONNACK lost",
)


class TestF14FaultsOfTheServer:
    @pytest.mark.parametrize(
        ("fault", "interpreter"),
        [
            *((fault, "micropython") for fault in FACES),
            *((fault, "cpython") for fault in ON_A_GATEWAY),
        ],
    )
    def test_during_the_trial_park_it_and_ban_nothing(self, lab, tmp_path, interpreter, fault):
        face, code = FACES[fault]
        device = device_on(interpreter, tmp_path, lab, timeout=1)
        new = device.carry("new.rlt", made(lab, 2, ECC))
        with lab.showing(**face):
            results = device.take(
                "offer new.rlt", "connect", "status", "active", "banned", "hooked"
            )
        assert results[:5] == ["new", f"E-{code}", "parked", device.flash.hex(), NOTHING]
        assert results[5][:2] == [["on_trial"], ["on_error", code]]
        device.configure(timeout=5)
        ends_on(device, new)

    @pytest.mark.parametrize("interpreter", BOTH)
    @pytest.mark.parametrize(("validity", "code"), [("expired", "EXPIRED"), ("future", "CLOCK")])
    def test_an_anchor_with_such_dates_is_parked_and_the_old_set_serves(
        self, lab, tmp_path, interpreter, validity, code
    ):
        device = device_on(interpreter, tmp_path, lab)
        dead = offered(anchors(lab.pki, ECC, validity=validity), 2, created=RECENT)
        device.carry("dead.rlt", dead)
        new = device.carry("new.rlt", made(lab, 3, ECC))
        results = device.take("offer dead.rlt", "connect", "leave", "status", "active", "hooked")
        assert results[3:5] == ["parked", device.flash.hex()]
        assert results[5][1] == ["on_error", code]
        results = device.take("offer new.rlt", "connect", "leave", "active")
        assert results[-1] == new.hex()

    @pytest.mark.parametrize("interpreter", BOTH)
    def test_nobody_there(self, lab, tmp_path, interpreter):
        device = device_on(interpreter, tmp_path, lab)
        new = device.carry("new.rlt", made(lab, 2, ECC))
        with serving(lambda connection: None) as port:
            pass
        device.configure(port=port)
        results = device.take("offer new.rlt", "connect", "status", "reason")
        assert results == ["new", "E-NET", "parked", "parked: inconclusive"]
        device.configure(port=lab.port)
        ends_on(device, new)


class TestF12ClocksOfABoard:
    @pytest.mark.parametrize("clock", [POWER_ON, YEAR_2021, RECENT - 1, RECENT])
    def test_a_clock_before_the_floor_is_raised_for_the_trial(self, lab, tmp_path, clock):
        device = device_on("micropython", tmp_path, lab)
        new = device.carry("new.rlt", made(lab, 2, ECC))
        results = device.take("offer new.rlt", "connect", "leave", "active", "now", clock=clock)
        assert results[3] == new.hex()
        assert RECENT <= results[4] < RECENT + 60

    def test_a_floor_before_the_leaf_begins_is_a_clock_that_ntp_must_set(self, lab, tmp_path):
        device = device_on("micropython", tmp_path, lab)
        new = device.carry("new.rlt", made(lab, 2, ECC, created=CREATED))
        (tmp_path / "ta").write_bytes(made(lab, 1, RSA, ECC, created=CREATED))
        results = device.take(
            "offer new.rlt", "connect", "status", "banned", "now", clock=POWER_ON
        )
        assert results[1:4] == ["E-CLOCK", "parked", NOTHING]
        assert CREATED <= results[4] < CREATED + 60
        ends_on(device, new)

    def test_a_candidate_made_in_the_future_does_not_leave_the_clock_there(self, lab, tmp_path):
        device = device_on("micropython", tmp_path, lab)
        device.carry("late.rlt", made(lab, 2, ECC, created=4_000_000_000))
        results = device.take("offer late.rlt", "connect", "leave", "status", "active", "now")
        assert results[3:5] == ["parked", device.flash.hex()]
        assert abs(results[5] - time.time()) < 60

    def test_on_a_gateway_it_is_refused_by_the_clock_that_is_not_ours_to_set(self, lab, tmp_path):
        device = device_on("cpython", tmp_path, lab)
        device.carry("late.rlt", made(lab, 2, ECC, created=4_000_000_000))
        results = device.take("offer late.rlt", "connect", "leave", "status", "hooked")
        assert results[3] == "parked"
        assert results[4][1] == ["on_error", "CLOCK"]

    def test_a_clock_decades_ahead_is_not_believed_and_not_kept(self, lab, tmp_path):
        device = device_on("micropython", tmp_path, lab)
        new = device.carry("new.rlt", made(lab, 2, ECC))
        late = device.take("offer new.rlt", "connect", "status", clock=4_000_000_000)
        assert late[1:] == ["E-EXPIRED", "parked"]
        for _ in range(64):  # the clock went back: each start tries it with a chance of one in two
            results = device.take("connect", "leave", "active")
            if results[-1] == new.hex():
                break
        assert results[-1] == new.hex()


class TestF17And18PowerAndResets:
    @pytest.mark.parametrize("interpreter", BOTH)
    def test_gone_between_the_confirmation_and_the_report_there_is_no_second_trial(
        self, lab, tmp_path, interpreter
    ):
        device = device_on(interpreter, tmp_path, lab)
        new = device.carry("new.rlt", made(lab, 2, ECC))
        with lab.showing():
            device.take("offer new.rlt", "connect")  # it ends without a word to the broker
        results = device.take("connect", "say hello", "leave", "active", "hooked", "offer new.rlt")
        assert results[3:] == [new.hex(), [], "same"]

    @pytest.mark.parametrize("interpreter", BOTH)
    def test_a_reset_in_each_trial_ends_with_the_old_set_after_the_third(
        self, lab, tmp_path, interpreter
    ):
        device = device_on(interpreter, tmp_path, lab)
        new = device.carry("new.rlt", made(lab, 2, ECC))
        assert device.take("offer new.rlt") == ["new"]
        reached, over = threading.Event(), threading.Event()

        def hold(connection):
            reached.set()
            over.wait(20)

        with serving(hold) as port:
            device.configure(port=port)
            for _ in range(3):
                reached.clear()
                with device.start("connect") as process:
                    assert reached.wait(20)
                    process.kill()  # what a watchdog does
            over.set()
        device.configure(port=lab.port)
        results = device.take("connect", "leave", "status", "reason", "active", "hooked")
        assert results[2:] == ["parked", "spent", device.flash.hex(), []]
        ends_on(device, new)


class TestF19SeveralRotations:
    @pytest.mark.parametrize("interpreter", BOTH)
    def test_two_back_to_back_to_the_same_set_and_back(self, lab, tmp_path, interpreter):
        device = device_on(interpreter, tmp_path, lab)
        files = {
            "a": made(lab, 2, ECC),
            "b": made(lab, 3, RSA, ECC, "starfield-g2"),
            "same": made(lab, 4, RSA, ECC, "starfield-g2"),
            "back": made(lab, 5, RSA, ECC),
        }
        for name, data in files.items():
            device.carry(name, data)
        steps = [f"{step}" for name in files for step in _rotation(name)]
        results = device.take(*steps, "hooked")
        assert results[3:-1:5] == [data.hex() for data in files.values()]
        assert results[-1] == [["on_trial"], ["on_confirm"]] * 4
        assert device.take("offer a", "offer same", "offer back") == [
            "E-SEQUENCE",
            "E-SEQUENCE",
            "same",
        ]

    @pytest.mark.parametrize("interpreter", BOTH)
    def test_one_that_supersedes_another_before_its_trial(self, lab, tmp_path, interpreter):
        device = device_on(interpreter, tmp_path, lab)
        device.carry("a", made(lab, 2, "starfield-g2"))
        last = device.carry("b", made(lab, 3, ECC))
        results = device.take("offer a", "offer b", "connect", "leave", "active", "offer a")
        assert results[-2:] == [last.hex(), "E-SEQUENCE"]


def _rotation(name):
    return (f"offer {name}", "connect", "leave", "active", "later 90000")
