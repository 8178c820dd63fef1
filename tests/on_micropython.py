"""How a test starts the real MicroPython: with a clock, and with what it may import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rootlet.boardio import micropython
from rootlet.boardio.virtual.clock import Clock

if TYPE_CHECKING:
    from pathlib import Path


def start(
    folder: Path, clock: float, path: str, interpreter: micropython.Interpreter | None = None
) -> tuple[list[str], dict[str, str]]:
    """Return command and environment; ``clock`` is Unix seconds and kept in ``folder``.

    ``path`` is where modules are found, folders with ``:`` between them.
    """
    found = interpreter or micropython.prepare()
    shown = Clock(folder / "clock")
    shown.set(clock)
    environment = {**found.environment, **shown.environment(), "MICROPYPATH": path}
    return [*found.command], environment
