"""Rules 2 to 4: which set authenticates. test_rules_offers.py has the table of all rules."""

from dataclasses import replace

import pytest

from keyset_cases import CHAINS
from rotation_world import (
    CA1,
    CA3,
    CA4,
    DAY,
    KEYS_1,
    KEYS_2,
    KEYS_3,
    NEW,
    NEXT,
    OLD,
    RETIRE,
    REVOKE,
    SG2,
    Board,
    Server,
    keys,
    offered,
    with_cut,
)
from urootlet.errors import Error

FACTORY = (offered((SG2,), 1), keys(KEYS_1))
#: Both outcomes of a power cut in the middle of a write, at each write of a rotation.
CUTS = [(cut, landed) for cut in range(14) for landed in (False, True)]


@pytest.fixture
def board():
    with Board() as made:
        yield made


class TestRule02ARetiredRootAuthenticatesNothing:
    RETIRING = offered((CA3,), 2, flags=RETIRE)

    def board(self):
        made = Board(OLD, FACTORY)
        made.link.config.offers = "offers"
        made.link.retained = offered((SG2,), 9)
        return made

    @pytest.mark.parametrize(("cut", "landed"), CUTS)
    def test_cut_at_every_write_a_factory_server_completes_no_handshake(self, cut, landed):
        with self.board() as board:
            good = replace(board.link.server, root=CA3)
            board.link.answer = lambda *_: good
            with_cut(board, cut, landed, lambda: board.offer(self.RETIRING), board.connect)
            board.offer(self.RETIRING)
            for _ in range(3):
                board.later(DAY)
                assert board.connect() == ""
                board.boot()
            assert board.active == self.RETIRING
            self.check_that_older_roots_are_refused(board)

    def check_that_older_roots_are_refused(self, board):
        for root in (SG2, CA1):
            before = len(board.link.sessions)
            board.link.answer = lambda *_, root=root: Server(root)
            board.boot()
            board.later(DAY)
            assert board.connect() == "ROOT"
            assert board.link.sessions[before:] == []

    def test_a_later_bundle_without_the_flag_does_not_let_them_back(self):
        with self.board() as board:
            board.rotate(self.RETIRING, CA3)
            board.rotate(NEXT, CA4)
            self.check_that_older_roots_are_refused(board)

    @pytest.mark.parametrize("lost", [("s0",), ("s1",), ("s0", "s1"), ("s0", "s1", "k0")])
    def test_nor_does_the_loss_of_state_records(self, lost):
        with self.board() as board:
            board.rotate(self.RETIRING, CA3)
            for name in lost:
                board.flash.files.pop(name, None)
            board.boot()
            self.check_that_older_roots_are_refused(board)

    def test_nor_when_the_update_keys_were_rotated_since_and_the_records_are_lost(self):
        with self.board() as board:
            board.rotate(self.RETIRING, CA3)
            assert board.offer(keys(KEYS_2)) == ""
            for name in ("s0", "s1"):
                del board.flash.files[name]
            self.check_nothing_older(board)

    def check_nothing_older(self, board):
        board.boot()
        for root in (SG2, CA1):
            before = len(board.link.sessions)
            board.link.answer = lambda *_, root=root: Server(root)
            board.later(DAY)
            assert board.connect() != ""
            assert board.link.sessions[before:] == []

    def test_before_any_retire_the_factory_set_fetches_an_offer_and_does_nothing_else(self):
        with self.board() as board:
            board.link.retained = offered((SG2, CA3), 2)
            board.link.answer = lambda *_: Server(SG2)
            opened = []
            inner = board.link.open

            def open_and_note(found, floor):
                opened.append(inner(found, floor))
                return opened[-1]

            board.link.open = open_and_note
            assert board.connect() == ""
            assert [one.ended for one in opened] == [True, False]
            assert board.client is opened[1]
            assert board.active == board.link.retained

    def test_and_so_does_the_set_before(self, board):
        board.rotate(NEW, CA3)
        board.link.config.offers = "offers"
        board.link.retained = NEXT
        board.link.answer = lambda *_: Server(CA1)
        sessions = len(board.link.sessions)
        assert board.connect() == "ROOT"  # which root the offer has is not what the server shows
        assert board.candidate == NEXT
        assert {one.data for one in board.link.sessions[sessions:] if one.application} == {OLD}

    def test_without_a_topic_no_older_set_connects(self):
        with self.board() as board:
            board.link.config.offers = ""
            board.link.answer = lambda *_: Server(SG2)
            assert board.connect() == "ROOT"
            assert board.link.sessions == []

    def test_a_candidate_that_waits_is_no_set_before(self, board):
        assert board.offer(NEW) == ""
        board.link.config.offers = "offers"
        board.link.retained = NEXT
        board.link.answer = lambda found, _: (
            Error("POLICY", "") if getattr(found, "data", b"") == NEW else Server(CA3)
        )
        tried = []
        inner = board.link.open

        def opened(found, floor):
            tried.append(found.data)
            return inner(found, floor)

        board.link.open = opened
        assert board.connect() == "ROOT"
        assert tried == [NEW, OLD]

    def test_without_an_offer_the_factory_set_does_not_even_serve(self):
        with self.board() as board:
            board.link.retained = b""
            board.link.answer = lambda *_: Server(SG2)
            assert board.connect() == "ROOT"
            assert all(one.data == FACTORY[0] for one in board.link.sessions)

    def test_the_unconfirmed_flag_changes_nothing(self):
        with self.board() as board:
            assert board.offer(self.RETIRING) == ""
            assert board.connect() == ""
            assert board.active == OLD


