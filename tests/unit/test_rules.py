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

import importlib.util
import time
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from keyset_cases import CHAINS, Alias, Elsewhere, Set, first, record
from rootlet import bundle as encoding
from rootlet import resources
from rotation_world import (
    CA1,
    CA3,
    CA4,
    CREATED,
    DAY,
    KEYS_1,
    KEYS_2,
    KEYS_3,
    POWER_ON,
    RETIRE,
    REVOKE,
    SG2,
    YEAR,
    Board,
    PowerCut,
    Server,
    keys,
    offered,
)
from urootlet import bundle as layout
from urootlet import clock
from urootlet.bundle import Bundle
from urootlet.errors import Error
from urootlet.union import Union

OLD, NEW, NEXT = offered((CA1,), 1), offered((CA3,), 2), offered((CA4,), 3)
FACTORY = (offered((SG2,), 1), keys(KEYS_1))
STOLEN = Server(CA1)  # what the thief of the old root's key answers
#: Both outcomes of a power cut in the middle of a write, at each write of a rotation.
CUTS = [(cut, landed) for cut in range(14) for landed in (False, True)]


@pytest.fixture
def board():
    with Board() as made:
        yield made


def bad_trial(trusted=STOLEN):
    """An impostor: nonsense for the candidate alone, the true server for all else."""

    def answer(found, application):
        alone = application and getattr(found, "data", b"") == NEW
        return Server("") if alone else trusted

    return answer


def with_cut(board, cut, landed, *steps):
    """Do the steps with a power cut at the given write, then start again."""
    board.flash.cut, board.flash.landed = cut, landed
    try:
        for step in steps:
            step()
    except PowerCut:
        pass
    board.boot()


class TestRule01ATlsFailureIsNeverEvidence:
    def test_ten_bad_trials_with_forwarded_controls_and_a_clean_link_end_on_new(self, board):
        assert board.offer(NEW) == ""
        board.link.answer = bad_trial()
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
        assert board.trust.store.candidate() == NEW

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

    def test_the_back_off_never_grows_over_a_day(self, board):
        assert board.offer(NEW) == ""
        board.link.answer = bad_trial()
        for _ in range(20):
            assert board.connect() == ""
            board.later(DAY)
        trials = [name for name, _ in board.told if name == "on_trial"]
        assert len(trials) == 20

    def test_the_back_off_keeps_to_itself_until_it_has_passed(self, board):
        assert board.offer(NEW) == ""
        board.link.answer = bad_trial()
        for _ in range(20):
            assert board.connect() == ""
        assert [name for name, _ in board.told].count("on_trial") == 1

    def test_a_parked_candidate_gives_way_to_a_newer_one(self, board):
        assert board.offer(NEW) == ""
        board.link.answer = bad_trial()
        assert board.connect() == ""
        assert board.offer(NEXT) == ""
        board.link.answer = lambda *_: Server(CA4)
        assert board.connect() == ""
        assert board.active == NEXT


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
            assert board.connect() == "NOROOTS"
            assert board.link.sessions == []
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
        assert board.flash.writes[-3] == "k0"
        assert (board.state, board.trust.store.candidate()) == ("idle", None)

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


