"""The members of ZIP and tar archives, one level deep, within limits that are checked first."""

from __future__ import annotations

import struct
import tarfile
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, cast

from rootlet.unpack.child import UnpackError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rootlet.scan.source import Source

MAX_MEMBER = 32 << 20
MAX_ALL = 1 << 30
MAX_MEMBERS = 20_000
#: A ZIP file's table of contents is read whole before anything else.
_MAX_TABLE = 8 << 20
_END = struct.Struct("<4s4H2IH")
_BROKEN = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zlib.error)


class _Stream:
    """A source as the file that zipfile and tarfile want: read and seek."""

    def __init__(self, source: Source) -> None:
        self._source, self._at = source, 0

    def read(self, size: int = -1) -> bytes:
        left = self._source.size - self._at
        data = self._source.read(self._at, left if size < 0 else min(size, left))
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(offset + (0, self._at, self._source.size)[whence], 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True


def kind(source: Source) -> str:
    """Return ``zip``, ``tar`` or nothing, by the first bytes."""
    head = source.read(0, 512)
    if head[:4] == b"PK\x03\x04":
        return "zip"
    packed = head[:2] == b"\x1f\x8b" or head[:3] == b"BZh" or head[:6] == b"\xfd7zXZ\0"
    return "tar" if packed or head[257:262] == b"ustar" else ""


def members(source: Source) -> Iterator[tuple[str, bytes]]:
    """Yield each regular file with its content. Raises UnpackError for damage or excess."""
    opened = {"zip": _zip, "tar": _tar}[kind(source)]
    count = total = 0
    try:
        for name, size, file in opened(cast("IO[bytes]", _Stream(source)), source):
            count, total = count + 1, total + size
            if count > MAX_MEMBERS or total > MAX_ALL or size > MAX_MEMBER:
                raise UnpackError(f"{name[:80]}: more than can be looked at")
            with file as member:
                yield name, member.read(MAX_MEMBER)
    except (*_BROKEN, tarfile.TarError, zipfile.BadZipFile) as error:
        raise UnpackError(f"the archive cannot be read: {error}"[:200]) from None


def _zip(stream: IO[bytes], source: Source) -> Iterator[tuple[str, int, IO[bytes]]]:
    tail = source.read(max(source.size - 65_557, 0), 65_557)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size or _END.unpack_from(tail, at)[5] > _MAX_TABLE:
        raise UnpackError("the archive's table of contents is damaged or too long")
    with zipfile.ZipFile(stream) as archive:
        for one in archive.infolist():
            if not one.is_dir():
                yield one.filename, one.file_size, archive.open(one)


def _tar(stream: IO[bytes], _: Source) -> Iterator[tuple[str, int, IO[bytes]]]:
    with tarfile.open(fileobj=stream, mode="r:*") as archive:
        skipped = 0
        for one in archive:
            archive.members = []  # type: ignore[attr-defined] # or they would pile up
            skipped += one.size
            if skipped > MAX_ALL:
                raise UnpackError("the archive unpacks to too much")
            file = archive.extractfile(one) if one.isreg() else None
            if file:
                yield one.name, one.size, file
