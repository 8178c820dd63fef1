"""Which MQTT packets a client sends, seen from the bytes that go by."""

from __future__ import annotations

_LONGEST_HEAD = 5  # bytes: type and flags, then at most four of the remaining length
_NAMES = {3: "publish", 8: "subscribe"}


class Packets:
    """The packets in one direction of a connection (MQTT 3.1.1 section 2.2)."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._left = 0

    def begun(self, data: bytes) -> list[str]:
        """Return which of ``publish`` and ``subscribe`` have their header end in ``data``."""
        found, pos = [], 0
        while pos < len(data):
            passed = min(self._left, len(data) - pos)
            self._left -= passed
            pos += passed
            if pos < len(data):
                self._head.append(data[pos])
                pos += 1
                found += self._take_head()
        return found

    def _take_head(self) -> list[str]:
        head = self._head
        if len(head) == 1 or (head[-1] & 0x80 and len(head) < _LONGEST_HEAD):
            return []
        self._left = sum((byte & 0x7F) << 7 * at for at, byte in enumerate(head[1:]))
        kind = head[0] >> 4
        head.clear()
        return [_NAMES[kind]] if kind in _NAMES else []
