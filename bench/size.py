"""Print what the device package takes on a board: bytes of ``.mpy`` per module, and heap per use.

The interpreter is the 64-bit unix port, whose objects are twice as large as those of a board.
Run it with ``make bench-size``.
"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rootlet.boardio import micropython, mpy
from rootlet.boardio.virtual.clock import Clock

CREATED = 1_790_000_000
#: What a program imports for each use; the rest of the uses' modules follow from it.
_ROTATE = "urootlet.rotation, urootlet.offers, urootlet.dates"
USES = {
    "connect": "urootlet.session",
    "connect + rotate": _ROTATE,
    "connect + rotate + jobs": f"{_ROTATE}, urootlet.jobs",
}
#: Modules that no use loads while all is well (tests/integration/test_rotation_live.py looks at a
#: whole rotation), and when they are loaded instead.
OCCASIONS = {
    "advice": "to say what to do",
    "aio": "by asyncio programs",
    "control": "after a trial that failed",
    "diagnose": "after a failed connection",
    "facts": "with diagnose, or for on_expiring",
    "fetch": "when no root works",
    "jobs": "by programs with AWS IoT Jobs",
    "ntp": "when the settings name a time server",
    "rebuild": "at the first start, or when both records are lost",
    "recovery": "when no root works, or a candidate is damaged",
    "release": "by jobs, and whoever asks for the version",
    "renewal": "by programs that renew their certificate",
    "status": "for an operator, to name a reason, or for jobs",
    "wifi": "when wifi.json is there",
}
_MEASURE = """
import gc, sys
gc.collect()
before = gc.mem_alloc()
import {modules}
gc.collect()
print(gc.mem_alloc() - before, *[name for name in sys.modules if name.startswith("urootlet")])
"""


@dataclass(frozen=True)
class Use:
    """One use: the modules that it loads, their bytes as ``.mpy``, and the heap they hold."""

    modules: tuple[str, ...]
    code: int
    heap: int


def sizes() -> dict[str, int]:
    """Return module -> bytes of its ``.mpy``."""
    return {Path(path).stem: len(code) for path, code in mpy.compile_package().items()}


def uses() -> dict[str, Use]:
    """Load the compiled package in an interpreter of its own for each use, and measure."""
    found = micropython.prepare()
    compiled = mpy.compile_package()
    answer: dict[str, Use] = {}
    with tempfile.TemporaryDirectory(prefix="rootlet-") as folder:
        for path, code in compiled.items():
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / path).write_bytes(code)
        library = Path(folder) / mpy.FOLDER
        clock = Clock(Path(folder) / "clock")
        clock.set(CREATED)
        environment = {
            **found.environment,
            **clock.environment(),
            "MICROPYPATH": str(library.parent),
        }
        for use, modules in USES.items():
            program = _MEASURE.format(modules=modules)
            done = subprocess.run(
                [*found.command, "-c", program],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            heap, *names = done.stdout.split()
            stems = tuple(sorted(one.partition(".")[2] or "__init__" for one in names))
            total = sum(len(compiled[f"{mpy.FOLDER}/{stem}.mpy"]) for stem in stems)
            answer[use] = Use(stems, total, int(heap))
    return answer


def main() -> None:
    """Print one table."""
    found = uses()
    connect = found["connect"]
    print(f"{'module':<23} {'bytes':>7}  loaded")
    for name, size in sorted(sizes().items(), key=lambda item: -item[1]):
        when = "connect" if name in connect.modules else "rotate"
        print(f"{name:<23} {size:>7}  {OCCASIONS.get(name, when)}")
    for use, one in found.items():
        print(f"{use:<23} {one.code:>7}  heap {one.heap} bytes after import")


if __name__ == "__main__":
    main()
