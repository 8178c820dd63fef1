"""ESP-IDF's partition table, and where MicroPython's file system is by it.

Rules, in this order:

1. A table is 32-byte entries up to an end mark, with an MD5 of the entries before it. Entries
   that overlap, or lie beyond the flash, are refused: nothing may be written by such a table.
2. A data partition called ``vfs`` is the file system. One called ``ffat`` is FAT: refused.
3. MicroPython 1.26 and newer makes ``vfs`` at boot when the table has neither: from the end of
   the last partition to the end of flash (micropython/micropython commit 2a0e2b5782).
4. Older firmware without either has no file system, and of firmware that does not say how old
   it is nothing is assumed.

Source of the layout: ESP-IDF, docs/en/api-guides/partition-tables.rst and
components/partition_table/gen_esp32part.py.
"""

from __future__ import annotations

import hashlib
import struct
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Where the table is in flash (CONFIG_PARTITION_TABLE_OFFSET's default, which MicroPython keeps).
TABLE_OFFSET = 0x8000
TABLE_BYTES = 0xC00
_ENTRY = struct.Struct("<HBBII16sI")
_MAGIC = 0x50AA
_MD5_MARK = b"\xeb\xeb" + b"\xff" * 14
_END_MARK = b"\xff" * _ENTRY.size
_DATA = 1
_APP = 0
_SECTOR = 0x1000
#: The first version that makes the file system's partition at boot.
_MADE_AT_BOOT = (1, 26)


class Partition(NamedTuple):
    """One stretch of flash, in bytes; ``kind`` is 0 for an app, 1 for data."""

    label: str
    kind: int
    subtype: int
    offset: int
    size: int

    @property
    def end(self) -> int:
        """The address after its last byte."""
        return self.offset + self.size

    @property
    def is_app(self) -> bool:
        """Whether firmware runs from it."""
        return self.kind == _APP


def parse(data: bytes) -> tuple[Partition, ...]:
    """Return the partitions of a table in the order of their offsets.

    Raises ValueError, whose text completes the sentence "the partition table ...".
    """
    found = []
    for at in range(0, min(len(data), TABLE_BYTES), _ENTRY.size):
        entry = data[at : at + _ENTRY.size]
        if entry == _END_MARK:
            break
        if entry.startswith(_MD5_MARK):
            if hashlib.md5(data[:at], usedforsecurity=False).digest() != entry[16:]:
                raise ValueError("does not match its own checksum")
            break
        found.append(_entry(entry))
    return checked(found)


def checked(partitions: Iterable[Partition]) -> tuple[Partition, ...]:
    """Return partitions in the order of their offsets. Raises ValueError like :func:`parse`."""
    found = sorted(partitions, key=lambda one: one.offset)
    if not found:
        raise ValueError("is empty")
    if found[0].offset < TABLE_OFFSET + _SECTOR:
        raise ValueError(f"puts {found[0].label} over the bootloader or the table itself")
    for one, after in pairwise(found):
        if one.end > after.offset:
            raise ValueError(f"lets {one.label} and {after.label} overlap")
    return tuple(found)


def _entry(entry: bytes) -> Partition:
    if len(entry) < _ENTRY.size:
        raise ValueError("ends in the middle of an entry")
    magic, kind, subtype, offset, size, label, _flags = _ENTRY.unpack(entry)
    if magic != _MAGIC:
        raise ValueError("holds something else")
    name = label.rstrip(b"\0").decode("ascii", errors="replace")
    if not name.isprintable():
        raise ValueError("holds a name that cannot be printed")
    if offset % _SECTOR or size % _SECTOR or not size:
        raise ValueError(f"puts {name} on a part of a flash sector")
    return Partition(name, kind, subtype, offset, size)


def app(table: tuple[Partition, ...]) -> Partition:
    """Return the partition that a new firmware goes to: the first app. Raises ValueError."""
    found = next((one for one in table if one.is_app), None)
    if found is None:
        raise ValueError("has no room for an app")
    return found


def file_system(
    table: tuple[Partition, ...], flash_bytes: int, version: tuple[int, ...]
) -> Partition:
    """Return the ``vfs`` partition of a chip with this table, flash and MicroPython version.

    An empty ``version`` is an unknown one. Raises ValueError like :func:`parse`.
    """
    named = {one.label: one for one in table if one.kind == _DATA}
    if "vfs" not in named and "ffat" in named:
        raise ValueError("has a FAT file system: a rename there deletes the old file first")
    last = table[-1]
    if last.end > flash_bytes:
        raise ValueError(f"puts {last.label} beyond the {flash_bytes} bytes of flash")
    if "vfs" in named:
        return named["vfs"]
    if version < _MADE_AT_BOOT:
        age = ".".join(map(str, version))
        raise ValueError(
            f"has no vfs, and MicroPython {age} makes none"
            if version
            else "has no vfs, and the firmware does not say whether it makes one"
        )
    if last.end >= flash_bytes:
        raise ValueError("leaves no flash for a file system")
    return Partition("vfs", _DATA, 0x81, last.end, flash_bytes - last.end)
