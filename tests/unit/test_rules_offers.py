"""The security rules about state, one class each: the attack of the table, then what must hold.

Rules 1, 2, 3, 5, 11, 12 and 14 are about TLS and time limits too; integration/test_rules_tls.py
attacks those parts over real connections. What other tests hold:

====  ==========================================================  =================================
rule  part                                                        test
====  ==========================================================  =================================
3, 7  ``rotate start`` asks for canaries, and refuses 1-of-1      with ``rotate start``, which starts fleets
5     the host refuses ``created`` later than now + 1 day         unit/test_build.py
5, 9  time, endpoint, URL and force flags of a job                with Jobs on the device
6     ``build --after`` assigns the sequence                      unit/test_signing.py
8     every forged signature, and every malformed file            unit/test_vectors.py, device/test_parity.py
9     phases are signed only after their gate                     with ``rotate start``
13    unsigned over rfc2217 and socket; exports                   integration/test_flash.py, unit/test_export.py
14    the policy denies other things                              with the AWS policy
====  ==========================================================  =================================
"""  # noqa: E501 - a row of a table

from unittest.mock import patch

import pytest

from keyset_cases import Alias, Elsewhere, Set, record
from rotation_world import (
    CA1,
    CA3,
    CREATED,
    DAY,
    KEYS_1,
    KEYS_2,
    NEW,
    NEXT,
    OLD,
    POWER_ON,
    Board,
    Server,
    bad_trial,
    keys,
    offered,
)
from urootlet.bundle import Bundle
from urootlet.errors import Error

STOLEN = Server(CA1)


@pytest.fixture
def board():
    with Board() as made:
        yield made


_REFUSALS = ("FORMAT", "NOROOTS", "TARGET", "SEQUENCE", "SIGNATURE")


class TestRule07OneStolenKeyIsNotEnough:
    @pytest.mark.parametrize(
        "signed", [(0,), (0, Alias(0)), (0, Elsewhere(1)), (0, 9), (Alias(0), Alias(1))], ids=str
    )
    def test_one_key_however_it_is_dressed(self, board, signed):
        assert board.refuses(offered((CA3,), 2, signed=signed)) == "SIGNATURE"

    def test_the_same_signature_twice(self, board):
        one = offered((CA3,), 2, signed=(0,))
        assert board.refuses(one + one[-392:]) == "FORMAT"

    def test_no_key_set_and_every_offer_is_refused(self):
        with Board(factory=(b"", b"")) as board:
            assert board.refuses(NEW) == "NOKEYS"
            assert board.refuses(keys(KEYS_1)) == "NOKEYS"
            assert board.refuses(keys(KEYS_2)) == "NOKEYS"

    def test_the_thief_cannot_rotate_the_owner_out(self, board):
        mine = Set(2, 1, (9,), (0, 9))
        assert board.refuses(keys(mine)) == "SIGNATURE"


class TestRule08TheHashCoversEverything:
    def test_any_byte_that_is_changed_after_signing_is_refused(self, board):
        for at in range(0, len(NEW), 7):
            spoilt = bytearray(NEW)
            spoilt[at] ^= 0x01
            assert board.refuses(bytes(spoilt)) in _REFUSALS

    @pytest.mark.parametrize("size", [*range(1, 7), *range(0, len(NEW), 101)])
    def test_a_file_that_is_cut_off_is_refused(self, board, size):
        assert board.refuses(NEW[:size]) in _REFUSALS

    def test_a_signature_over_a_key_set_is_none_over_a_bundle(self, board):
        message = Bundle(NEW).data[: Bundle(NEW).signed_end]
        as_keys = message[:4] + b"\x02" + message[5:]
        records = sorted(record(one, as_keys) for one in (0, 1))
        assert board.refuses(message + b"".join(records)) == "SIGNATURE"

    def test_a_signature_for_another_fleet_is_none_here(self, board):
        assert board.refuses(offered((CA3,), 2, target="fans")) == "TARGET"


