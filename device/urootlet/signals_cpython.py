"""SIGTERM and SIGINT as an exception, at any moment of a process from its first lines on."""

import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_SIGNALS = signal.SIGTERM, signal.SIGINT


class Stopped(BaseException):
    """A signal has come, whose number is the argument; no handler of errors may keep it.

    It may come anywhere: what is written to the disk stands a power cut anywhere.
    """


def hold() -> None:
    """Let signals wait until :func:`stoppable` answers them, while modules load."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def stoppable(work: "Callable[[], int]") -> int:
    """Do work and return what it returns. Raises Stopped; from then on signals are ignored."""
    try:
        for number in _SIGNALS:
            signal.signal(number, _stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        return work()
    finally:
        _ignore()


def _stop(number: int, _frame: "FrameType | None") -> None:
    _ignore()
    raise Stopped(number)


def _ignore() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
