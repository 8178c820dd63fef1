"""Rule 1: what is evidence. test_rules_offers.py has the table of all rules."""

from unittest.mock import patch

import pytest

from rotation_world import (
    CA1,
    CA3,
    CA4,
    DAY,
    NEW,
    NEXT,
    OLD,
    SG2,
    Board,
    PowerCut,
    Server,
    bad_trial,
    offered,
)
from urootlet.bundle import Bundle
from urootlet.control import Union
from urootlet.errors import Error

STOLEN = Server(CA1)  # what the thief of the old root's key answers


@pytest.fixture
def board():
    with Board() as made:
        yield made


class TestRule01ATlsFailureIsNeverEvidence:
    def test_ten_bad_trials_with_forwarded_controls_and_a_clean_link_end_on_new(self, board):
        assert board.offer(NEW) == ""
        board.link.answer = bad_trial(STOLEN)
        for _ in range(10):
            assert board.connect() == ""
            assert board.active == OLD
            assert board.trust.status()["reason"] == "parked: only the old set works"
            board.later(DAY)
        board.link.answer = lambda *_: Server(CA3)
        assert board.connect() == ""
        assert board.active == NEW

    def test_three_stalls_that_the_watchdog_ends_leave_the_old_set_serving(self, board):
        assert board.offer(NEW) == ""
        stalls = []

        def answer(found, application):
            if getattr(found, "data", b"") == NEW:
                stalls.append(board.clock)
                raise PowerCut
            return STOLEN

        board.link.answer = answer
        for _ in range(3):
            with pytest.raises(PowerCut):
                board.connect()
            board.boot()
        assert board.connect() == ""
        assert (len(stalls), board.active, board.state) == (3, OLD, "parked")
        board.later(DAY)
        board.link.answer = lambda *_: Server(CA3)
        assert board.connect() == ""
        assert board.active == NEW

    def test_nothing_that_a_network_does_bans_a_bundle(self, board):
        assert board.offer(NEW) == ""
        for fault in ("NET", "ROOT", "NAME", "POLICY", "CLIENTCERT", "EXPIRED", "TLSPOLICY"):
            board.link.answer = lambda found, _, code=fault: (
                STOLEN if getattr(found, "data", b"") == OLD else Error(code, "")
            )
            assert board.connect() == ""
            board.later(DAY)
        assert board.trust.store.record.last_bad == bytes(8)
        assert board.candidate == NEW

    def test_the_anchor_on_top_of_the_control_tells_too_early_from_somebody_between(self, board):
        assert board.offer(offered((CA1, CA3), 2)) == ""
        board.link.answer = lambda found, application: (
            Error("NET", "") if len(found.anchors) == 2 and application else STOLEN
        )
        assert board.connect() == ""
        assert board.trust.status()["reason"] == "parked: inconclusive"  # it is in both sets

    def test_the_control_offers_what_the_candidate_offers(self):
        both = Union(Bundle(offered((CA3,), 2, profile=1)), Bundle(offered((CA1,), 1, profile=2)))
        assert both.profile == 1

    def test_the_control_holds_an_anchor_that_both_have_once(self):
        both = Union(Bundle(offered((CA1, CA3), 2)), Bundle(offered((CA1, SG2), 1)))
        originals = [both.original(index) for index in range(len(both.anchors))]
        assert len(originals) == len(set(originals)) == 3

    def test_the_control_loads_the_anchors_of_both(self):
        sets = [Bundle(offered((CA1, CA3), 2)), Bundle(offered((CA1, SG2), 1))]
        both = Union(*sets)
        ders = {both.der(index) for index in range(len(both.anchors))}
        assert ders == {one.der(index) for one in sets for index in range(2)}

    def test_a_control_that_fails_tells_nothing(self, board):
        assert board.offer(NEW) == ""
        board.link.answer = lambda found, _: (
            Server(CA1) if getattr(found, "data", b"") == OLD else Error("NET", "down")
        )
        assert board.connect() == ""
        assert board.trust.status()["reason"] == "parked: inconclusive"

    def test_nor_does_one_that_the_memory_does_not_hold(self, board):
        assert board.offer(NEW) == ""
        board.link.answer = bad_trial(STOLEN)
        with patch("urootlet.control.Union", side_effect=MemoryError):
            assert board.connect() == ""
        assert board.trust.status()["reason"] == "parked: inconclusive"

    def test_without_an_active_set_there_is_no_control_and_the_candidate_waits(self, board):
        assert board.offer(NEW) == ""
        board.flash.flip("ta", 300)
        board.boot()
        board.link.answer = lambda *_: Error("NET", "down")
        assert board.connect() == "NOROOTS"
        assert (board.state, board.candidate) == ("parked", NEW)

    def test_the_back_off_never_grows_over_a_day(self, board):
        assert board.offer(NEW) == ""
        board.link.answer = bad_trial(STOLEN)
        for _ in range(20):
            assert board.connect() == ""
            board.later(DAY)
        trials = [name for name, _ in board.told if name == "on_trial"]
        assert len(trials) == 20

    def test_the_back_off_keeps_to_itself_until_it_has_passed(self, board):
        assert board.offer(NEW) == ""
        board.link.answer = bad_trial(STOLEN)
        for _ in range(20):
            assert board.connect() == ""
        assert [name for name, _ in board.told].count("on_trial") == 1

    def parked_for_hours(self, board):
        """Park a candidate until its back-off is 16 hours, and wait for half an hour of them."""
        assert board.offer(NEW) == ""
        board.link.answer = bad_trial(Server(CA1))
        for _ in range(4):
            board.later(DAY)
            assert board.connect() == ""
        assert board.state == "parked"
        board.later(1800)

    def test_a_dead_active_set_does_not_wait_for_a_long_back_off(self, board):
        self.parked_for_hours(board)
        board.link.answer = lambda *_: Server(CA3)
        assert board.connect() == ""
        assert board.active == NEW

    def test_nor_does_one_that_was_damaged(self, board):
        self.parked_for_hours(board)
        board.flash.flip("ta", 300)
        board.link.answer = lambda *_: Server(CA3)
        assert board.connect() == ""
        assert board.active == NEW

    def test_with_both_dead_it_is_tried_every_quarter_of_an_hour_at_most(self, board):
        self.parked_for_hours(board)
        board.link.answer = lambda *_: Server(SG2)
        trials = [one for one in board.told if one[0] == "on_trial"]
        written = len(board.flash.writes)
        for _ in range(60):
            assert board.connect() == "ROOT"
            board.later(60)
        assert 3 <= len([one for one in board.told if one[0] == "on_trial"]) - len(trials) <= 4
        assert len(board.flash.writes) - written <= 4 * 4

    def test_a_network_that_is_down_is_no_reason_to_try_it_early(self, board):
        self.parked_for_hours(board)
        board.link.answer = lambda *_: Error("NET", "down")
        written = len(board.flash.writes)
        for _ in range(5):
            assert board.connect() == "NET"
        assert len(board.flash.writes) == written

    def test_a_parked_candidate_gives_way_to_a_newer_one(self, board):
        assert board.offer(NEW) == ""
        board.link.answer = bad_trial(STOLEN)
        assert board.connect() == ""
        assert board.offer(NEXT) == ""
        board.link.answer = lambda *_: Server(CA4)
        assert board.connect() == ""
        assert board.active == NEXT
