"""Our plugin next to pytest-embedded: ``make embedded``.

pytest-embedded warns of its own use of pytest in every test, so it is no part of ``make dev``,
where a warning is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rootlet.hil import Board
    from rootlet.lab import Lab


def test_a_dut_and_a_board_work_in_one_test(
    dut: Any, board: Board, lab: Lab, bundle: bytes
) -> None:
    board.flash(lab, bundle)
    connection = board.connect()
    dut.write(connection.protocol)
    assert connection.verified


def test_the_names_of_both_plugins_live_side_by_side(port: str | None, board: Board) -> None:
    assert port is None  # pytest-embedded's option, which ours does not touch
    assert board.port