class TestRule05TimeIsNotTakenOnTrust:
    def test_ntp_nine_years_ahead_twelve_times_moves_no_floor(self, board):
        board.rotate(NEW, CA3)
        floor = board.trust.status()["time_floor"]
        assert board.offer(NEXT) == ""
        for step in range(12):
            lie = CREATED + 9 * YEAR * (step + 1)
            board.link.ntp = lambda lie=lie: min(lie, 2**32 - 1)
            assert board.connect() == "EXPIRED"
            assert board.trust.status()["time_floor"] == floor
        board.link.ntp = lambda: CREATED + 2 * DAY
        board.link.server = Server(CA4)
        assert board.connect() == ""
        assert board.active == NEXT

    @pytest.mark.parametrize("stamp", [4_000_000_000, 2**32 - 1, 2**32 + 5, 2**33])
    def test_a_clock_that_was_set_absurdly_late_is_set_back_by_true_ntp(self, board, stamp):
        assert board.offer(NEW) == ""
        board.link.ntp = lambda: stamp
        for _ in range(3):
            assert board.connect() == "EXPIRED"
        board.link.ntp = lambda: CREATED + 2 * DAY
        board.link.server = Server(CA3)
        assert [board.connect() for _ in range(3)][-1] == ""
        assert board.active == NEW

    @pytest.mark.parametrize("created", [4_000_000_000, 2**32 - 1])
    def test_a_bundle_created_in_2106_does_no_harm_even_without_ntp(self, board, created):
        assert board.offer(offered((CA3,), 2, created=created)) == ""
        for _ in range(3):
            assert board.connect() == ""
            board.later(DAY)
        assert board.clock < CREATED + 5 * DAY
        assert board.offer(NEXT) == ""
        board.link.server = Server(CA4)
        assert board.connect() == ""
        assert board.trust.status()["time_floor"] == CREATED

    def test_with_revoke_now_as_well(self, board):
        assert board.offer(offered((CA3,), 2, created=2**32 - 1, flags=REVOKE)) == ""
        board.link.server = Server(CA3)
        for _ in range(2):
            assert board.connect() == "EXPIRED"
        board.link.server = Server(CA4)
        assert board.offer(NEXT) == ""
        assert board.connect() == ""
        assert board.active == NEXT

    def test_a_leaf_moves_the_floor_five_years_at_most_and_a_newer_bundle_heals(self, board):
        start = CREATED + 20 * YEAR
        board.link.ntp = lambda: start + DAY
        board.link.server = Server(CA1, start, start + YEAR)
        assert board.connect() == ""
        pushed = board.trust.status()["time_floor"]
        assert CREATED + 4 * YEAR < pushed <= CREATED + 5 * YEAR
        board.link.ntp = lambda: None
        board.boot()
        board.set(POWER_ON)
        board.link.server = Server(CA3)
        assert board.connect() == "ROOT"
        assert board.clock == pushed
        assert board.offer(offered((CA3,), 2, created=CREATED + DAY)) == ""
        assert board.connect() == ""
        assert board.trust.status()["time_floor"] == CREATED + DAY

    def test_a_failed_trial_moves_neither_the_floor_nor_the_clock(self, board):
        before = board.clock
        assert board.offer(offered((CA3,), 2, created=CREATED + YEAR)) == ""
        assert board.connect() == ""
        assert board.trust.status()["time_floor"] <= CREATED
        assert before <= board.clock < before + DAY

    def test_a_device_that_slept_eleven_years_takes_true_ntp(self, board):
        assert board.connect() == ""
        now = CREATED + 11 * YEAR
        board.boot()
        board.set(POWER_ON)
        board.link.ntp = lambda: now
        board.link.server = Server(CA1, now - DAY, now + YEAR)
        assert board.connect() == ""

    @pytest.mark.parametrize(
        "moment", [2_085_978_496, 2**31, 2**32], ids=["2036-02-07", "2038-01-19", "2106-02-07"]
    )
    def test_the_ends_of_counters_are_crossed(self, moment):
        with Board(clock=moment - 100) as board:
            board.link.server = Server(CA1, moment - YEAR, moment + YEAR)
            assert board.connect() == ""
            assert board.offer(NEW) == ""
            assert board.connect() == ""
            assert board.state == "parked"
            board.later(200)
            assert board.connect() == ""
            board.later(DAY)
            board.link.server = replace(board.link.server, root=CA3)
            assert board.connect() == ""
            assert board.active == NEW

    @pytest.mark.parametrize("begins", [POWER_ON, 1_609_459_200, CREATED - 1])
    def test_a_clock_before_the_floor_is_raised_to_it(self, begins):
        with Board(clock=begins) as board:
            assert board.connect() == ""
            assert board.clock == CREATED

    @pytest.mark.parametrize(("epoch", "first_year"), [(0, 1970), (946_684_800, 2000)])
    def test_both_epochs_of_micropython_give_unix_seconds(self, epoch, first_year):
        port = SimpleNamespace(
            time=lambda: CREATED - epoch, gmtime=lambda seconds: time.gmtime(seconds + epoch)
        )
        assert port.gmtime(0)[0] == first_year
        set_to: list[tuple[int, ...]] = []
        machine = SimpleNamespace(RTC=lambda: SimpleNamespace(datetime=set_to.append))
        path = resources.device_package() / "clock.py"
        with patch.dict("sys.modules", time=port, machine=machine):
            spec = importlib.util.spec_from_file_location("urootlet.clock_on_port", path)
            assert spec
            assert spec.loader
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            vars(module)["MICROPYTHON"] = True
            assert module.now() == CREATED
            module.raise_to(CREATED + 5)
        assert set_to == [(*time.gmtime(CREATED + 5)[:3], 0, *time.gmtime(CREATED + 5)[3:6], 0)]

    @pytest.mark.parametrize(
        "fault", [OSError(110), OverflowError(), ValueError("buffer too small"), IndexError()]
    )
    def test_an_ntp_server_that_answers_nonsense_is_no_answer(self, fault):
        def settime():
            raise fault

        with patch.dict("sys.modules", ntptime=SimpleNamespace(settime=settime)):
            assert clock.sync("ntp.example") is False

    def test_a_year_of_daily_connections_writes_the_floor_a_few_times(self, board):
        for day in range(365):
            begins = CREATED + day // 45 * 45 * DAY  # a leaf of AWS is renewed long before its end
            board.link.server = Server(CA1, begins, begins + 275 * DAY)
            assert board.connect() == ""
            board.later(DAY)
        assert board.trust.status()["writes"] <= 12
        assert len(board.flash.writes) == 2 * board.trust.status()["writes"]

    def test_a_year_of_reboots_and_connections_on_a_board_without_a_clock_writes_no_more(self):
        with Board() as board:
            for _ in range(365):
                board.boot()
                board.set(POWER_ON)
                assert board.connect() == ""
            assert board.trust.status()["writes"] <= 2


