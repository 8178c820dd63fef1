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
