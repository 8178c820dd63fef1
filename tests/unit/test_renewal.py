"""A device's own certificate and key are replaced as its roots are: tried first, and never lost.

The device is in memory; the server takes the certificates that the test says.
"""

from unittest.mock import patch

import pytest

from renewal_world import (
    HURRY,
    NEW_CERT,
    NEW_KEY,
    NEXT_CERT,
    NEXT_KEY,
    OLD_CERT,
    OLD_KEY,
    REVOKING,
    OwnedDevice,
)
from rotation_world import (
    CA1,
    CA3,
    CREATED,
    DAY,
    NEW,
    POWER_ON,
    PowerCut,
    Server,
)
from urootlet.errors import Error
from urootlet.renewal import split


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


def test_a_pair_is_split_where_the_certificate_ends():
    assert split(NEW_CERT + NEW_KEY) == (NEW_CERT, NEW_KEY)
