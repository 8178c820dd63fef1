"""A journal of steps that change something elsewhere, so that a run can go on or be taken back.

A line is written *before* a step (``begin``, with what was found) and *after* it (``done``, with
what came of it), and when it was taken back (``undone``). Holds no secret.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rootlet.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STATES = ("begin", "done", "undone")


class Journal(Lines):
    """The journal at a path, held by one run at a time. Raises InputError."""

    LIMIT = 1 << 20
    MEND = "mend the line, or use another folder and delete what AWS has by hand"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._lines: list[dict[str, Any]] = []

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
        self._append(line)
        self._lines.append(line)

    def _take(self, line: Any) -> bool:
        self._lines.append({**line, "data": dict(line["data"])})
        return line["state"] in _STATES and {type(line["time"]), type(line["step"])} == {int, str}
