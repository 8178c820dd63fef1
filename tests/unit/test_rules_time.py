"""Rules 5 and 6: time and sequence. test_rules_offers.py has the table of all rules."""

import importlib.util
import time
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from rootlet import resources
from rotation_world import (
    CA1,
    CA3,
    CA4,
    CREATED,
    DAY,
    KEYS_2,
    NEW,
    NEXT,
    POWER_ON,
    REVOKE,
    YEAR,
    Board,
    Server,
    keys,
    offered,
)
from urootlet import clock, ntp
from urootlet.errors import Error


@pytest.fixture
def board():
    with Board() as made:
        yield made


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
        board.link.server = Server(CA3)
        for minutes in (0, 20, 40):  # the pause begins again by the true clock
            board.link.ntp = lambda minutes=minutes: CREATED + 2 * DAY + 60 * minutes
            said = board.connect()
        assert said == ""
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

    @pytest.mark.parametrize("flags", [0, REVOKE])
    def test_nor_where_the_firmware_takes_no_such_time(self, board, monkeypatch, flags):
        """``gmtime`` of MicroPython 1.24 takes what fits in 31 bits: an RP2 counts from 1970."""

        def gmtime(seconds):
            if seconds >= 2**31:
                raise OverflowError("overflow converting long int to machine word")
            return tuple(time.gmtime(seconds))

        monkeypatch.setattr(board, "gmtime", gmtime)
        assert board.offer(offered((CA3,), 2, created=2**32 - 1, flags=flags)) == ""
        assert board.connect() == ("CLOCK" if flags else "")
        assert board.offer(NEXT) == ""
        board.link.server = Server(CA4)
        assert board.connect() == ""
        assert board.active == NEXT

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
            assert ntp.sync("ntp.example") is False

    def test_the_ntp_server_that_is_asked_is_the_one_of_the_settings(self):
        asked = []
        module = SimpleNamespace(host="pool.ntp.org")
        module.settime = lambda: asked.append(module.host)
        with patch.dict("sys.modules", ntptime=module):
            assert ntp.sync("ntp.example") is True
        assert asked == ["ntp.example"]

    def test_a_gateway_s_clock_is_its_system_s_and_one_that_is_early_is_an_error(self):
        now = int(time.time())
        clock.raise_to(now - 10)
        with pytest.raises(Error) as caught:
            clock.raise_to(now + 1000)
        assert (caught.value.code, caught.value.detail) == ("CLOCK", f"before {now + 1000}")

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
