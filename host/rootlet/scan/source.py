"""Where bytes come from, so that a file of any size is read in windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Source(Protocol):
    """Bytes that are read by offset."""

    @property
    def size(self) -> int:
        """How many bytes there are."""

    def read(self, at: int, size: int) -> bytes:
        """Return ``size`` bytes from ``at``, fewer at the end. ``at`` is never negative."""

    def place(self, at: int) -> int:
        """Return what ``at`` is called where the bytes are used: an address, or ``at``."""


@dataclass(frozen=True)
class Memory:
    """Bytes that are there already."""

    data: bytes

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self.data)

    def read(self, at: int, size: int) -> bytes:
        """Return a slice."""
        return self.data[at : at + size]

    def place(self, at: int) -> int:
        """Return ``at``."""
        return at


@dataclass(frozen=True)
class Part:
    """``size`` bytes of another source, from ``start``."""

    whole: Source
    start: int
    size: int

    def read(self, at: int, size: int) -> bytes:
        """Return bytes of the part, none beyond it."""
        return self.whole.read(self.start + at, max(min(size, self.size - at), 0))

    def place(self, at: int) -> int:
        """Return what the whole calls it."""
        return self.whole.place(self.start + at)
