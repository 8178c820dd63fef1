"""How long the command line takes to start, as ratios to a bare interpreter: ``make bench-start``.

The best of many runs counts: a busy machine only ever adds time.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from table import Row, finish

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNS = 15


def best(commands: Mapping[str, list[str]]) -> dict[str, float]:
    """Return the shortest of :data:`RUNS` runs of each in seconds; raises if one fails.

    They take turns, so that a busy moment meets all of them.
    """
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            times[name].append(time.perf_counter() - began)
    return {name: min(one) for name, one in times.items()}


def rows() -> list[Row]:
    """Return the start and an unsigned build, milliseconds, beside a bare interpreter."""
    with tempfile.TemporaryDirectory(prefix="rootlet-bench-") as folder:
        rootlet = str(Path(sys.executable).with_name("rootlet"))
        output = str(Path(folder) / "a.rlt")
        found = best(
            {
                "bare": [sys.executable, "-c", "pass"],
                "--help": [rootlet, "--help"],
                "build": [rootlet, "build", "--board", "esp32", "--keys", "rsa", "-o", output],
            }
        )
    bare = found.pop("bare") * 1000
    return [
        Row("host", f"rootlet {name} to bare Python", seconds * 1000, bare, "ms", "best of 15")
        for name, seconds in found.items()
    ]


if __name__ == "__main__":
    finish(rows())
