"""Running the programs that own a store: no shell, bounded time, words in English."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_SECONDS = 60.0  # keytool takes two


class Ended(NamedTuple):
    """How a program ended: its status, what it printed, and its complaints' last line."""

    status: int
    output: bytes
    complaint: str


def run(command: Sequence[str]) -> Ended | None:
    """Run a command to its end; None when there is no such program."""
    path = shutil.which(command[0])
    if path is None:
        return None
    try:
        done = subprocess.run(
            [path, *command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except OSError as error:
        return Ended(-1, b"", error.strerror or str(error))
    except subprocess.TimeoutExpired:
        return Ended(-1, b"", f"no end after {_SECONDS:g} s")
    words = (done.stderr or done.stdout[-2000:]).decode(errors="replace").split("\n")
    last = [line.strip() for line in words if line.strip()][-1:]
    return Ended(done.returncode, done.stdout, "".join(last))
