"""Rules 10 and 11: bit flips and recovery. test_rules_offers.py has the table of all rules."""

from dataclasses import replace
from unittest.mock import patch

import pytest

from keyset_cases import Set
from rotation_world import (
    CA1,
    CA3,
    CA4,
    CREATED,
    DAY,
    KEYS_1,
    KEYS_2,
    NEW,
    NEXT,
    OLD,
    SG2,
    Board,
    Server,
    keys,
    offered,
    with_cut,
)
from urootlet.errors import Error

FACTORY = (offered((SG2,), 1), keys(KEYS_1))


@pytest.fixture
def board():
    with Board() as made:
        yield made


class TestRule10ABitFlipBringsNothingBack:
    @pytest.mark.parametrize("rotated", [1, 2])
    def test_with_both_records_lost_after_new_keys_the_device_serves_and_replays_nothing(
        self, board, rotated
    ):
        """The slots were signed under the old keys, which are still there to check them."""
        board.rotate(NEW, CA3)
        if rotated == 2:
            board.rotate(NEXT, CA4)
        assert board.offer(keys(KEYS_2)) == ""
        newest = board.active
        for name in ("s0", "s1"):
            del board.flash.files[name]
        board.boot()
        assert board.trust.status()["keys"] == 2
        for number in range(1, 6):  # nothing that the old keys signed, seen before or not
            assert board.refuses(offered((SG2,), number)) == "SEQUENCE"
        assert board.connect() == ""
        assert board.active == newest
        assert board.trust.status()["floor"] == (1, 1 + rotated)
        assert board.offer(offered((CA1,), 1, key_set=2)) == ""

    @pytest.mark.parametrize("state", ["trial", "parked"])
    @pytest.mark.parametrize("slot", ["ta", "tb"])
    def test_a_candidate_that_newer_keys_dropped_stays_lost(self, board, state, slot):
        if slot == "ta":
            board.rotate(offered((CA1, SG2), 2), CA1)
        before, waiting = board.active, offered((CA3,), 3)
        assert board.offer(waiting) == ""
        if state == "parked":
            assert board.connect() == ""
        assert board.state == state
        assert board.offer(keys(KEYS_2)) == ""
        assert board.flash.files[slot] != waiting
        for name in ("s0", "s1"):
            del board.flash.files[name]
        board.boot()
        assert (board.state, board.active) == ("idle", before)

    @pytest.mark.parametrize("name", ["s0", "s1"])
    def test_each_byte_of_a_record_flipped_and_the_old_bundle_is_refused(self, board, name):
        board.rotate(NEW, CA3)
        whole = dict(board.flash.files)
        for at in range(len(whole[name])):
            board.flash.files.update(whole)
            board.flash.flip(name, at, 1 << at % 8)
            board.boot()
            assert board.trust.status()["floor"] == (1, 2)
            assert board.refuses(OLD) == "SEQUENCE"
            assert board.active == NEW

    @pytest.mark.parametrize("landed", [False, True])
    def test_after_a_cut_between_the_two_writes_the_next_boot_makes_them_the_same(
        self, board, landed
    ):
        assert board.offer(NEW) == ""
        board.link.server = Server(CA3)
        with_cut(board, 3, landed, board.connect)  # after the first write of the confirmation
        assert board.active == NEW
        assert board.connect() == ""
        for name in ("s0", "s1"):
            whole = dict(board.flash.files)
            board.flash.flip(name, 40)
            board.boot()
            assert board.active == NEW
            board.flash.files.update(whole)

    def test_with_both_records_lost_it_goes_by_what_is_signed(self, board):
        board.rotate(NEW, CA3)
        for name in ("s0", "s1"):
            board.flash.flip(name, 20)
        board.boot()
        assert board.refuses(OLD) in ("same", "SEQUENCE")
        assert board.connect() == ""
        assert (board.active, board.trust.status()["floor"]) == (NEW, (1, 2))

    def test_a_bundle_that_nobody_signed_is_not_put_in_force_by_losing_the_records(self, board):
        board.rotate(NEW, CA3)
        foreign = offered((SG2,), 900, signed=(8, 9))
        board.flash.files["ta"] = foreign
        for name in ("s0", "s1"):
            board.flash.flip(name, 20)
        board.boot()
        assert board.active == NEW

    def test_a_damaged_active_slot_is_made_whole_by_the_same_bytes(self, board):
        board.rotate(NEW, CA3)
        board.flash.flip("tb", 300)
        board.boot()
        board.link.config.recovery = ["http://fleet"]
        board.urls["http://fleet/latest.rlt"] = NEW
        assert board.connect() == ""
        assert board.active == NEW

    def test_a_damaged_candidate_is_dropped_but_not_banned(self, board):
        assert board.offer(NEW) == ""
        board.flash.flip("tb", 300)
        board.boot()
        assert board.connect() == ""
        assert board.state == "idle"
        board.rotate(NEW, CA3)

    def test_a_worn_flash_does_not_stop_the_active_set(self, board):
        assert board.offer(NEW) == ""
        board.flash.broken = True
        for _ in range(3):
            assert board.connect() == ""
            assert board.active == OLD
            board.later(90 * DAY)
            board.link.server = replace(board.link.server, begins=board.clock - DAY)
        assert [one for one in board.link.sessions if one.server.root == CA3] == []

    def test_the_first_attempt_is_noted_with_the_candidate(self, board):
        assert board.offer(NEW) == ""
        assert board.trust.status()["attempts"] == 1
        written = len(board.flash.writes)
        board.link.server = Server(CA3)
        assert board.connect() == ""
        assert board.flash.writes[written:] == ["s1", "s0"]  # that it is confirmed, and no more

    def test_an_attempt_that_cannot_be_noted_is_not_made(self, board):
        assert board.offer(NEW) == ""
        board.boot()  # which leaves open whether the first was made
        board.flash.broken = True
        board.link.answer = lambda found, _: Server(CA3 if found.data == NEW else CA1)
        assert board.connect() == ""
        assert {one.data for one in board.link.sessions} == {OLD}


