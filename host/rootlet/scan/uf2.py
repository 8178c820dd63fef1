"""UF2 files, block by block, as the flash that they fill (Microsoft, UF2 specification).

A block has 512 bytes: two magic numbers, flags, address, size of payload, number, count, family,
476 bytes of room, a last magic number. Blocks may come in any order and leave gaps.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rootlet.scan.source import Source

BLOCK = 512
_MAGIC = (0x0A324655, 0x9E5D5157)
_LAST_MAGIC = struct.pack("<I", 0x0AB16F30)
_HEAD = struct.Struct("<8I")
_ROOM = 476
_NOT_FLASH = 0x0000_0001
_FILE = 0x0000_1000  # the address is an offset in a file: not flash either
_AT_ONCE = 2048  # blocks


def is_uf2(head: bytes) -> bool:
    """Whether a file starts with a block."""
    return len(head) >= BLOCK and _HEAD.unpack_from(head)[:2] == _MAGIC


class Flash:
    """The payloads, ascending by address and one behind the other.

    Between runs of addresses nothing is put: ``place`` tells the address.
    """

    def __init__(self, source: Source) -> None:
        """Read every block's head. What is no block of flash is left out."""
        self._source = source
        runs: list[list[int]] = []  # address, first block, blocks, payload: all of one payload
        for number, address, payload in self._heads():
            last = runs[-1] if runs else None
            follows = last is not None and (last[1] + last[2], last[3]) == (number, payload)
            if last is not None and follows and last[0] + last[2] * payload == address:
                last[2] += 1
            else:
                runs.append([address, number, 1, payload])
        self._runs = sorted(runs)
        self._starts, self.size = [], 0
        for _, _, count, payload in self._runs:
            self._starts.append(self.size)
            self.size += count * payload

    def _heads(self) -> Iterator[tuple[int, int, int]]:
        """Yield number, address and payload size of each block."""
        for first in range(0, self._source.size // BLOCK, _AT_ONCE):
            data = self._source.read(first * BLOCK, _AT_ONCE * BLOCK)
            for at in range(0, len(data) - BLOCK + 1, BLOCK):
                *magic, flags, address, payload, _, _, _ = _HEAD.unpack_from(data, at)
                good = tuple(magic) == _MAGIC and data[at + BLOCK - 4 : at + BLOCK] == _LAST_MAGIC
                if good and not flags & (_NOT_FLASH | _FILE) and 0 < payload <= _ROOM:
                    yield first + at // BLOCK, address, payload

    def read(self, at: int, size: int) -> bytes:
        """Return payload bytes; see ``rootlet.scan.source``."""
        size = min(size, self.size - at)
        parts = []
        run = bisect_right(self._starts, at) - 1
        while size > 0:
            _, first, count, payload = self._runs[run]
            inside = at - self._starts[run]
            wanted = min(size, count * payload - inside)
            parts.append(self._payload(first, payload, inside, wanted))
            at, size, run = at + wanted, size - wanted, run + 1
        return b"".join(parts)

    def _payload(self, first: int, payload: int, inside: int, size: int) -> bytes:
        """Return ``size`` bytes from ``inside`` of a run."""
        skip, block = inside % payload, first + inside // payload
        count = (skip + size + payload - 1) // payload
        data = self._source.read(block * BLOCK, count * BLOCK)
        start = _HEAD.size
        joined = b"".join(
            data[at : at + payload] for at in range(start, count * BLOCK + start, BLOCK)
        )
        return joined[skip : skip + size]

    def place(self, at: int) -> int:
        """Return the address in flash."""
        run = bisect_right(self._starts, at) - 1
        return self._runs[run][0] + at - self._starts[run]
