"""A device's own certificate and key are replaced as its roots are: tried first, and never lost.

The device is in memory; the server takes the certificates that the test says.
"""

import errno
from contextlib import suppress
from unittest.mock import patch

import pytest

from rotation_world import (
    CA1,
    CA3,
    CREATED,
    DAY,
    NEW,
    POWER_ON,
    REVOKE,
    Board,
    PowerCut,
    Server,
    anchor,
    leaf,
    offered,
)
from urootlet.errors import Error
from urootlet.renewal import Renewal, split

OLD_CERT, NEW_CERT, NEXT_CERT = (leaf(CREATED + n) for n in range(3))
OLD_KEY, NEW_KEY, NEXT_KEY = (b"\x30\x03\x02\x01" + bytes((n,)) for n in range(3))
HURRY = 900
REVOKING = offered((CA3,), 2, flags=REVOKE)


class OwnedDevice(Board):
    """A board with a certificate; ``accepted`` are those that the server takes."""

    def __init__(self):
        super().__init__()
        self.accepted = [OLD_CERT]
        self.refusal = "CLIENTCERT"
        self.link.answer = self.answer
        self.link.cert, self.link.key = OLD_CERT, OLD_KEY
        self.hooked = []

    def boot(self):
        trust = super().boot()
        self.link.cert, self.link.key = self.flashed
        names = ("on_offer", "on_trial", "on_confirm", "on_parked", "on_error")
        hooks = {name: lambda *_, name=name: self.hooked.append(name) for name in names}
        self.renewal = Renewal(trust, hooks)
        return trust

    flashed = (OLD_CERT, OLD_KEY)

    def answer(self, found, _application):
        """The server refuses who has passed its own name and roots, as in TLS."""
        server = self.link.server
        held = [found.original(index) for index in range(len(found.anchors))]
        known = server.root and anchor(server.root).original in held
        return Error(self.refusal) if known and self.link.cert not in self.accepted else server

    def connect(self):
        try:
            self.renewal.connect()
        except Error as error:
            return error.code
        return ""

    @property
    def serves(self):
        """The certificate that the last connection was made with."""
        return self.link.cert


def fill(device, patch, writes):
    """Let the flash be full after so many writes."""
    write = device.flash.write
    left = iter(range(writes))

    def until_full(name, data):
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "no space")
        write(name, data)

    patch.setattr(device.flash, "write", until_full)


@pytest.fixture
def device():
    with OwnedDevice() as made:
        yield made


