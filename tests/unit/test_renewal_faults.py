"""No fault of flash, power or server costs a device its certificate."""

from contextlib import suppress

import pytest

from renewal_world import (
    NEW_CERT,
    NEW_KEY,
    NEXT_CERT,
    NEXT_KEY,
    OLD_CERT,
    OLD_KEY,
    OwnedDevice,
    fill,
)
from rotation_world import (
    PowerCut,
    Server,
)
from urootlet.errors import Error


@pytest.fixture
def device():
    with OwnedDevice() as made:
        yield made


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
