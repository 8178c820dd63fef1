"""How fast ``rootlet audit`` is beside ``sha256sum``, and its memory: ``make bench-audit``.

Two files of firmware-like bytes: random code, erased flash, tables of text, and planted trust
material in each MiB. The best of the runs counts, start-up included; memory is the peak of the
process (resident, as the kernel counts it). The planted things must all be found.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rootlet import catalog, pem

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
RUNS = 3
#: At most so many times as long as sha256sum; MiB of memory, and its growth from file to file.
RATIO, MEMORY, GROWTH = 20.0, 128, 8
_PLANTED_PER_MIB = 4


def chunks(size: int) -> Iterator[bytes]:
    """Yield MiB after MiB of what a firmware looks like."""
    chance = random.Random(8)  # noqa: S311 - no secret
    anchors = catalog.load().anchors
    for number in range(size // MIB):
        one = anchors[number % len(anchors)]
        planted = [
            one.der,
            pem.armour(one.der).encode(),
            bytes.fromhex(one.sha256),
            one.spki_sha256.encode(),
        ]
        room = MIB // _PLANTED_PER_MIB
        parts = []
        for index, thing in enumerate(planted):
            filler = (chance.randbytes(room), b"\xff" * room, b"wifi: state %d\0" * (room // 15))
            parts += [thing, filler[(number + index) % 3][: room - len(thing)]]
        yield b"".join(parts).ljust(MIB, b"\0")


def run(command: list[str]) -> tuple[float, float, bytes]:
    """Return the shortest of the runs in seconds, the peak in MiB, and the last output."""
    seconds, peak, output = float("inf"), 0.0, b""
    for _ in range(RUNS):
        with tempfile.TemporaryFile() as out:
            began = time.perf_counter()
            child = subprocess.Popen(command, stdout=out)
            _, _, usage = os.wait4(child.pid, 0)
            seconds = min(seconds, time.perf_counter() - began)
            peak = max(peak, usage.ru_maxrss / 1024)
            out.seek(0)
            output = out.read()
    return seconds, peak, output


def main() -> None:
    """Print the table; exit 1 when a limit is exceeded or something was not found."""
    good, peaks = True, []
    with tempfile.TemporaryDirectory(prefix="rootlet-bench-") as folder:
        path = Path(folder) / "firmware.bin"
        for size in (64, 256):
            with path.open("wb") as file:
                file.writelines(chunks(size * MIB))
            reference, _, _ = run(["sha256sum", str(path)])
            rootlet = str(Path(sys.executable).with_name("rootlet"))
            seconds, peak, output = run([rootlet, "audit", "--json", str(path)])
            found, planted = len(json.loads(output)["findings"]), size * _PLANTED_PER_MIB
            ratio = seconds / reference
            print(
                f"{size:4} MiB  sha256sum {reference:6.2f} s   audit {seconds:6.2f} s"
                f"  {ratio:5.1f}x (at most {RATIO:.0f}x)   peak {peak:5.1f} MiB"
                f"   found {found} of {planted}"
            )
            peaks.append(peak)
            good = good and ratio <= RATIO and peak <= MEMORY and found == planted
    print(f"memory grows by {peaks[1] - peaks[0]:.1f} MiB (at most {GROWTH})")
    sys.exit(not good or peaks[1] - peaks[0] > GROWTH)


if __name__ == "__main__":
    main()