class TestANewPair:
    def test_is_tried_alone_and_confirmed_by_the_connection_that_works(self, device):
        device.accepted.append(NEW_CERT)
        assert device.renewal.offer(NEW_CERT, NEW_KEY)
        assert device.connect() == ""
        assert device.serves == NEW_CERT
        assert device.hooked == ["on_offer", "on_trial", "on_confirm"]
        assert device.renewal.active() == NEW_CERT + NEW_KEY
        assert device.renewal.previous() == OLD_CERT + OLD_KEY

    def test_is_what_the_device_has_after_a_reset(self, device):
        device.accepted[:] = [NEW_CERT]
        device.renewal.offer(NEW_CERT, NEW_KEY)
        device.connect()
        device.boot()
        assert device.serves == NEW_CERT
        assert device.connect() == ""

    def test_that_the_server_does_not_take_is_parked_and_the_old_one_serves(self, device):
        device.renewal.offer(NEW_CERT, NEW_KEY)
        assert device.connect() == ""
        assert device.serves == OLD_CERT
        assert device.hooked == ["on_offer", "on_trial", "on_error", "on_parked"]
        assert device.renewal.status()["state"] == "parked"

    def test_that_is_registered_late_is_confirmed_then(self, device):
        device.renewal.offer(NEW_CERT, NEW_KEY)
        device.connect()
        device.accepted.append(NEW_CERT)
        device.connect()
        assert device.serves == OLD_CERT  # the back-off is not over
        device.later(901)
        device.connect()
        assert device.serves == NEW_CERT

    def test_does_not_wait_for_its_back_off_when_the_old_one_was_cut_off_too_early(self, device):
        device.renewal.offer(NEW_CERT, NEW_KEY)
        for _ in range(3):
            device.connect()
            device.later(4 * 3_600)
        device.accepted[:] = [NEW_CERT]
        assert device.connect() == ""
        assert device.serves == NEW_CERT

    def test_that_chance_has_made_due_is_due_until_it_is_tried(self, device):
        """A gateway's agent asks whether one is, and only then connects anew."""
        device.renewal.offer(NEW_CERT, NEW_KEY)
        device.connect()
        device.accepted.append(NEW_CERT)
        device.clock = POWER_ON
        device.boot()
        with patch("urootlet.rotation.urandom", return_value=b"\x00"):
            assert device.renewal.ready
        assert device.renewal.ready
        assert device.connect() == ""
        assert device.serves == NEW_CERT

    def test_does_not_wear_out_the_flash_while_neither_is_taken(self, device):
        device.renewal.offer(NEW_CERT, NEW_KEY)
        device.accepted.clear()
        for _ in range(100):
            assert device.connect() == "CLIENTCERT"
            device.later(30)
        assert len(device.flash.writes) < 40

    def test_follows_another(self, device):
        for cert, key in ((NEW_CERT, NEW_KEY), (NEXT_CERT, NEXT_KEY)):
            device.accepted[:] = [device.serves, cert]
            assert device.renewal.offer(cert, key)
            assert device.connect() == ""
        assert device.serves == NEXT_CERT
        assert device.renewal.previous() == NEW_CERT + NEW_KEY

    def test_of_before_is_told_only_once_it_is_replaced(self, device):
        """It is what a gateway's agent has deactivated: never one that serves or waits."""
        assert device.renewal.previous() == b""
        device.renewal.offer(NEW_CERT, NEW_KEY)
        assert device.renewal.previous() == b""
        device.connect()
        assert device.renewal.status()["state"] == "parked"
        assert device.renewal.previous() == b""
        device.accepted.append(NEW_CERT)
        device.later(HURRY + 1)
        device.connect()
        assert device.renewal.previous() == OLD_CERT + OLD_KEY
        device.renewal.offer(NEXT_CERT, NEXT_KEY)
        assert device.renewal.previous() == b""

    def test_as_long_as_a_block_of_flash_is_taken_and_no_longer(self, device):
        room = 4096 - len(NEW_CERT)
        with pytest.raises(Error):
            device.renewal.offer(NEW_CERT, bytes(room + 1))
        assert device.renewal.offer(NEW_CERT, bytes(room))

    def test_is_tried_with_the_clock_at_the_floor(self, device):
        begins = CREATED + 200 * DAY
        device.link.server = Server(CA1, begins, begins + 400 * DAY)
        device.later(300 * DAY)
        assert device.connect() == ""
        device.accepted.append(NEW_CERT)
        device.renewal.offer(NEW_CERT, NEW_KEY)
        device.clock = POWER_ON
        device.boot()
        assert device.connect() == ""
        assert device.serves == NEW_CERT

    def test_is_taken_once(self, device):
        assert device.renewal.offer(NEW_CERT, NEW_KEY)
        assert not device.renewal.offer(NEW_CERT, NEW_KEY)
        assert not device.renewal.offer(OLD_CERT, OLD_KEY)

    def test_waits_while_new_roots_are_tried(self, device):
        device.accepted.append(NEW_CERT)
        device.renewal.offer(NEW_CERT, NEW_KEY)
        assert device.offer(NEW) == ""
        device.link.server = Server(CA3)
        assert device.connect() == ""
        assert (device.serves, device.active) == (OLD_CERT, NEW)
        assert device.connect() == ""
        assert device.serves == NEW_CERT

    def test_works_while_new_roots_are_parked(self, device):
        device.accepted.append(NEW_CERT)
        assert device.offer(NEW) == ""
        assert device.connect() == ""
        assert device.state == "parked"
        device.renewal.offer(NEW_CERT, NEW_KEY)
        assert device.connect() == ""
        assert device.serves == NEW_CERT


