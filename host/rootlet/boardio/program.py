"""Running a client program that is not ours: no shell, bounded time and output, nothing left."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_KEPT = 4096  # bytes of output, the last ones
_CHUNK = 4096
_BREATH = 0.02  # seconds
_GRACE = 1.0  # seconds from SIGTERM to SIGKILL, and for a reader to follow


class Ended(NamedTuple):
    """How a program ended: its status, or None if it was ended here, and its last 4 KB."""

    status: int | None
    output: str


def find(name: str) -> str:
    """Return the path of a program. Raises InputError if there is none."""
    path = shutil.which(name)
    if path is None:
        raise InputError(
            f"{name[:80]}: no such program", why="it is not on PATH", hint="install it first"
        )
    return path


def run(  # noqa: PLR0913 - limits by keyword, each one needed
    arguments: Sequence[str],
    *,
    folder: Path,
    enough: Callable[[], bool],
    seconds: float,
    given: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run a program in ``folder`` until it ends, ``enough()``, or ``seconds`` have passed.

    It gets ``given`` (at most 4 KB) on its standard input, which then stays open. It and what
    it started have gone when this returns or raises. ``environment`` is added to ours.
    """
    child = subprocess.Popen(
        arguments,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # a group of its own, so that all of it can be ended
    )
    output = _Tail(cast("IO[bytes]", child.stdout))
    try:
        with contextlib.suppress(BrokenPipeError):  # it does not read, or has gone already
            _feed(cast("IO[bytes]", child.stdin), given)
        _wait(child, enough, time.monotonic() + seconds)
        status = child.poll()
    finally:
        _end(child)
    return Ended(status, output.text())


def _feed(pipe: IO[bytes], given: bytes) -> None:
    pipe.write(given)
    pipe.flush()


def _wait(child: subprocess.Popen[bytes], enough: Callable[[], bool], deadline: float) -> None:
    while child.poll() is None and not enough() and time.monotonic() < deadline:
        time.sleep(_BREATH)


def _end(child: subprocess.Popen[bytes]) -> None:
    for way in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):  # the whole group has gone
            os.killpg(child.pid, way)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE)
    with contextlib.suppress(BrokenPipeError):
        cast("IO[bytes]", child.stdin).close()


class _Tail:
    """Read a pipe to its end in the background and keep the last bytes."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._data = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._pipe:
            while data := os.read(self._pipe.fileno(), _CHUNK):
                self._data = (self._data + data)[-_KEPT:]

    def text(self) -> str:
        """Return what was kept; a process that fled its group may still hold the pipe."""
        self._reader.join(_GRACE)
        return self._data.decode(errors="replace")
