"""The board's clock, kept in a file that libfaketime reads.

The file holds one line: the seconds by which the board's clock is ahead of this computer's. A
running board follows as soon as the file changes; the board's own ``machine.RTC`` rewrites it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: 2000-01-01T00:00:00Z, what an ESP32 shows at power on (ESP-IDF starts its RTC at zero; the
#: ESP32 port counts from 2000).
POWER_ON_TIME = 946_684_800


class Clock:
    """The clock of one board, in seconds since 1970, UTC."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def set(self, unix: float) -> None:
        """Make the board's clock show ``unix``."""
        # One short write in place: the board has the file open, so it cannot be replaced. The
        # width never changes, so that a reader never meets half an old line.
        mode = "r+b" if self.path.exists() else "wb"
        with self.path.open(mode, buffering=0) as file:
            file.write(b"%+020.6f\n" % (unix - time.time()))

    def now(self) -> float:
        """Return what the board's clock shows."""
        return time.time() + float(self.path.read_bytes())

    def environment(self) -> dict[str, str]:
        """Return the settings of libfaketime for a process that is to follow this clock."""
        return {
            "FAKETIME_TIMESTAMP_FILE": str(self.path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DISABLE_SHM": "1",
            "NO_FAKE_STAT": "1",
            "TZ": "UTC",
        }
