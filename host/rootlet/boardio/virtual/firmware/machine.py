"""The board's ``machine`` module: reset, identity and clock, as on an ESP32.

The clock is the process's own time, shifted by libfaketime by the seconds in a file; setting
the clock rewrites that file. It survives every reset and is lost at power off.
"""
# Runs on MicroPython only, against modules and files that CPython and its stubs do not have.
# mypy: ignore-errors
# ruff: noqa: PTH123, SIM115

import time

import ffi

PWRON_RESET = 1

_OFFSET = "%+020.6f\n"
_EXIT_RESET = 42
_EXIT_POWER_LOST = 44

_clock = None
_unique_id = b""
_exit = ffi.open(None).func("v", "_exit", "i")


def connect(clock_path, identity):
    """Give the module its clock file and its identity; called once at power-on."""
    global _clock, _unique_id  # noqa: PLW0603 - a module has no other place
    _clock = open(clock_path, "r+b")
    _unique_id = bytes.fromhex(identity)


def unique_id():
    """Return the six bytes that tell this board from others."""
    return _unique_id


def reset():
    """Restart the board as its reset pin does: at once, whatever the program would catch."""
    _exit(_EXIT_RESET)


def lose_power():
    """Be off, at once: for the flash chip, when its power cut has come."""
    _exit(_EXIT_POWER_LOST)


def deepsleep(milliseconds):
    """Sleep, and wake up as an ESP32 does: by a reset. The clock goes on."""
    time.sleep_ms(milliseconds)
    reset()


def soft_reset():
    """Restart the interpreter."""
    raise SystemExit


def reset_cause():
    """Return PWRON_RESET: this board does not tell causes apart."""
    return PWRON_RESET


def freq(*_hz):
    """Return the clock rate of an ESP32 at boot, in Hz; setting it changes nothing."""
    return 160_000_000


def idle():
    """Wait for the next millisecond."""
    time.sleep_ms(1)


class RTC:
    """The real-time clock, in UTC; the fields are those of the ESP32 port."""

    def datetime(self, moment=None):
        """Return or set (year, month, day, weekday, hour, minute, second, microsecond)."""
        now = time.time()
        if moment is None:
            year, month, day, hour, minute, second, weekday = time.gmtime(int(now))[:7]
            microsecond = int(now % 1 * 1_000_000)
            return (year, month, day, weekday, hour, minute, second, microsecond)
        year, month, day, _, hour, minute, second, microsecond = moment
        wanted = time.mktime((year, month, day, hour, minute, second, 0, 0))
        _clock.seek(0)
        offset = float(_clock.read()) + wanted + microsecond / 1_000_000 - now
        _clock.seek(0)
        _clock.write(_OFFSET % offset)
        return None

    def init(self, moment):
        """Set the clock; the tuple is that of ``datetime``."""
        self.datetime(moment)
