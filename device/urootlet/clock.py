"""Time as unsigned Unix seconds on every port, and a clock that is never absurdly early.

MicroPython counts from 2000 on most boards and from 1970 on others, and boards start in 2000 or
2021. TLS compares certificate dates with that clock, so it is moved up to a floor (the creation
time of the trusted bundle) before the first handshake. NTP (``urootlet.ntp``) may set it; that
is not authenticated and never moves the floor.
"""

import time

from .errors import Error, const

#: The last second that 32 bits count, in 2106: nothing later is told.
_LAST = const(0xFFFFFFFF)
#: By how much :func:`raise_to` moved the clock the last time it was asked.
raised = 0
_EPOCH = 946684800 if time.gmtime(0)[0] == 2000 else 0


def now() -> int:
    """Return the device's idea of the time in Unix seconds."""
    return min(int(time.time()) + _EPOCH, _LAST)


def set_clock(seconds: int) -> None:
    """Set the device's clock to Unix ``seconds``; CPython leaves that to its operating system."""
    try:
        import machine

        date = time.gmtime(seconds - _EPOCH)
    except (ImportError, OverflowError):  # CPython; 31 bits are all that older firmware takes
        raise Error("CLOCK", "before %d" % seconds)
    # Year, month, day, weekday, hour, minute, second, and a fraction of a second.
    machine.RTC().datetime(date[:3] + date[6:7] + date[3:6] + (0,))


def raise_to(floor: int) -> None:
    """Move the clock up to ``floor`` when it is earlier."""
    global raised  # noqa: PLW0603 - the clock is one, and so is what was done to it
    raised = max(floor - now(), 0)
    if raised:
        set_clock(floor)
