"""Work on many things at once; what waits for its turn never begins after an interruption."""

from __future__ import annotations

import os
import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from rootlet.errors import RootletError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Progress = Callable[[int, int, str], None]

T = TypeVar("T")
Item = TypeVar("Item")
#: Boards that are worked on at once; the others wait for their turn.
MOST = 32


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What became of the job on one port: its result, or the error that ended it."""

    port: str
    result: T | None = None
    error: RootletError | None = None


class _StoppedError(Exception):
    """The user has interrupted all jobs."""


def in_order(work: Callable[[Item], T], items: Sequence[Item]) -> Iterator[T]:
    """Yield ``work(item)`` of each in order; one is computed while others wait for the disk."""
    with ThreadPoolExecutor(4 * (os.cpu_count() or 1)) as pool:
        try:
            yield from pool.map(work, items)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def run(
    ports: Sequence[str],
    job: Callable[[str, Progress], T],
    line: Callable[[str], Progress],
) -> list[Outcome[T]]:
    """Run ``job(port, progress)`` for each port; return the outcomes in the order of the ports.

    One that fails does not stop the others.
    ``line(port)`` is where the progress of that port is shown. An interruption (Ctrl-C) ends
    each job at its next sign of progress, then it is raised.
    """
    stopped = threading.Event()

    def watched(port: str) -> Progress:
        show = line(port)

        def progress(done: int, total: int, what: str) -> None:
            if stopped.is_set():
                raise _StoppedError
            show(done, total, what)

        return progress

    def one(port: str) -> Outcome[T]:
        try:
            return Outcome(port, job(port, watched(port)))
        except RootletError as error:
            return Outcome(port, error=error)

    with ThreadPoolExecutor(min(MOST, len(ports)), thread_name_prefix="board") as pool:
        try:
            jobs = [pool.submit(one, port) for port in ports]
            done, _ = wait(jobs, return_when=FIRST_EXCEPTION)
            for each in done:
                each.result()  # raises what no job should: a fault of ours
        except BaseException:
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [each.result() for each in jobs]
