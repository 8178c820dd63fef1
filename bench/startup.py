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

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNS = 15
#: What is timed, and the ratio that it must stay within.
LIMITS = {"--help": 6.0, "build": 14.0}


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


def main() -> None:
    """Print the table; exit 1 when a limit is exceeded."""
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
    bare = found.pop("bare")
    print(f"python -c pass   {bare * 1000:6.1f} ms   1.0x")
    for name, seconds in found.items():
        ratio, limit = seconds / bare, LIMITS[name]
        print(f"rootlet {name:8} {seconds * 1000:6.1f} ms  {ratio:4.1f}x  (at most {limit}x)")
    sys.exit(any(seconds / bare > LIMITS[name] for name, seconds in found.items()))


if __name__ == "__main__":
    main()
