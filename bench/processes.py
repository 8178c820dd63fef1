"""What processes of this machine use: proc(5). Linux only."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SPARE = 200  # descriptors for everything else


def take_descriptors(needed: int) -> None:
    """Raise the limit of open files as far as it goes, or say what is missing."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most != resource.RLIM_INFINITY and most < needed + _SPARE:
        raise SystemExit(f"error: {needed} open files needed, {most} allowed: raise ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def children(pids: Iterable[int]) -> list[int]:
    """Return the processes that these have started."""
    lists = [Path(f"/proc/{pid}/task/{pid}/children").read_text() for pid in pids]
    return [int(each) for one in lists for each in one.split()]


def cpu(pids: Iterable[int]) -> float:
    """Return the processor time of some processes so far, seconds: utime and stime."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")


def memory(pids: Iterable[int]) -> int:
    """Return the most bytes that processes have held, shared pages counted for each: VmHWM."""
    found = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        found += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return 1024 * found
