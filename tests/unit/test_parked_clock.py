"""When a parked candidate is tried again by a device whose clock does not last."""

from unittest.mock import patch

import pytest

from rotation_world import CA1, CA3, CA4, CREATED, DAY, NEW, POWER_ON, Board, Server

HOUR = 3600


@pytest.fixture
def board():
    """A device that has parked NEW, because the fleet's service has not moved yet."""
    with Board(clock=POWER_ON) as made:
        assert made.offer(NEW) == ""
        assert made.connect() == ""
        assert trials(made) == 1
        yield made


def trials(board):
    return [name for name, _ in board.told].count("on_trial")


def wake(board):
    """Switch it on, as a battery-less sensor that sends once and is switched off."""
    board.set(POWER_ON)
    board.boot()
    return board.connect()


class TestWithoutAnySourceOfTime:
    def test_one_start_in_sixteen_tries_it(self, board):
        assert {wake(board) for _ in range(800)} == {""}
        assert 15 < trials(board) < 120  # 50 are expected; outside this once in a thousand million

    def test_a_start_that_does_not_writes_nothing(self, board):
        board.flash.writes.clear()
        with patch("urootlet.rotation.urandom", return_value=b"\xff"):
            assert {wake(board) for _ in range(50)} == {""}
        assert (trials(board), board.flash.writes) == (1, [])

    def test_the_first_ones_come_sooner_as_the_back_off_grows(self, board):
        seen = []
        for chance in range(1, 6):
            starts = 0
            # The lowest bits decide: this start is the first whose number they divide.
            while trials(board) == chance:
                starts += 1
                with patch("urootlet.rotation.urandom", return_value=bytes([starts % 256])):
                    wake(board)
            seen.append(starts)
        assert seen == [2, 4, 8, 16, 16]

    def test_it_serves_with_the_new_set_once_the_service_has_moved(self, board):
        board.link.server = Server(CA3)
        for _ in range(200):  # a chance of one in two at first; a trial that works is the last
            if wake(board) == "":
                break
        assert board.active == NEW

    def test_a_run_asks_chance_once(self, board):
        board.set(POWER_ON)
        board.boot()
        with patch("urootlet.rotation.urandom", return_value=b"\xff") as asked:
            for _ in range(5):
                assert board.connect() == ""
        assert (asked.call_count, trials(board)) == (1, 1)

    def test_a_run_that_lasts_goes_by_its_own_clock(self, board):
        board.set(POWER_ON)
        board.boot()
        with patch("urootlet.rotation.urandom", return_value=b"\xff"):
            for _ in range(49):
                board.connect()
                board.later(HOUR)
        assert trials(board) == 6  # after 15 minutes, 1, 4, 16 hours, and a day


class TestWithAServerForTheTime:
    def test_it_is_tried_once_a_day_at_most_whatever_the_clock_says_at_power_on(self, board):
        now = CREATED + DAY
        for _ in range(240):
            now += HOUR
            board.link.ntp = lambda now=now: now
            assert wake(board) == ""
        # The steps of the back-off, 15 minutes to 16 hours, and then the days.
        assert 9 <= trials(board) <= 15

    def test_a_clock_that_was_years_ahead_costs_one_day(self, board):
        board.link.ntp = lambda: 4_000_000_000
        board.boot()
        board.link.server = Server(CA1, ends=2**33)
        board.later(DAY)
        assert board.connect() == ""
        before = trials(board)
        with patch("urootlet.rotation.urandom", return_value=b"\xff"):
            for hour in range(27):
                board.link.ntp = lambda hour=hour: CREATED + DAY + hour * HOUR
                assert board.connect() == ""
        assert trials(board) == before + 1


class TestAnActiveSetThatIsDead:
    def test_does_not_leave_the_candidate_to_chance(self, board):
        board.link.server = Server(CA3)
        with patch("urootlet.rotation.urandom", return_value=b"\xff"):
            assert wake(board) == ""
        assert board.active == NEW

    def test_tries_one_that_does_not_work_either_four_times_an_hour_in_a_run(self, board):
        board.link.server = Server(CA4)
        with patch("urootlet.rotation.urandom", return_value=b"\xff"):
            assert wake(board) == "ROOT"
            before = trials(board)
            for _ in range(60):
                board.later(60)
                assert board.connect() == "ROOT"
        assert 3 <= trials(board) - before <= 4