class TestRule11RecoveryIsBoundedInSteps:
    def behind(self, count):
        """Key sets 2 to ``count`` + 1, each signed by 0 and 1, and a bundle under the last."""
        sets = [Set(version, 2, (0, 1, 2), (0, 1)) for version in range(2, count + 2)]
        files = {f"http://fleet/keys-{one.version}.rlk": keys(one) for one in sets}
        files["http://fleet/latest.rlt"] = offered((CA3,), 1, key_set=count + 1, signed=(0, 1))
        return files

    def test_twenty_key_sets_behind_it_walks_eight_a_session_and_resumes(self, board):
        board.link.config.recovery = ["http://fleet"]
        board.urls = self.behind(20)
        board.link.server = Server(CA3)
        versions = []
        for _ in range(3):
            board.asked.clear()
            code = board.connect()
            assert len(board.asked) <= 9
            versions.append(board.trust.store.keys().version)
            board.boot()
            board.later(DAY)
        assert (versions, code) == ([9, 17, 21], "")

    def test_an_offer_whose_record_the_power_cut_off_is_found_in_its_slot(self, board):
        board.trust.settle()
        with_cut(board, 1, False, lambda: board.offer(NEW))
        assert (board.state, board.active) == ("idle", OLD)
        assert board.flash.files["tb"] == NEW
        board.link.server = Server(CA3)
        assert board.connect() == ""
        assert board.active == NEW

    def test_and_so_is_one_that_took_the_place_of_a_candidate(self, board):
        assert board.offer(NEW) == ""
        with_cut(board, 1, False, lambda: board.offer(NEXT))
        assert board.flash.files["tb"] == NEXT
        board.link.answer = lambda *_: Server(CA4)
        assert board.connect() == ""
        assert board.active == NEXT

    def test_a_power_cut_in_the_walk_loses_one_step_at_most(self, board):
        board.link.config.recovery = ["http://fleet"]
        board.urls = self.behind(5)
        board.link.server = Server(CA3)
        with_cut(board, 7, False, board.connect)
        assert board.trust.store.keys().version == 3
        assert board.connect() == ""

    @pytest.mark.parametrize("chance", [0, 0xFFFF])
    def test_it_asks_again_only_after_a_pause(self, board, chance):
        board.link.config.recovery = ["http://fleet"]
        connections = []

        def answer(found, _):
            connections.append(found.data)
            return Server(CA3)

        board.link.answer = answer
        with patch("urootlet.recovery.urandom", lambda size: chance.to_bytes(size, "big")):
            assert board.connect() == "ROOT"
            board.later(900 + 900 * chance // 65536 - 1)
            for _ in range(9):
                assert board.connect() == "ROOT"
            assert board.asked == ["http://fleet/latest.rlt"]
            board.later(1)
            assert board.connect() == "ROOT"
        assert board.asked == ["http://fleet/latest.rlt"] * 2
        assert connections == [OLD] * 11  # what finds nothing is no reason to connect again
        errors = [one[0].code for name, one in board.told if name == "on_error"]
        assert errors.count("NET") == 2

    def test_a_server_that_answers_nonsense_is_an_error_that_is_told(self, board):
        board.link.config.recovery = ["http://fleet"]
        board.link.server = Server(CA3)
        with patch("urootlet.fetch.get", side_effect=KeyError("nonsense")):
            assert board.connect() == "ROOT"
        assert ("NET", "KeyError('nonsense')") in [
            (one[0].code, one[0].detail) for name, one in board.told if name == "on_error"
        ]

    def test_and_so_does_one_that_starts_its_rotation_anew_each_time(self, board):
        board.link.config.recovery = ["http://fleet"]
        board.link.server = Server(CA3)
        for _ in range(10):
            board.start()
            assert board.connect() == "ROOT"
        assert board.asked == ["http://fleet/latest.rlt"]

    def test_devices_that_asked_in_the_same_second_ask_again_at_different_times(self, board):
        board.link.config.recovery = ["http://fleet"]
        board.link.server = Server(CA3)
        pauses = set()
        for _ in range(20):
            board.set(CREATED)
            board.boot()
            board.connect()
            asked = len(board.asked)
            while len(board.asked) == asked:
                board.later(30)
                board.connect()
            pauses.add(board.clock - CREATED)
        assert len(pauses) > 5
        assert 900 <= min(pauses) <= max(pauses) <= 1830

    def test_a_network_fault_is_no_reason_to_look_for_another_bundle(self, board):
        board.link.config.recovery = ["http://fleet"]
        board.link.answer = lambda *_: Error("NET", "")
        assert board.connect() == "NET"
        assert board.asked == []

    @pytest.mark.parametrize("fault", [OSError(104), MemoryError(), ValueError("suback")])
    def test_an_older_set_whose_server_misbehaves_is_one_more_refusal(self, fault):
        def subscribe(*_):
            raise fault

        with Board(OLD, FACTORY) as board, patch("rotation_world.Client.subscribe", subscribe):
            board.link.config.offers = "offers"
            board.link.server = Server(SG2)
            assert board.connect() == "ROOT"
