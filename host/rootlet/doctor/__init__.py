"""The doctor: a ladder of small looks at a board, or at a gateway's files, up to a message.

Rules:

1. The order is that of first contact: what a step needs was seen by those before it. The first
   failure ends the climb.
2. A failure has a code of ``urootlet.advice``, a cause, and the next thing to do (``causes``).
3. Nothing is changed but what ``fix`` names, and the board's program runs again afterwards.
4. What a key or Wi-Fi file holds never leaves the board, and no source line is ever quoted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rootlet.doctor import board, host
from rootlet.doctor.board import Board
from rootlet.doctor.host import Host
from rootlet.doctor.ladder import Outcome, Request, Step, climb

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Board", "Host", "Outcome", "Request", "climb", "is_whole", "patient"]


def patient(request: Request) -> tuple[Board | Host, Sequence[Step[Any]]]:
    """Return whom to look at, as a context manager, and the steps. Raises InputError."""
    if request.port:
        return Board(request), board.STEPS
    return Host(request), host.steps(request)


def is_whole(request: Request) -> bool:
    """Whether all is tried: with an endpoint alone, name and port are."""
    return bool(request.port or request.bundle or request.cert or request.key)