class TestRule09APublisherCannotWearOutTheFlash:
    def test_the_same_offer_a_hundred_times_is_written_once(self, board):
        assert board.offer(NEW) == ""
        written = len(board.flash.writes)
        assert {board.offer(NEW) for _ in range(100)} == {"same"}
        assert len(board.flash.writes) == written

    def test_two_bundles_in_turns_are_written_once(self, board):
        assert board.offer(NEW) == ""
        assert board.offer(NEXT) == ""
        written = len(board.flash.writes)
        for _ in range(50):
            assert board.refuses(NEW) == "SEQUENCE"
            assert board.offer(NEXT) == "same"
        assert len(board.flash.writes) == written

    def test_ever_newer_bundles_are_staged_three_times_a_day(self, board):
        answers = [board.offer(offered((CA3,), number)) for number in range(2, 12)]
        assert answers == ["", "", "", *["SEQUENCE"] * 7]
        assert board.flash.writes.count("tb") == 3
        board.later(DAY)
        assert board.offer(offered((CA3,), 12)) == ""

    def test_a_reboot_does_not_start_the_day_again(self, board):
        for number in range(2, 9):
            board.offer(offered((CA3,), number))
            board.boot()
        assert board.flash.writes.count("tb") == 3

    def test_a_board_without_a_clock_takes_the_fourth_when_it_was_made_on_another_day(self):
        with Board(clock=POWER_ON) as board:
            board.link.answer = lambda *_: Server(CA1)
            for number in range(2, 9):
                board.offer(offered((CA3,), number))
                board.set(POWER_ON)
                board.boot()
                assert board.connect() == ""
            assert board.flash.writes.count("tb") == 3
            for day in range(1, 4):
                assert board.offer(offered((CA3,), 10 + day, created=CREATED + day * DAY)) == ""
                board.set(POWER_ON)
                board.boot()
                assert board.connect() == ""
            board.link.answer = lambda *_: Server(CA3)
            board.later(DAY)
            assert board.connect() == ""

    def test_nor_can_bundles_of_two_days_in_turns_wear_it_out(self):
        with Board(clock=POWER_ON) as board:
            two = [offered((CA3,), 2 + day, created=CREATED + day * DAY) for day in range(2)]
            useless = Error("FORMAT", "does not load here")
            for turn in range(40):
                board.offer(two[turn % 2])
                with patch.object(board.link, "context", side_effect=useless):
                    board.connect()
                assert board.state == "idle"
                board.set(POWER_ON)
            assert board.flash.writes.count("tb") <= 6

    def test_what_is_wrong_on_sight_is_not_even_verified(self, board):
        fans = offered((CA3,), 2, target="fans")
        early = offered((CA3,), 2, key_set=2)
        wrong = (b"", b"x" * 5000, OLD + b"x", offered((CA3,), 9999), b"RLT1\x02" + b"x" * 7000)
        with patch("urootlet.keyset.verify", side_effect=AssertionError):
            for one in (*wrong, fans, early):
                board.refuses(one)

    def test_what_does_not_load_here_is_refused_before_it_is_written(self, board):
        with patch.object(board.link, "context", side_effect=Error("HEAP", "anchors")):
            assert board.refuses(NEW) == "HEAP"
        assert board.offer(NEW) == ""

    def test_what_does_not_load_any_more_is_refused_for_good(self, board):
        """As after new firmware: only this device's own verdict bans, and only these bytes."""
        assert board.offer(NEW) == ""
        with patch.object(board.link, "context", side_effect=Error("FORMAT", "suites")):
            assert board.connect() == ""
        assert (board.state, board.active) == ("idle", OLD)
        for _ in range(2):
            assert board.refuses(NEW) == "FORMAT"
            board.boot()
        assert board.offer(offered((CA3,), 3)) == ""

    def test_a_flash_that_does_not_keep_what_is_written_stages_nothing(self, board):
        inner = board.flash.write

        def wear(name, data):
            inner(name, data[:-1] + b"?" if name == "tb" else data)

        with patch.object(board.flash, "write", wear):
            assert board.offer(NEW) == "FLASH"
        assert (board.state, board.active) == ("idle", OLD)
        assert board.offer(NEW) == ""

    def test_one_bundle_a_day_does_not_use_up_the_days_that_follow(self, board):
        for number in range(2, 7):
            assert board.offer(offered((CA3,), number)) == ""
            board.later(DAY)
        answers = [board.offer(offered((CA3,), number)) for number in range(7, 11)]
        assert answers == ["", "", "", "SEQUENCE"]

    def test_a_failing_link_writes_eight_records_a_trial_at_most(self, board):
        assert board.offer(NEW) == ""
        written = len(board.flash.writes)
        board.link.answer = bad_trial(STOLEN)
        for _ in range(100):
            board.connect()
        assert len(board.flash.writes) - written <= 8


class TestRule12TheProfileIsAMask:
    @pytest.mark.parametrize("profile", [0, 4, 7, 128, 255])
    def test_a_signed_mask_that_is_empty_or_unknown_is_refused(self, board, profile):
        message = bytearray(NEW[: Bundle(NEW).signed_end])
        message[6 + message[5] + 14] = profile
        records = sorted(record(one, bytes(message)) for one in (0, 1))
        assert board.refuses(bytes(message) + b"".join(records)) == "FORMAT"


class TestRule13UnsignedNeverComesAsAnOffer:
    def test_it_is_refused_and_changes_no_floor_and_no_key_set(self, board):
        before = board.trust.status()
        assert board.refuses(offered((CA3,), 0)) == "SIGNATURE"
        assert board.trust.status() == before

    def test_nor_a_key_set_that_nobody_signed(self, board):
        assert board.refuses(keys(Set(2, 2, (3, 4, 5), ()))) == "SIGNATURE"

    def test_an_unsigned_bundle_that_was_flashed_serves_and_is_replaced_by_a_signed_one(self):
        with Board(offered((CA1,), 0)) as board:
            assert board.connect() == ""
            board.rotate(offered((CA3,), 1), CA3)
