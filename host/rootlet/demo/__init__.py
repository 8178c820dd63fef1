"""The main job from roots to a rotated board, on real parts, one step at a time.

Each step is yielded when it was observed, and what was not observed raises: nothing here is
printed or assumed. The board is a virtual one; the endpoint is the lab's, whose certificates
have Amazon's names and other keys, so its roots come as files.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from rootlet.boardio.virtual import VirtualBoard
from rootlet.demo.connection import Connection
from rootlet.demo.desk import Desk, Step
from rootlet.demo.rotation import Rotation
from rootlet.lab import Hierarchy, Lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Step", "run"]


def run(folder: Path) -> Iterator[Step]:
    """Yield the steps of the demo; ``folder`` holds the board's flash and the lab's keys.

    Raises RootletError at the first step that does not show what it must.
    """
    with ExitStack() as stack:
        began = time.monotonic()
        pki = Hierarchy.load_or_create(folder / "lab")
        lab = stack.enter_context(Lab(pki=pki, preference="prefer-ecdsa"))
        board = stack.enter_context(VirtualBoard(folder / "board"))
        desk = Desk(lab, board, stack.enter_context(lab.subscriber(Desk.TOPIC)))
        yield Step(
            "virtual board and lab started",
            f"{board.port}; {lab.endpoint} on {lab.host}:{lab.port}, "
            f"RSA and ECC certificates, prefers ECDSA, {lab.broker_kind} behind it",
            time.monotonic() - began,
        )
        yield from Connection(desk).steps()
        yield from Rotation(desk, folder).steps()
