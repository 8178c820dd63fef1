"""Gathering what there is to report of a bundle in a file, of a board, or of a fleet.

``rootlet.page`` writes it down. A board is asked at its prompt, by its own code, as
``rotate status`` does; a fleet is asked of AWS IoT Jobs. Nothing is changed anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rootlet import board as boards
from rootlet import budget, bundle, diff, page, rotate, served, timeline, trust_set

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rootlet.board import Board
    from rootlet.jobs import Name
    from rootlet.progress import Execution, Progress

    History = Sequence[tuple[Name, Execution]]


def of_file(data: bytes, name: str, at: datetime, board: Board | None = None) -> page.Report:
    """Report a bundle. Raises InputError (FORMAT) for another file, an empty one too."""
    bundle.decode(data, name)
    return _report(data, name, at, board)


def of_board(
    port: str, at: datetime, board: Board | None = None, history: History = ()
) -> page.Report:
    """Report what the board at ``port`` trusts; it is asked which board it is without ``board``.

    ``history`` is what jobs have come to on its thing. Raises BoardError, and TrustError when it
    cannot tell.
    """
    return of_held(rotate.held(port), port, at, board, history)


def of_held(
    found: rotate.Held, name: str, at: datetime, board: Board | None = None, history: History = ()
) -> page.Report:
    """Report what a board has said; ``board`` goes before what it calls itself."""
    board = board or boards.of_machine(found.machine)
    return _report(found.active, name, at, board, status=found.status, history=history)


def of_fleet(jobs: Sequence[Progress], at: datetime, board: Board | None = None) -> page.Report:
    """Report a roll-out, newest job first, and the bundle that it brings."""
    newest = jobs[0].job.bundle
    return _report(bytes(newest.data), f"fleet {newest.target}", at, board, rollout=jobs)


def _report(data: bytes, name: str, at: datetime, board: Board | None, **more: Any) -> page.Report:
    if not data:
        missing = "There is no bundle on the board that it could connect with."
        return page.Report(name, at, timeline.chart(at), missing=missing, **more)
    side = diff.side(bundle.decode(data, name))
    return page.Report(
        name=name,
        at=at,
        chart=timeline.chart(at, [trust_set.read(data, name)]),
        side=side,
        served=served.answers(side, at, board),
        board=board,
        costs=budget.lines(board, side.usage()) if board else [],
        **more,
    )
