"""One run of the interpreter, on a pty of its own.

The pty's inner end is the controlling terminal of the process: the kernel turns Ctrl-C into
SIGINT while a program runs, and sends SIGHUP when this side is closed, so that no process
outlives a supervisor that was killed.
"""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import termios
import tty
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from rootlet.errors import BoardError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FIRMWARE = Path(__file__).parent / "firmware"


class Exit(IntEnum):
    """Why the interpreter ended, as the firmware says it (``board_terminal.py``)."""

    SOFT_RESET = 40
    SOFT_RESET_RAW = 41
    RESET = 42
    NO_FILE_SYSTEM = 43
    POWER_LOST = 44


class BoardProcess:
    """A started interpreter; ``terminal`` is the descriptor to read and write, not blocking."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
        self.terminal, inner = pty.openpty()
        try:
            make_raw(inner)
            os.set_blocking(self.terminal, False)
            self._process = subprocess.Popen(
                [*_heeding_signals(), *command, os.ttyname(inner)],
                stdin=inner,
                stdout=inner,
                stderr=inner,
                env=dict(environment),
                start_new_session=True,
            )
        except OSError as error:
            os.close(self.terminal)
            raise BoardError(f"cannot start {command[0]}", why=str(error.strerror)) from error
        finally:
            os.close(inner)

    def kill(self) -> None:
        """End the process at once, as a cut of the power does."""
        self._process.kill()

    def close(self) -> int:
        """Wait for the end and return the exit status; give the terminal back."""
        os.close(self.terminal)
        return self._process.wait()


def _heeding_signals() -> Sequence[str]:
    """Return what goes before a command so that it ends with its terminal, also under nohup.

    A program inherits which signals are ignored; a board that ignored the end of its terminal
    would outlive a supervisor that was killed. ``env`` is GNU's (coreutils 8.31 or newer).
    """
    ignored = [s for s in (signal.SIGHUP, signal.SIGINT) if signal.getsignal(s) is signal.SIG_IGN]
    return ("env", "--default-signal=HUP,INT") if ignored else ()


def make_raw(descriptor: int) -> None:
    """Make a pty pass every byte; a Ctrl-C that interrupts does not throw away other input."""
    tty.setraw(descriptor)
    attributes = termios.tcgetattr(descriptor)
    attributes[3] |= termios.NOFLSH
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
