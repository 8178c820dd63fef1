"""What tests of flashing share: a bundle, a port that says nothing, UF2 blocks."""

from __future__ import annotations

import os
import pty
import struct
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rootlet import board
from rootlet.build import Request, build

if TYPE_CHECKING:
    from collections.abc import Iterator

CREATED = 1_790_000_000
RP2040, RP2350, ABSOLUTE = 0xE48BFF56, 0xE48BFF59, 0xE48BFF57


def bundle(keys: str = "both", created: int = CREATED) -> bytes:
    return build(Request(board.load("virtual"), keys, created, endpoint_tls12=True)).data


@contextmanager
def silent_pty() -> Iterator[str]:
    line, inner = pty.openpty()
    try:
        tty.setraw(inner)
        yield os.ttyname(inner)
    finally:
        os.close(line)
        os.close(inner)


def blocks(family: int, count: int = 3, *, first: int = 0) -> bytes:
    """Return blocks ``first`` to ``count - 1`` of a UF2 file of ``count`` blocks."""
    magic, end = (0x0A324655, 0x9E5D5157, 0x2000), 0x0AB16F30
    return b"".join(
        struct.pack("<8I476sI", *magic, n * 256, 256, n, count, family, bytes(256), end)
        for n in range(first, count)
    )
