"""Programs that the lab runs: each holds its standard input as a lease on its life."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from rootlet.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_GRACE = 3.0  # seconds from the end of the lease to SIGKILL
_LAST_WORDS = 2_000  # bytes of the log that an error quotes from


class Child:
    """One of the lab's Python programs, running until ``stop`` or the end of this process.

    ``program`` is a file beside this one, such as ``broker_process.py``, or the name of a module.

    The program must end when its standard input does: the kernel closes that pipe however this
    process dies, so nothing is left behind. What it writes to standard error goes to ``log``.
    """

    def __init__(
        self,
        program: str,
        *arguments: str,
        log: Path,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self._program, self._log = program, log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                # -P: neither this folder nor the program's own is a place to import from.
                [sys.executable, "-P", *_found(program), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=env,
                pass_fds=pass_fds,
                # Ctrl-C is for us, who then end the lease.
                start_new_session=True,
            )
        self._input = cast("IO[bytes]", self._process.stdin)
        self.output = cast("IO[bytes]", self._process.stdout)

    @property
    def pid(self) -> int:
        """The process id, for people and for tests."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the program has not ended."""
        return self._process.poll() is None

    def send(self, line: str) -> None:
        """Write one line to the program; NetworkError if it has ended."""
        try:
            self._input.write(line.encode() + b"\n")
            self._input.flush()
        except OSError:
            raise self.failure("has ended") from None

    def stop(self) -> None:
        """End the program, and wait until it has gone."""
        with contextlib.suppress(BrokenPipeError):  # it went first
            self._input.close()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def failure(self, what: str) -> NetworkError:
        """Return the error that says what happened to the program, and its last words."""
        lines = self._log.read_bytes()[-_LAST_WORDS:].decode(errors="replace").splitlines()
        return NetworkError(
            f"the lab's {self._program} {what}",
            why=lines[-1] if lines else f"exit status {self._process.poll()}",
            hint=f"less {self._log}",
        )


def _found(program: str) -> list[str]:
    if program.endswith(".py"):
        return [str(Path(__file__).with_name(program))]
    return ["-m", program]
