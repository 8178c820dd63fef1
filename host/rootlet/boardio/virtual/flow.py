"""Bytes on their way from one terminal to another, without ever blocking."""

from __future__ import annotations

import errno
import os
import select

_CHUNK = 4096
#: Bytes that may wait; then the source has to wait, as with a UART's flow control.
_LIMIT = 65_536


class Flow:
    """One direction of a serial line: what was read from ``source`` and not yet written."""

    def __init__(self, source: int, sink: int) -> None:
        self.source = source
        self.sink = sink
        self.waiting = bytearray()

    def interests(self) -> list[tuple[int, int]]:
        """Return the descriptors to poll, each with the events that this flow can use."""
        wanted = []
        if len(self.waiting) < _LIMIT:
            wanted.append((self.source, select.POLLIN))
        if self.waiting:
            wanted.append((self.sink, select.POLLOUT))
        return wanted

    def fill(self) -> bool:
        """Read what has arrived; False when the other end is gone for good."""
        try:
            data = os.read(self.source, _CHUNK)
        except BlockingIOError:
            return True
        except OSError as error:
            # Linux: EIO on a pty's outer end means that nobody has the inner end open.
            if error.errno == errno.EIO:
                return False
            raise
        self.waiting += data
        return bool(data)

    def drain(self) -> None:
        """Write what the sink takes now."""
        try:
            del self.waiting[: os.write(self.sink, self.waiting)]
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self.waiting.clear()
