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

from table import Row, finish, progress

from rootlet import catalog, pem

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
RUNS = 3
GROWTH = 8  # MiB of memory, from file to file
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


def rows(sizes: tuple[int, ...] = (64,)) -> list[Row]:
    """Return time and memory for files of some MiB. Exits when planted things are not found."""
    found = []
    rootlet = str(Path(sys.executable).with_name("rootlet"))
    with tempfile.TemporaryDirectory(prefix="rootlet-bench-") as folder:
        path = Path(folder) / "firmware.bin"
        for size in sizes:
            progress(f"host: audit of {size} MiB")
            with path.open("wb") as file:
                file.writelines(chunks(size * MIB))
            reference, _, _ = run(["sha256sum", str(path)])
            seconds, peak, output = run([rootlet, "audit", "--json", str(path)])
            seen, planted = len(json.loads(output)["findings"]), size * _PLANTED_PER_MIB
            if seen != planted:
                raise SystemExit(f"error: {seen} things found of {planted}")
            source = f"{size / seconds:.0f} and {size / reference:.0f} MiB a second"
            what = f"audit of {size} MiB"
            found.append(Row("host", f"{what} to sha256sum", seconds, reference, "s", source))
            found.append(Row("host", f"{what}, peak memory", peak, unit="MiB"))
    return found


def main() -> None:
    """Print the table; exit 1 when a limit is exceeded, or memory grows with the file."""
    found = rows((64, 256))
    small, large = (row.ours for row in found if row.unit == "MiB")
    print(f"memory grows by {large - small:.1f} MiB (at most {GROWTH})")
    if large - small > GROWTH:
        sys.exit(1)
    finish(found)


if __name__ == "__main__":
    main()
