"""The members of ZIP and tar archives, one level deep, within limits that are checked first."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import tarfile
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, cast

from rootlet.unpack.child import UnpackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rootlet.scan.source import Source

MAX_MEMBER = 32 << 20
MAX_ALL = 1 << 30
MAX_MEMBERS = 20_000
#: A ZIP file's table of contents is read whole before anything else.
_MAX_TABLE = 8 << 20
_END = struct.Struct("<4s4H2IH")
_TAR = b"ustar"
_MAGIC = {b"PK\x03\x04": "zip", b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz"}
_OPENERS: dict[str, Callable[[IO[bytes]], object]] = {
    "gzip": gzip.open,
    "bzip2": bz2.open,
    "xz": lzma.open,
}
_BROKEN = (
    *(OSError, EOFError, ValueError, RuntimeError, NotImplementedError),
    *(lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, zlib.error),
)


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


class _Bounded:
    """A file of which no more than a member is read at once: tarfile reads headers whole."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.seek, self.tell = stream.seek, stream.tell
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_MEMBER + 1:
            raise UnpackError("the archive holds a header that is too long")
        return self._stream.read(size)


def kind(source: Source) -> str:
    """Return ``zip``, ``tar``, what packs one file, or nothing, by the first bytes."""
    head = source.read(0, 512)
    if head[257:262] == _TAR:
        return "tar"
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")


def members(source: Source) -> Iterator[tuple[str, bytes]]:
    """Yield each regular file with its content. Raises UnpackError for damage or excess."""
    found, stream = kind(source), cast("IO[bytes]", _Stream(source))
    count = total = 0
    try:
        opened = _zip(stream, source) if found == "zip" else _packed(stream, found)
        for name, size, file in opened:
            count, total = count + 1, total + size
            if count > MAX_MEMBERS or total > MAX_ALL or size > MAX_MEMBER:
                raise UnpackError(f"{name[:80]}: more than can be looked at")
            with file as member:
                content = member.read(MAX_MEMBER + 1)
            if len(content) > MAX_MEMBER:
                raise UnpackError(f"{name[:80]}: more than can be looked at")
            yield name, content
    except _BROKEN as error:
        why = f"{error}".partition("\n")[0][:100] or "it is cut off"
        raise UnpackError(f"the archive cannot be read: {why}") from None


def _zip(stream: IO[bytes], source: Source) -> Iterator[tuple[str, int, IO[bytes]]]:
    tail = source.read(max(source.size - 65_557, 0), 65_557)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size or _END.unpack_from(tail, at)[5] > _MAX_TABLE:
        raise UnpackError("the archive's table of contents is damaged or too long")
    with zipfile.ZipFile(stream) as archive:
        for one in archive.infolist():
            # Of the others zipfile unpacks a whole block, whatever was asked for.
            if one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise UnpackError(f"{one.filename[:80]}: an unusual compression")
            if not one.is_dir():
                yield one.filename, one.file_size, archive.open(one)


def _packed(stream: IO[bytes], found: str) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Open a tar archive, packed or not, or the one file that is packed without one."""
    if found != "tar":
        stream = cast("IO[bytes]", _OPENERS[found](stream))
        is_tar = stream.read(512)[257:262] == _TAR
        stream.seek(0)
        if not is_tar:
            yield f"({found})", 0, stream
            return
    with tarfile.open(fileobj=cast("IO[bytes]", _Bounded(stream)), mode="r:") as archive:
        skipped = 0
        for one in archive:
            archive.members = []  # type: ignore[attr-defined] # or they would pile up
            skipped += one.size
            if skipped > MAX_ALL:
                raise UnpackError("the archive unpacks to too much")
            file = archive.extractfile(one) if one.isreg() else None
            if file:
                yield one.name, one.size, file