class TestNewRootsWhileTheOldCertificateIsRefused:
    """The old pair cannot prove the new roots, so the two that are new must prove each other."""

    @pytest.fixture
    def both(self, device):
        """A device that was given both, on a server that takes only the new of each."""
        device.accepted[:] = [NEW_CERT]
        device.link.server = Server(CA3)
        device.renewal.offer(NEW_CERT, NEW_KEY)
        return device

    def states(self, device):
        return device.state, device.renewal.status()["state"]

    def confirmed(self, device, roots):
        assert self.states(device) == ("idle", "idle")
        assert (device.active, device.serves) == (roots, NEW_CERT)

    @pytest.mark.parametrize("refusal", ["CLIENTCERT", "POLICY"])
    @pytest.mark.parametrize("roots", [NEW, REVOKING], ids=["in trial", "that revoke"])
    def test_one_connection_with_both_confirms_both(self, both, roots, refusal):
        both.refusal = refusal
        assert both.offer(roots) == ""
        assert both.connect() == ""
        assert both.hooked == ["on_offer", "on_trial", "on_confirm"]
        self.confirmed(both, roots)

    def test_a_pair_that_is_parked_by_then_is_tried_after_a_quarter_of_an_hour(self, both):
        """It met the old roots' end first, as on a gateway that was off for years."""
        assert both.connect() == "ROOT"
        assert both.offer(REVOKING) == ""
        assert both.connect() == "CLIENTCERT"
        assert self.states(both) == ("revoke", "parked")
        both.later(HURRY)
        assert both.connect() == ""
        self.confirmed(both, REVOKING)

    def test_also_where_the_clock_was_lost(self, both):
        assert both.connect() == "ROOT"
        assert both.offer(REVOKING) == ""
        both.clock = POWER_ON
        both.boot()
        for _ in range(10):
            both.connect()
            both.later(HURRY // 2)
        self.confirmed(both, REVOKING)

    def test_a_pair_that_is_refused_too_is_parked_and_neither_is_lost(self, both):
        both.accepted.clear()
        assert both.offer(REVOKING) == ""
        assert both.connect() == "CLIENTCERT"
        assert self.states(both) == ("revoke", "parked")
        assert both.serves == OLD_CERT
        both.accepted.append(OLD_CERT)
        assert both.connect() == ""
        assert (both.active, both.serves) == (REVOKING, OLD_CERT)

    @pytest.mark.parametrize("clock", [POWER_ON, CREATED + 86_400], ids=["lost", "right"])
    def test_neither_wears_out_the_flash_nor_moves_the_clock(self, both, clock):
        both.accepted.clear()
        assert both.offer(REVOKING) == ""
        both.clock = clock
        both.boot()
        before = len(both.flash.writes)
        for round_ in range(100):
            assert both.connect() == "CLIENTCERT"
            assert both.clock == clock + 30 * round_
            both.later(30)
        assert len(both.flash.writes) < before + 40

    @pytest.mark.parametrize("root", [CA1, ""], ids=["the thief's", "nobody's"])
    def test_who_is_not_proven_by_the_roots_is_shown_no_pair(self, both, root):
        both.link.server = Server(root)
        assert both.offer(REVOKING) == ""
        for _ in range(20):
            assert both.connect() == "ROOT"
            both.later(HURRY)
        assert both.hooked == ["on_offer"]
        assert self.states(both) == ("revoke", "trial")
        assert not both.link.sessions

    def test_a_handshake_without_mqtt_confirms_no_pair(self, both):
        """The control of the roots: its server takes the new certificate, which proves little."""

        def answer(_found, application):
            if application:
                return Error("NET", "down")
            return Error("CLIENTCERT") if both.link.cert == OLD_CERT else Server(CA1)

        both.link.answer = answer
        assert both.offer(NEW) == ""
        assert both.connect() == "NET"
        assert self.states(both) == ("parked", "trial")
        assert both.hooked == ["on_offer"]

    def test_while_the_old_certificate_works_the_new_one_waits(self, both):
        both.accepted[:] = [OLD_CERT]
        assert both.offer(REVOKING) == ""
        assert both.connect() == ""
        assert both.serves == OLD_CERT
        assert self.states(both) == ("idle", "trial")

    def test_that_cannot_be_tried_here_the_new_pair_is_tried_under_the_active_ones(
        self, both, monkeypatch
    ):
        both.link.server = Server(CA1)
        assert both.offer(NEW) == ""
        monkeypatch.setattr("urootlet.rotation.Rotation._candidate", lambda _: None)
        assert both.connect() == ""
        assert self.states(both) == ("trial", "idle")
        assert both.serves == NEW_CERT

    @pytest.mark.parametrize("landed", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("cut", range(4))
    def test_the_power_at_any_write(self, both, cut, landed):
        assert both.offer(REVOKING) == ""
        both.flash.cut, both.flash.landed = cut, landed
        with pytest.raises(PowerCut):
            both.connect()
        both.boot()
        assert both.connect() == ""
        self.confirmed(both, REVOKING)


class TestARefusal:
    @pytest.mark.parametrize(
        ("cert", "key"),
        [
            (b"", b""),
            (b"", NEW_KEY),
            (b"x", NEW_KEY),
            (NEW_CERT[:-1], NEW_KEY),
            (NEW_CERT + NEW_CERT, NEW_KEY),
            (NEW_CERT, bytes(4_000)),
        ],
        ids=["nothing", "no certificate", "words", "cut off", "two", "too large"],
    )
    def test_of_what_is_no_pair_changes_no_byte(self, device, cert, key):
        before = dict(device.flash.files)
        with pytest.raises(Error) as refused:
            device.renewal.offer(cert, key)
        assert refused.value.code == "FORMAT"
        assert device.flash.files == before

    def test_of_what_does_not_load_changes_no_byte(self, device):
        def full(_found):
            raise Error("FORMAT", "identity")

        device.link.context = full
        with pytest.raises(Error):
            device.renewal.offer(NEW_CERT, NEW_KEY)
        assert not device.flash.writes
        assert device.serves == OLD_CERT

    def test_is_about_the_pair_that_is_offered_and_not_the_one_that_serves(self, device):
        def picky(_found):
            if device.link.cert == NEW_CERT:
                raise Error("FORMAT", "identity")

        device.link.context = picky
        with pytest.raises(Error, match="identity"):
            device.renewal.offer(NEW_CERT, NEW_KEY)
        assert not device.flash.writes
        assert device.serves == OLD_CERT


class TestADeviceWithoutAny:
    def test_writes_nothing(self, device):
        device.connect()
        written = list(device.flash.writes)
        device.boot()
        device.connect()
        assert not [name for name in written if name.startswith("i")]

    def test_recovers_like_any_other(self, device):
        device.link.server = Server("")
        assert device.connect() == "ROOT"


class TestFaults:
    @pytest.mark.parametrize("landed", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("cut", range(7))
    def test_the_power_at_any_write(self, device, cut, landed):
        device.accepted.append(NEW_CERT)
        device.flash.cut, device.flash.landed = cut, landed
        with suppress(PowerCut):
            device.renewal.offer(NEW_CERT, NEW_KEY)
            device.connect()
        device.boot()
        assert device.renewal.active() in (OLD_CERT + OLD_KEY, NEW_CERT + NEW_KEY)
        assert device.connect() == ""
        device.renewal.offer(NEW_CERT, NEW_KEY)
        assert device.connect() == ""
        assert device.serves == NEW_CERT

    @pytest.mark.parametrize("cut", range(7))
    def test_the_power_at_any_write_when_the_new_one_is_not_taken(self, device, cut):
        device.flash.cut = cut
        with suppress(PowerCut):
            device.renewal.offer(NEW_CERT, NEW_KEY)
            device.connect()
        device.boot()
        assert device.connect() == ""
        assert device.serves == OLD_CERT

    def test_three_resets_in_trial_go_back_to_the_old_one(self, device):
        device.renewal.offer(NEW_CERT, NEW_KEY)

        def reset(_found, _application):
            if device.link.cert == NEW_CERT:
                raise PowerCut
            return device.link.server

        device.link.answer = reset
        for _ in range(3):
            with pytest.raises(PowerCut):
                device.connect()
            device.boot()
        assert device.connect() == ""
        assert device.serves == OLD_CERT
        assert device.renewal.status()["reason"] == "spent"

    @pytest.mark.parametrize("name", ["is0", "is1"])
    def test_one_record_lost(self, device, name):
        self.renewed(device)
        device.flash.flip(name, 20)
        device.boot()
        assert device.serves == NEW_CERT

    def test_both_records_lost(self, device):
        """The newest pair is tried again; meanwhile the other one serves, if it is taken."""
        self.renewed(device)
        for name in ("is0", "is1"):
            device.flash.flip(name, 20)
        device.boot()
        assert device.connect() == ""
        assert device.serves == NEW_CERT

    @pytest.mark.parametrize("taken", [NEW_CERT, NEXT_CERT])
    def test_both_records_lost_after_two(self, device, taken):
        """Whichever slot it is in: the newest is tried, and the one before serves until then."""
        self.renewed(device)
        device.accepted.append(NEXT_CERT)
        device.renewal.offer(NEXT_CERT, NEXT_KEY)
        assert device.connect() == ""
        for name in ("is0", "is1"):
            del device.flash.files[name]
        device.boot()
        assert device.renewal.active() == NEW_CERT + NEW_KEY
        assert device.renewal.status()["state"] == "trial"
        device.accepted[:] = [taken]
        assert device.connect() == ""
        assert device.serves == taken

    def test_both_records_lost_and_a_newer_pair_flashed(self, device):
        self.renewed(device)
        for name in ("is0", "is1"):
            del device.flash.files[name]
        device.flashed = (NEXT_CERT, NEXT_KEY)
        device.boot()
        assert device.renewal.active() == NEXT_CERT + NEXT_KEY
        assert device.renewal.status()["state"] == "idle"

    def test_both_records_lost_and_a_bad_slot(self, device):
        self.renewed(device)
        for name in ("is0", "is1"):
            del device.flash.files[name]
        device.flash.files["ita"] = b"\x30\x82\xff"
        device.boot()
        assert device.connect() == ""
        assert device.serves == NEW_CERT

    def test_the_candidate_damaged(self, device):
        device.renewal.offer(NEW_CERT, NEW_KEY)
        device.flash.flip("itb", 40)
        assert device.connect() == ""
        assert device.serves == OLD_CERT
        assert device.renewal.status()["state"] == "idle"

    def test_the_active_one_damaged(self, device):
        self.renewed(device)
        device.accepted.append(OLD_CERT)
        device.flash.flip("itb", 40)
        device.boot()
        assert device.renewal.previous() == b""  # it serves again
        assert device.connect() == ""
        assert device.serves == OLD_CERT

    def test_a_worn_flash_does_not_end_the_service(self, device):
        device.renewal.offer(NEW_CERT, NEW_KEY)
        device.flash.broken = True
        assert device.connect() == ""
        assert device.serves == OLD_CERT
        assert "on_error" in device.hooked

    @pytest.mark.parametrize("writes", range(8))
    def test_a_flash_that_is_full_from_some_write_on(self, device, monkeypatch, writes):
        """Memory and flash mean the same pair, and all goes on when there is room again."""
        device.accepted.append(NEW_CERT)
        with monkeypatch.context() as filling:
            fill(device, filling, writes)
            with suppress(Error):
                device.renewal.offer(NEW_CERT, NEW_KEY)
            assert device.connect() == ""
            assert device.connect() == ""
        found = device.renewal.active()
        device.boot()
        assert device.renewal.active() == found == device.link.cert + device.link.key
        with suppress(Error):
            device.renewal.offer(NEW_CERT, NEW_KEY)
        assert device.connect() == ""
        device.boot()
        assert device.serves == NEW_CERT

    def test_a_flash_that_was_full_at_the_first_offer(self, device):
        device.accepted.append(NEW_CERT)
        self.refuses_while_full(device)
        assert device.renewal.offer(NEW_CERT, NEW_KEY)
        assert device.connect() == ""
        device.boot()
        assert device.serves == NEW_CERT

    def test_a_full_flash_does_not_bring_back_the_pair_that_a_person_replaced(self, device):
        self.renewed(device)
        device.flashed = (OLD_CERT, NEXT_KEY)
        device.accepted[:] = [OLD_CERT]
        device.boot()
        self.refuses_while_full(device)
        assert device.renewal.active() == OLD_CERT + NEXT_KEY
        assert device.connect() == ""
        device.boot()
        assert device.serves == OLD_CERT

    def test_a_verified_connection_counts_also_when_it_cannot_be_noted(self, device, monkeypatch):
        device.renewal.offer(NEW_CERT, NEW_KEY)
        device.accepted[:] = [NEW_CERT]
        with monkeypatch.context() as filling:
            fill(device, filling, 0)
            assert device.connect() == ""
        assert device.hooked == ["on_offer", "on_trial", "on_error"]
        assert device.serves == OLD_CERT  # what is on the flash counts
        assert device.connect() == ""
        assert device.serves == NEW_CERT

    def refuses_while_full(self, device):
        device.flash.broken = True
        with pytest.raises(Error, match="FLASH"):
            device.renewal.offer(NEW_CERT, NEW_KEY)
        device.flash.broken = False

    def test_a_flash_that_keeps_something_else(self, device, monkeypatch):
        write = device.flash.write
        monkeypatch.setattr(
            device.flash, "write", lambda name, data: write(name, data[:-1] + b"?")
        )
        with pytest.raises(Error) as refused:
            device.renewal.offer(NEW_CERT, NEW_KEY)
        assert refused.value.code == "FLASH"
        assert device.renewal.status()["state"] == "idle"

    def test_without_usable_roots_nothing_is_tried(self, device):
        device.renewal.offer(NEW_CERT, NEW_KEY)
        device.flash.flip("ta", 40)
        device.link.server = Server("")
        assert device.connect() == "NOROOTS"
        with pytest.raises(Error) as refused:
            device.renewal.offer(NEXT_CERT, NEXT_KEY)
        assert refused.value.code == "NOROOTS"

    def test_a_person_who_flashes_another_pair_is_right(self, device):
        self.renewed(device)
        device.flashed = (NEXT_CERT, NEXT_KEY)
        device.accepted.append(NEXT_CERT)
        device.boot()
        assert device.connect() == ""
        assert device.serves == NEXT_CERT
        device.flashed = (OLD_CERT, OLD_KEY)  # and back
        device.boot()
        assert device.serves == OLD_CERT

    def renewed(self, device):
        """Renew, and let the old certificate be deactivated."""
        device.accepted[:] = [OLD_CERT, NEW_CERT]
        device.renewal.offer(NEW_CERT, NEW_KEY)
        device.connect()
        device.accepted[:] = [NEW_CERT]


def test_a_pair_is_split_where_the_certificate_ends():
    assert split(NEW_CERT + NEW_KEY) == (NEW_CERT, NEW_KEY)
