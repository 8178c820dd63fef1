"""Sweep faults over rotations in several processes: ``make sweep``.

Prints a table and exits with 1 at the first violation, naming case, point and invariant.
``--small`` is what ``make test`` runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "assets")]

from rootlet import resources  # noqa: E402
from rootlet.boardio import micropython  # noqa: E402
from sweep import materials  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BOARD = HERE / "board"
DEVICE = resources.device_package().parent
#: Seconds for one process; one that hangs is a failure, not a reason to wait.
_PATIENCE = 1800


@dataclass(frozen=True)
class Job:
    """One process: what it sweeps, over which cases (numbers in ``board/cases.py``; none: all)."""

    interpreter: str
    what: str
    fine: bool = False
    part: int = 0
    parts: int = 1
    cases: tuple[int, ...] = ()

    def arguments(self, folder: Path) -> list[str]:
        """Return the command line after the script."""
        grain = "fine" if self.fine else "coarse"
        fixed = [str(folder), self.what, str(self.part), str(self.parts), grain]
        return [*fixed, *map(str, self.cases)]


@dataclass
class Result:
    """What the processes of a sweep said."""

    lines: list[dict[str, Any]] = field(default_factory=list)

    @property
    def points(self) -> int:
        """How many faults were put in."""
        return sum(line.get("points", 0) for line in self.lines)

    @property
    def violations(self) -> list[dict[str, Any]]:
        """What did not hold; empty when all is well."""
        return [line for line in self.lines if "violated" in line]


def command(
    interpreter: str, package: Path, heap: str = "24M"
) -> tuple[list[str], dict[str, str]]:
    """Return the command and environment that run a script of ``board/`` with ``package``.

    ``package`` is the folder that has ``urootlet`` in it.
    """
    path = f"{package}:{BOARD}"
    if interpreter == "cpython":
        return [sys.executable, "-W", "error"], {"PYTHONPATH": path}
    found = micropython.prepare()
    plain = list(found.command)
    if "--preload" in plain:  # the clock of libfaketime: here the world has its own
        at = plain.index("--preload")
        del plain[at : at + 2]
    return [*plain, "-X", f"heapsize={heap}"], {"MICROPYPATH": path}


def run(jobs: Sequence[Job], package: Path = DEVICE, workers: int | None = None) -> Result:
    """Run the jobs in ``workers`` processes at a time (one per core)."""
    with tempfile.TemporaryDirectory(prefix="rootlet-sweep-") as name:
        folder = Path(name)
        materials.write(folder)
        with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
            done = pool.map(lambda job: _run(job, folder, package), jobs)
            return Result([line for lines in done for line in lines])


def _run(job: Job, folder: Path, package: Path) -> list[dict[str, Any]]:
    program, environment = command(job.interpreter, package)
    done = subprocess.run(
        [*program, str(BOARD / "sweep.py"), *job.arguments(folder)],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
    )
    lines = [json.loads(one) for one in done.stdout.splitlines() if one.startswith("{")]
    if done.returncode and not any("violated" in line for line in lines):
        broken = done.stderr.strip().splitlines()[-6:]
        lines.append({"case": str(job), "violated": "I0-stopped", "detail": "\n".join(broken)})
    return [line | {"interpreter": job.interpreter} for line in lines]


def small() -> list[Job]:
    """Return the sweep of ``make test``: over 2,000 points."""
    return [
        Job("micropython", "cuts", part=0, parts=2),
        Job("micropython", "cuts", part=1, parts=2),
        Job("micropython", "cuts", fine=True, part=0, parts=3, cases=(0,)),
        Job("micropython", "cuts", fine=True, part=0, parts=3, cases=(5,)),
        Job("micropython", "double", part=0, parts=8, cases=(0,)),
        Job("micropython", "double", part=0, parts=8, cases=(8,)),
        Job("micropython", "errors", part=0, parts=3, cases=(0, 8)),
        Job("micropython", "flips", part=0, parts=6, cases=(0, 8, 11)),
        Job("cpython", "cuts", cases=(0, 5, 8)),
    ]


def full() -> list[Job]:
    """Return the sweep of ``make sweep``: over 30,000 points."""
    parts = range(2)
    jobs = [Job("micropython", "cuts", True, part, 2) for part in parts]
    jobs += [
        Job("micropython", what, part=p, parts=2) for what in ("errors", "flips") for p in parts
    ]
    jobs += [Job("micropython", "double", part=part, parts=6) for part in range(6)]
    jobs += [Job("micropython", "double", True, part, 8, cases=(0,)) for part in range(8)]
    jobs += [Job("cpython", "cuts", part=part, parts=2) for part in parts]
    jobs += [Job("cpython", "flips", part=part, parts=2, cases=(2, 8, 11)) for part in parts]
    return jobs


def table(lines: Iterable[dict[str, Any]]) -> str:
    """Return a line per case: points, result, seconds."""
    rows: dict[tuple[str, str, str], list[float]] = {}
    for line in lines:
        if "violated" not in line:
            row = rows.setdefault((line["interpreter"], line["what"], line["case"]), [0, 0])
            row[0] += line["points"]
            row[1] += line["seconds"]
    shown = [f"{'on':<12}{'sweep':<9}{'points':>7}{'seconds':>9}  result  case"]
    for (interpreter, what, case), (points, seconds) in rows.items():
        shown.append(f"{interpreter:<12}{what:<9}{points:>7.0f}{seconds:>9.1f}  holds   {case}")
    return "\n".join(shown)


def main(arguments: Sequence[str]) -> int:
    """Run, show, and return the exit status."""
    started = time.monotonic()
    result = run(small() if "--small" in arguments else full())
    print(table(result.lines))
    for line in result.violations:
        where = line.get("point", "")
        print(f"VIOLATED {line['violated']} on {line['interpreter']}: {line['case']}; {where}")
        print(f"  {line['detail']}")
    print(f"{result.points} fault points in {time.monotonic() - started:.0f} s")
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