class TestRule03RevokeNowCutsTheOldSetOff:
    REVOKING = offered((CA3,), 2, flags=REVOKE)

    def board(self):
        made = Board(OLD, FACTORY)
        made.link.config.offers = "offers"
        made.link.config.recovery = ["http://fleet"]
        made.link.retained = offered((CA1,), 9)
        return made

    @pytest.mark.parametrize(("cut", "landed"), CUTS)
    def test_with_the_thief_everywhere_no_old_root_session_after_acceptance(self, cut, landed):
        with self.board() as board:
            with_cut(board, cut, landed, lambda: board.offer(self.REVOKING), board.connect)
            if board.state != "revoke":  # the power went before it was accepted
                assert cut <= 3  # the record that there was not yet, the bundle, the state
                assert board.offer(self.REVOKING) in ("", "same")
            before = len(board.link.sessions)
            for root in (CA1, SG2):
                board.link.answer = lambda *_, root=root: Server(root)
                for _ in range(5):
                    assert board.connect() == "ROOT"
                    board.later(DAY)
                    board.boot()
            assert board.link.sessions[before:] == []
            board.link.answer = lambda *_: Server(CA3)
            assert board.connect() == ""
            assert board.active == self.REVOKING

    def test_acceptance_is_one_state_write_that_comes_after_the_bundle(self):
        with self.board() as board:
            assert board.offer(self.REVOKING) == ""
            assert board.flash.writes[-3:] == ["tb", "s0", "s1"]

    def test_the_way_out_is_a_newer_bundle_over_any_transport(self):
        with self.board() as board:
            assert board.offer(self.REVOKING) == ""
            board.urls["http://fleet/latest.rlt"] = NEXT
            board.link.answer = lambda *_: Server(CA4)
            assert board.connect() == ""
            assert board.active == NEXT

    def test_a_newer_bundle_without_the_flag_does_not_let_the_thief_back(self):
        with self.board() as board:
            assert board.offer(self.REVOKING) == ""
            board.rotate(NEXT, CA4)
            before = len(board.link.sessions)
            for root in (CA1, SG2):
                board.link.answer = lambda *_, root=root: Server(root)
                board.later(DAY)
                assert board.connect() == "ROOT"
            assert board.link.sessions[before:] == []

    def test_a_candidate_that_was_damaged_since_does_not_bring_the_old_set_back(self):
        with self.board() as board:
            assert board.offer(self.REVOKING) == ""
            board.flash.flip("tb", 100)
            board.boot()
            written = len(board.flash.writes)
            assert board.connect() == "NOROOTS"
            assert board.link.sessions == []
            assert "on_revert" not in dict(board.told)
            assert len(board.flash.writes) == written
            board.urls["http://fleet/latest.rlt"] = self.REVOKING
            board.link.answer = lambda *_: Server(CA3)
            board.later(DAY)
            assert board.connect() == ""
            assert board.active == self.REVOKING

    @pytest.mark.parametrize("lost", [("s0",), ("s1",), ("s0", "s1")])
    def test_nor_does_the_loss_of_state_records(self, lost):
        with self.board() as board:
            assert board.offer(self.REVOKING) == ""
            for name in lost:
                del board.flash.files[name]
            board.boot()
            assert board.connect() == "ROOT"
            assert board.link.sessions == []

    def test_a_newer_key_set_leaves_the_only_set_that_may_authenticate(self):
        """Rule 4 drops what the old keys signed; here this would leave a device without any."""
        with self.board() as board:
            assert board.offer(self.REVOKING) == ""
            assert board.offer(keys(KEYS_2)) == ""
            for _ in range(2):
                assert (board.state, board.candidate) == ("revoke", self.REVOKING)
                board.link.answer = lambda *_: Server(CA1)
                assert board.connect() == "ROOT"
                assert board.link.sessions == []
                assert board.refuses(offered((CA1,), 3)) == "SEQUENCE"
                board.boot()
            board.link.answer = lambda *_: Server(CA3)
            assert board.connect() == ""
            assert board.active == self.REVOKING

    def test_and_a_bundle_under_the_newer_keys_takes_its_place(self):
        with self.board() as board:
            assert board.offer(self.REVOKING) == ""
            assert board.offer(keys(KEYS_2)) == ""
            healing = offered((CA4,), 1, key_set=2)
            assert board.offer(healing) == ""
            assert (board.state, board.candidate) == ("revoke", healing)
            board.link.answer = lambda *_: Server(CA4)
            assert board.connect() == ""
            assert board.active == healing


