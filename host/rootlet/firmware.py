"""MicroPython firmware files for ESP32 chips: which chip, which version, whole or not.

A vendor's ``.bin`` is what goes to flash from the chip's firmware offset on: bootloader,
partition table, app, with 0xff between them. Rules:

1. The first byte is an image header (0xE9); its chip id must be one of ``boards/*.toml``.
2. The partition table is at 0x8000 of the flash, and the app where the table puts it.
3. The app is for the same chip, whole by its own SHA-256, and ends inside its partition.

Sources: ESP-IDF, components/bootloader_support/include/esp_app_format.h (image and segment
headers) and esp_app_desc.h (name and version of an app); esptool, docs "Firmware Image Format".
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rootlet import partitions
from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rootlet.board import Board

MAX_BYTES = 1 << 24
_IMAGE_MAGIC = 0xE9
_HEADER = struct.Struct("<BB10xH9xB")  # magic, segments, chip id, whether a SHA-256 follows
_SEGMENT = struct.Struct("<II")
_DESCRIPTION_AT = 0x20
_DESCRIPTION = struct.Struct("<I12x32s32s")
_DESCRIPTION_MAGIC = 0xABCD5432
#: Bytes of an app that :func:`app_version` needs.
APP_HEAD_BYTES = 0x100
_HINT = "download the .bin of your board: https://micropython.org/download/"


@dataclass(frozen=True)
class Chip:
    """A chip that firmware is written to: its name, image id, and where firmware starts."""

    name: str
    image_id: int
    offset: int


@dataclass(frozen=True)
class Firmware:
    """A checked firmware file. ``version`` is empty when the app does not tell one."""

    data: bytes
    chip: Chip
    version: tuple[int, ...]
    table: tuple[partitions.Partition, ...]

    @property
    def end(self) -> int:
        """The flash address after its last byte."""
        return self.chip.offset + len(self.data)


def chips(boards: Iterable[Board]) -> dict[str, Chip]:
    """Return the chips of ``boards`` whose firmware we know how to write, by name."""
    found = {}
    for one in boards:
        image_id, offset = one.chip.image_id, one.flash.firmware_offset
        if image_id is not None and offset is not None:
            name = one.chip.model.value
            found[name] = Chip(name, image_id.value, offset.value)
    return found


def read(data: bytes, where: str, known: dict[str, Chip]) -> Firmware:
    """Check a firmware file; ``known`` are the chips. Raises InputError that names ``where``."""
    image_id = _chip_id(data)
    if image_id is None:
        raise _bad(where, "it does not start with an ESP32 image")
    chip = next((one for one in known.values() if one.image_id == image_id), None)
    if chip is None:
        raise _bad(where, f"it is for a chip with the number {image_id}, which is not known here")
    try:
        start = partitions.TABLE_OFFSET - chip.offset
        table = partitions.parse(data[start : start + partitions.TABLE_BYTES])
        place = partitions.app(table)
    except ValueError as error:
        raise _bad(where, f"the partition table {error}; an .app-bin is not enough") from error
    app = data[place.offset - chip.offset :]
    if _chip_id(app) != image_id:
        raise _bad(where, f"it holds no app for {chip.name} at {place.offset:#x}")
    if not _is_whole(app):
        raise _bad(where, "its end is missing, or bytes of it are damaged")
    if chip.offset + len(data) > place.end:
        raise _bad(where, f"it is longer than its app partition, which ends at {place.end:#x}")
    return Firmware(data, chip, app_version(app), table)


def app_version(head: bytes) -> tuple[int, ...]:
    """Return MicroPython's version, from the first bytes of an app; empty when not told.

    A preview of a version counts as that version: partitions are made by its code.
    """
    if len(head) < _DESCRIPTION_AT + _DESCRIPTION.size:
        return ()
    magic, version, project = _DESCRIPTION.unpack_from(head, _DESCRIPTION_AT)
    if magic != _DESCRIPTION_MAGIC or project.rstrip(b"\0") != b"micropython":
        return ()
    found = re.match(rb"v(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?", version)
    return tuple(int(part) for part in found.groups(b"0")) if found else ()


def _chip_id(image: bytes) -> int | None:
    if len(image) < _HEADER.size or image[0] != _IMAGE_MAGIC:
        return None
    return int(_HEADER.unpack_from(image)[2])


def _is_whole(app: bytes) -> bool:
    """Whether all segments are there, and the SHA-256 behind them is theirs (if it has one)."""
    _, segments, _, has_hash = _HEADER.unpack_from(app)
    at = _HEADER.size
    for _ in range(segments):
        if at + _SEGMENT.size > len(app):
            return False
        at += _SEGMENT.size + _SEGMENT.unpack_from(app, at)[1]
    end = at // 16 * 16 + 16  # a checksum in the last byte of the 16 that it fills up
    if not has_hash:
        return end <= len(app)
    return hashlib.sha256(app[:end]).digest() == app[end : end + 32]


def _bad(where: str, why: str) -> InputError:
    return InputError(f"{where}: not firmware for an ESP32", why=why, hint=_HINT, code="FORMAT")
