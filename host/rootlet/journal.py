"""A journal of steps that change something elsewhere, so that a run can go on or be taken back.

One JSON object a line, written and flushed to the disk *before* a step (``begin``, with what was
found) and *after* it (``done``, with what came of it), and when it was taken back (``undone``).
A line that a power cut has torn is the last one, and counts as not written. Holds no secret.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from typing import TYPE_CHECKING, Any, Self

from rootlet import files
from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAX_SIZE = 1 << 20
_STATES = ("begin", "done", "undone")


class Journal:
    """A context manager that holds the journal ``path`` for one run at a time.

    Raises InputError when another run holds it, when it cannot be written, or when a line of it
    is not ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Self:
        try:
            self._file = self.path.open("ab")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise InputError(
                f"{self.path}: another run is at work here", hint="wait until it has ended"
            ) from error
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be written",
                why=error.strerror or str(error),
                hint="name a folder that you may write to",
            ) from error
        try:
            self._lines = self._read()
        except InputError:
            self._file.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def begin(self, step: str, **found: Any) -> None:
        """Note that a step is about to be taken, and what was there before."""
        self._write(step, "begin", found)

    def done(self, step: str, **result: Any) -> None:
        """Note that a step has been taken, and what came of it."""
        self._write(step, "done", result)

    def undone(self, step: str) -> None:
        """Note that a step has been taken back."""
        self._write(step, "undone", {})

    def state(self, step: str) -> str:
        """Return the last state of a step; nothing when it was never begun."""
        return next((one["state"] for one in self._of(step)), "")

    def begun(self, step: str) -> dict[str, Any]:
        """Return what was found when a step was last begun."""
        return self._last(step, "begin")

    def result(self, step: str) -> dict[str, Any]:
        """Return what came of a step when it was last done."""
        return self._last(step, "done")

    def _last(self, step: str, state: str) -> dict[str, Any]:
        return next((one["data"] for one in self._of(step) if one["state"] == state), {})

    def _of(self, step: str) -> Iterator[dict[str, Any]]:
        return (one for one in reversed(self._lines) if one["step"] == step)

    def _write(self, step: str, state: str, data: dict[str, Any]) -> None:
        line = {"time": int(time.time()), "step": step, "state": state, "data": data}
        self._file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._lines.append(line)

    def _read(self) -> list[dict[str, Any]]:
        data = files.read(self.path, _MAX_SIZE)
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            os.ftruncate(self._file.fileno(), whole)  # torn by a power cut: never happened
        return [self._line(number, raw) for number, raw in enumerate(data[:whole].splitlines(), 1)]

    def _line(self, number: int, raw: bytes) -> dict[str, Any]:
        try:
            line = json.loads(raw)
            if line["state"] in _STATES and {type(line["time"]), type(line["step"])} == {int, str}:
                data: dict[str, Any] = line["data"]
                return {**line, "data": dict(data)}
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        raise InputError(
            f"{self.path}, line {number}: not a line of this journal",
            why="somebody else has written here",
            hint="mend the line, or use another folder and delete what AWS has by hand",
        )