class TestRule04KeySetsAreNeverForgotten:
    def test_after_v2_three_bundles_a_revert_and_lost_files_v1_signs_nothing(self, board):
        old = [offered((CA1,), number) for number in (2, 3, 4, 5)]
        assert board.offer(keys(KEYS_2)) == ""
        assert board.refuses(old[0]) == "SEQUENCE"
        for number, root in ((1, CA3), (2, CA4), (3, CA3)):
            board.rotate(offered((root,), number, key_set=2), root)
            board.later(DAY)
            assert board.refuses(old[1]) == "SEQUENCE"
        self.force_a_revert(board)
        assert board.refuses(old[2]) == "SEQUENCE"
        for name in ("k0", "k1"):
            board.flash.files.pop(name, None)
        board.boot()
        assert board.refuses(old[3]) == "NOKEYS"
        assert board.refuses(offered((CA1,), 5, key_set=2)) == "NOKEYS"

    def force_a_revert(self, board):
        board.later(DAY)
        assert board.offer(offered((CA4,), 4, key_set=2)) == ""
        board.flash.flip("ta" if board.trust.store.record.active else "tb", 50)
        assert board.connect() == ""
        assert ("on_revert", ("bad",)) in board.told

    def test_a_lost_key_set_comes_back_by_its_hash_alone(self, board):
        assert board.offer(keys(KEYS_2)) == ""
        del board.flash.files["k0"]
        board.boot()
        board.link.config.recovery = ["http://fleet"]
        other = replace(KEYS_2, signed=(0, 1, 4, 5))  # valid, but not the one
        board.urls = {
            "http://fleet/latest.rlt": offered((CA3,), 1, key_set=2),
            "http://fleet/keys-2.rlk": keys(other),
        }
        board.link.server = Server(CA3)
        assert board.connect() == "ROOT"
        board.urls["http://fleet/keys-2.rlk"] = keys(KEYS_2)
        board.later(DAY)
        assert board.connect() == ""

    def test_it_is_committed_at_acceptance_and_drops_what_the_old_keys_signed(self, board):
        assert board.offer(NEW) == ""
        assert board.offer(keys(KEYS_2)) == ""
        assert (board.flash.writes[-4], board.flash.writes[-1]) == ("k0", "tb")
        assert board.flash.files["tb"] == b"-"  # so that no fault brings it back either
        assert (board.state, board.candidate) == ("idle", None)

    @pytest.mark.parametrize(("cut", "landed"), [c for c in CUTS if c[0] < 3])
    def test_a_power_cut_leaves_the_old_set_or_the_new_in_force(self, board, cut, landed):
        assert board.connect() == ""  # so that there is a record
        with_cut(board, cut, landed, lambda: board.offer(keys(KEYS_2)))
        version = board.trust.store.keys().version
        assert version == (1 if (cut, landed) < (1, True) else 2)
        assert board.offer(keys(KEYS_2)) == ("" if version == 1 else "same")
        assert board.offer(keys(KEYS_3)) == ""

    def test_what_is_stored_already_is_not_checked_under_newer_keys(self, board):
        board.rotate(NEW, CA3)
        assert board.offer(keys(KEYS_2)) == ""
        board.boot()
        assert board.active == NEW
        assert board.connect() == ""

    @pytest.mark.parametrize("chain", [c for c in CHAINS.items() if not c[1][0].answer], ids=str)
    def test_the_chains_of_tuf(self, chain):
        _, (start, *others) = chain
        with Board(factory=(b"", keys(start))) as board:
            for one in others:
                if one.answer:
                    assert board.offer(keys(one)) in (one.answer, "same")
                    assert board.trust.store.keys().version != one.version or one.version == 1
                else:
                    assert board.offer(keys(one)) == ""
                    assert board.trust.store.keys().version == one.version
