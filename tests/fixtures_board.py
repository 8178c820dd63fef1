"""A virtual board, and the real mpremote to talk to it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from rootlet.boardio.virtual import VirtualBoard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Mpremote = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def virtual_board(tmp_path: Path) -> Iterator[VirtualBoard]:
    """A started board with an empty flash."""
    with VirtualBoard(tmp_path / "board") as board:
        yield board


@pytest.fixture
def mpremote(virtual_board: VirtualBoard) -> Mpremote:
    """Run the mpremote command on ``virtual_board``; ``ok=False`` when it is to fail."""

    def run(*arguments: str | Path, ok: bool = True) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", virtual_board.port, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (result.returncode == 0) is ok, result.stdout + result.stderr
        return result

    return run
