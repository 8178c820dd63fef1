"""The files of a littlefs image, read with littlefs-python and never written or formatted."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, NamedTuple

from rootlet.scan.source import Part
from rootlet.unpack import child

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rootlet.scan.source import Source

_SUPERBLOCK = struct.Struct("<4xI8s4x4I")  # revision, tag, magic, tag, version, sizes, name_max
_MAGIC = b"littlefs"
_BLOCK_SIZES = range(128, 65537)
#: No chip that rootlet knows has more flash.
MAX_IMAGE = 64 << 20
_IO_ERROR = -5  # lfs.h, LFS_ERR_IO


class Extent(NamedTuple):
    """Where a file system lies, in bytes, and the size of its blocks."""

    at: int
    size: int
    block_size: int


def extent(source: Source, at: int) -> Extent | None:
    """Return the file system whose first block starts at ``at``, if a superblock says so.

    littlefs SPEC.md, "superblock": version 2.x, block size, block count.
    """
    data = source.read(at, _SUPERBLOCK.size) if at >= 0 else b""
    if len(data) < _SUPERBLOCK.size:
        return None
    _, magic, version, block_size, count, _ = _SUPERBLOCK.unpack(data)
    size = block_size * count
    if magic != _MAGIC or version >> 16 != 2 or block_size not in _BLOCK_SIZES:
        return None
    if not 2 * block_size <= size <= min(MAX_IMAGE, source.size - at):
        return None
    return Extent(at, size, block_size)


def files(source: Source, found: Extent) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file. Raises UnpackError for what cannot be mounted."""
    part = Part(source, found.at, found.size)
    return child.run("littlefs_image", part, found.block_size, found.size // found.block_size)


def read(handle: int, block_size: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the image in the open file ``handle``; runs in the child."""
    from littlefs import LittleFS, UserContext  # noqa: PLC0415 - the child's own

    class Image(UserContext):
        def __init__(self) -> None:
            super().__init__(0)

        def read(self, cfg: object, block: int, off: int, size: int) -> bytearray:  # noqa: ARG002 - as its base
            return bytearray(os.pread(handle, size, block * block_size + off))

        def prog(self, *_: object) -> int:
            return _IO_ERROR

        def erase(self, *_: object) -> int:
            return _IO_ERROR

    image = LittleFS(
        context=Image(), mount=False, block_size=block_size, block_count=count, read_size=128
    )
    image.mount()
    for folder, _, names in image.walk("/"):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with image.open(path, "rb") as file:
                yield path.lstrip("/"), file.read(child.MAX_FILE)