class TestRule06ASequenceCannotEndAllUpdates:
    @pytest.mark.parametrize(("sequence", "code"), [(1001, ""), (1002, "SEQUENCE")])
    def test_a_jump_of_a_thousand_is_the_longest(self, sequence, code):
        with Board() as board:
            assert board.offer(offered((CA3,), sequence)) == code

    def test_the_largest_number_is_refused(self, board):
        assert board.refuses(offered((CA3,), 2**32 - 1)) == "SEQUENCE"

    def test_a_new_key_set_starts_again_and_the_old_one_is_over(self, board):
        board.rotate(offered((CA3,), 1001), CA3)
        assert board.offer(keys(KEYS_2)) == ""
        assert board.refuses(offered((CA4,), 1001, key_set=2)) == "SEQUENCE"
        board.rotate(offered((CA4,), 1, key_set=2), CA4)
        for sequence in (1, 2, 1002):
            assert board.refuses(offered((CA1,), sequence)) == "SEQUENCE"

    def test_the_same_and_an_older_sequence_are_refused(self, board):
        board.rotate(offered((CA3,), 5), CA3)
        for sequence in (1, 4, 5):
            assert board.refuses(offered((CA1, CA3), sequence)) == "SEQUENCE"


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

    @pytest.mark.parametrize("size", range(0, len(NEW), 101))
    def test_a_file_that_is_cut_off_is_refused(self, board, size):
        assert board.refuses(NEW[:size]) in _REFUSALS

    def test_a_signature_over_a_key_set_is_none_over_a_bundle(self, board):
        message = Bundle(NEW).data[: Bundle(NEW).signed_end]
        as_keys = message[:4] + b"\x02" + message[5:]
        records = sorted(record(one, as_keys) for one in (0, 1))
        assert board.refuses(message + b"".join(records)) == "SIGNATURE"

    def test_a_signature_for_another_fleet_is_none_here(self, board):
        assert board.refuses(offered((CA3,), 2, target="fans")) == "TARGET"


_REFUSALS = ("FORMAT", "NOROOTS", "TARGET", "SEQUENCE", "SIGNATURE")


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

    def test_what_is_wrong_on_sight_is_not_even_verified(self, board):
        wrong = (b"", b"x" * 5000, OLD + b"x", offered((CA3,), 9999), b"RLT1\x02" + b"x" * 7000)
        with patch("urootlet.signature.verify", side_effect=AssertionError):
            for one in wrong:
                board.refuses(one)

    def test_a_failing_link_writes_eight_records_a_trial_at_most(self, board):
        assert board.offer(NEW) == ""
        written = len(board.flash.writes)
        board.link.answer = bad_trial()
        for _ in range(100):
            board.connect()
        assert len(board.flash.writes) - written <= 8


class TestRule10ABitFlipBringsNothingBack:
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

    def test_an_attempt_that_cannot_be_noted_is_not_made(self, board):
        assert board.offer(NEW) == ""
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

    def test_a_power_cut_in_the_walk_loses_one_step_at_most(self, board):
        board.link.config.recovery = ["http://fleet"]
        board.urls = self.behind(5)
        board.link.server = Server(CA3)
        with_cut(board, 7, False, board.connect)
        assert board.trust.store.keys().version == 3
        assert board.connect() == ""

    def test_it_asks_again_only_after_a_pause_that_differs(self, board):
        board.link.config.recovery = ["http://fleet"]
        board.link.server = Server(CA3)
        for _ in range(10):
            assert board.connect() == "ROOT"
        assert board.asked == ["http://fleet/latest.rlt"]
        pauses = set()
        for start in range(CREATED, CREATED + 20 * DAY, DAY + 37):
            board.boot()
            board.set(start)
            asked = len(board.asked)
            board.connect()
            while len(board.asked) == asked + 1:
                board.later(30)
                board.connect()
            pauses.add(board.clock - start)
        assert len(pauses) > 5
        assert 900 <= min(pauses) <= max(pauses) <= 1860

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


def test_the_helpers_of_this_file_know_what_a_set_is():
    assert keys(first(2, 0, 1, 2)) == keys(KEYS_1)
    assert Bundle(offered((CA1,), 0)).sequence == 0
    assert encoding.PROFILES == {"ecdsa": layout.ECDSA, "rsa": layout.RSA, "both": 3}
