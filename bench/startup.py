"""How long the command line takes to start, as ratios to a bare interpreter: ``make bench-start``.

The best of many runs counts: a busy machine only ever adds time.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 15
#: What is timed, and the ratio that it must stay within.
LIMITS = {"--help": 6.0, "build": 14.0}


def best(command: list[str]) -> float:
    """Return the shortest of :data:`RUNS` runs in seconds; raises if one fails."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    """Print the table; exit 1 when a limit is exceeded."""
    with tempfile.TemporaryDirectory(prefix="rootlet-bench-") as folder:
        rootlet = str(Path(sys.executable).with_name("rootlet"))
        output = str(Path(folder) / "a.rlt")
        bare = best([sys.executable, "-c", "pass"])
        found = {
            "--help": best([rootlet, "--help"]),
            "build": best([rootlet, "build", "--board", "esp32", "--keys", "rsa", "-o", output]),
        }
    print(f"python -c pass   {bare * 1000:6.1f} ms   1.0x")
    for name, seconds in found.items():
        ratio, limit = seconds / bare, LIMITS[name]
        print(f"rootlet {name:8} {seconds * 1000:6.1f} ms  {ratio:4.1f}x  (at most {limit}x)")
    sys.exit(any(seconds / bare > LIMITS[name] for name, seconds in found.items()))


if __name__ == "__main__":
    main()
