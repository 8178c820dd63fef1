"""Sweep faults over rotations in several processes: ``make sweep``.

Prints a table, and exits with 1 when an invariant does not hold, naming case, point and invariant
(the process that met it ends there, the others go on). ``--small`` is what ``make test`` runs.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
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
        return [sys.executable, "-u", "-W", "error"], {"PYTHONPATH": path}
    found = micropython.prepare()
    plain = list(found.command)
    if "--preload" in plain:  # the clock of libfaketime: here the world has its own
        at = plain.index("--preload")
        del plain[at : at + 2]
    return [*plain, "-X", f"heapsize={heap}"], {"MICROPYPATH": path}


class Progress:
    """Tells on stderr how far a sweep is: a line that moves on a terminal, else one per case."""

    def __init__(self, jobs: int) -> None:
        self._jobs, self._ended = jobs, 0
        #: Of the cases that are over, and of the one that a process is at.
        self._points: dict[Job, int] = {}
        self._moving: dict[Job, int] = {}
        self._moves = sys.stderr.isatty()
        self._lock = threading.Lock()
        self._started = time.monotonic()

    def heard(self, job: Job, line: dict[str, Any]) -> None:
        """Take a line of a process: how far it is, or the end of a case."""
        with self._lock:
            what = f"{job.interpreter} {job.what}"
            if "done" in line:
                self._moving[job] = line["done"]
                self._line(f"{line['done']} of {line['of']} points  {what}: {line['case']}")
                return
            self._moving[job] = 0
            self._points[job] = self._points.get(job, 0) + line.get("points", 0)
            result = line.get("violated", "holds")
            self._line(f"{line.get('points', 0)} points  {result}  {what}: {line['case']}")
            if not self._moves:
                seconds = time.monotonic() - self._started
                part = f" {job.part + 1}/{job.parts}" if job.parts > 1 else ""
                print(
                    f"{seconds:6.0f} s  {what:<18}{line.get('points', 0):>6} points  {result}  "
                    f"{line['case']}{part}  ({self._ended + 1} of {self._jobs})",
                    file=sys.stderr,
                    flush=True,
                )

    def ended(self) -> None:
        """Count a process that has ended."""
        with self._lock:
            self._ended += 1
            if self._ended == self._jobs and self._moves:
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _line(self, told: str) -> None:
        if self._moves:
            width = shutil.get_terminal_size().columns - 1
            points = sum(self._points.values()) + sum(self._moving.values())
            line = f"{self._ended}/{self._jobs} jobs, {points} points; {told}"
            print(f"\r\x1b[K{line[:width]}", end="", file=sys.stderr, flush=True)


def run(
    jobs: Sequence[Job],
    package: Path = DEVICE,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Run the jobs in ``workers`` processes at a time (one per core)."""
    with tempfile.TemporaryDirectory(prefix="rootlet-sweep-") as name:
        folder = Path(name)
        materials.write(folder)
        pool = ThreadPoolExecutor(workers or os.cpu_count() or 1)
        try:
            done = pool.map(lambda job: _run(job, folder, package, progress), jobs)
            return Result([line for lines in done for line in lines])
        finally:
            pool.shutdown(cancel_futures=True)


def _run(job: Job, folder: Path, package: Path, progress: Progress | None) -> list[dict[str, Any]]:
    program, environment = command(job.interpreter, package)
    lines: list[dict[str, Any]] = []
    broken: list[str] = []
    with subprocess.Popen(
        [*program, str(BOARD / "sweep.py"), *job.arguments(folder)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        patience = threading.Timer(_PATIENCE, process.kill)
        patience.start()
        try:
            assert process.stdout is not None
            for text in process.stdout:
                if not text.startswith("{"):
                    broken = [*broken[-5:], text.rstrip()]
                    continue
                line = json.loads(text) | {"interpreter": job.interpreter}
                if progress is not None:
                    progress.heard(job, line)
                if "done" not in line:
                    lines.append(line)
        finally:
            patience.cancel()
            process.kill()
    if process.returncode and not any("violated" in line for line in lines):
        stopped = {"case": str(job), "violated": "I0-stopped", "detail": "\n".join(broken)}
        lines.append(stopped | {"interpreter": job.interpreter})
    if progress is not None:
        progress.ended()
    return lines


def small() -> list[Job]:
    """Return the sweep of ``make test``: over 2,000 points."""
    return [
        Job("micropython", "double", part=0, parts=8, cases=(8,)),
        Job("micropython", "cuts", fine=True, part=0, parts=3, cases=(0, 5, 23)),
        Job("micropython", "cuts", part=0, parts=2),
        Job("micropython", "cuts", part=1, parts=2),
        Job("micropython", "double", part=0, parts=8, cases=(0,)),
        Job("micropython", "double", part=0, parts=24, cases=(24,)),
        Job("micropython", "errors", part=0, parts=3, cases=(0, 8, 21)),
        Job("micropython", "flips", part=0, parts=6, cases=(0, 8, 11, 13)),
        Job("micropython", "ages", cases=(0,)),
        Job("micropython", "checks"),
        Job("cpython", "cuts", cases=(0, 5, 8, 23)),
        Job("cpython", "double", part=0, parts=8, cases=(0,)),
    ]


def full() -> list[Job]:
    """Return the sweep of ``make sweep``: over 200,000 points, the longest jobs first.

    All of it, but of the double faults on CPython a quarter: the device's code is the same there.
    """
    every = [(number,) for number in range(_cases())]
    jobs = [Job("micropython", "double", True, part, 8, cases=(0,)) for part in range(8)]
    jobs += [Job("micropython", "double", False, p, 2, cases) for cases in every for p in (0, 1)]
    jobs += [Job("cpython", "double", part=0, parts=4, cases=cases) for cases in every]
    for interpreter in ("micropython", "cpython"):
        for what, fine in (("flips", False), ("cuts", True)):
            jobs += [Job(interpreter, what, fine, cases=cases) for cases in every]
    jobs += [Job("micropython", "errors", cases=cases) for cases in every]
    return [*jobs, Job("micropython", "ages", True, cases=(0,)), Job("micropython", "checks")]


def _cases() -> int:
    """Return how many cases ``board/cases.py`` has; only a device can import it."""
    for node in ast.parse((BOARD / "cases.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CASES":
            assert isinstance(node.value, ast.Tuple)
            return len(node.value.elts)
    raise ValueError("cases.py has no CASES")


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
    jobs = small() if "--small" in arguments else full()
    result = run(jobs, progress=Progress(len(jobs)))
    print(table(result.lines))
    for line in result.violations:
        where = line.get("point", "")
        print(f"VIOLATED {line['violated']} on {line['interpreter']}: {line['case']}; {where}")
        print(f"  {line['detail']}")
    print(f"{result.points} fault points in {time.monotonic() - started:.0f} s")
    return 1 if result.violations else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
