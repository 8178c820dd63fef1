"""littlefs images in memory: the only file that knows littlefs-python.

littlefs v2 in 4096-byte blocks, as ESP32 firmware formats its ``vfs`` partition. On-disk version
2.0 is written, which every MicroPython since 1.12 mounts and writes to; boards write 2.1, which
is read.
littlefs-python formats what it cannot mount unless it is told not to mount: here it always is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from littlefs import LittleFS, LittleFSError, UserContext

from rootlet.errors import BoardError

if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCK_BYTES = 4096
#: littlefs needs two blocks for its root; fewer than this leave no room for a file.
LEAST_BLOCKS = 4
_WRITTEN_VERSION = 0x00020000
_ANY_VERSION = 0
_FULL = LittleFSError.Error.LFS_ERR_NOSPC


class Tree(NamedTuple):
    """What a file system holds: path -> bytes, and its folders, parents first."""

    files: dict[str, bytes]
    folders: tuple[str, ...]


def empty(size: int) -> bytes:
    """Return a formatted image. ``size`` is a number of whole blocks, in bytes."""
    file_system = _over(bytearray(b"\xff" * size), _WRITTEN_VERSION)
    file_system.format()
    return bytes(file_system.context.buffer)


def add(image: bytes, files: Mapping[str, bytes], folders: tuple[str, ...] = ()) -> bytes:
    """Return an image made here with these files and folders in it as well.

    A file of the same name is replaced. Raises BoardError when they do not fit.
    """
    file_system = _mounted(image, _WRITTEN_VERSION)
    try:
        for folder in folders:
            file_system.makedirs(folder, exist_ok=True)
        for path, data in files.items():
            folder = path.rpartition("/")[0]
            if folder:
                file_system.makedirs(folder, exist_ok=True)
            with file_system.open(path, "wb") as file:
                file.write(data)
    except (LittleFSError, OSError) as error:
        raise _failed(error, len(image), files) from error
    return bytes(file_system.context.buffer)


def read(image: bytes) -> Tree:
    """Return everything in an image. Raises BoardError when it cannot be mounted or read."""
    file_system = _mounted(image, _ANY_VERSION)
    files, folders = {}, []
    try:
        for folder, below, names in file_system.walk("/"):
            inside = folder.strip("/")
            at = inside + "/" if inside else ""
            folders += [at + name for name in below]
            for name in names:
                with file_system.open(at + name, "rb") as file:
                    files[at + name] = file.read(len(image))
    except (LittleFSError, OSError) as error:
        raise BoardError("the file system cannot be read", why=str(error)) from error
    return Tree(files, tuple(folders))


def _mounted(image: bytes, version: int) -> LittleFS:
    file_system = _over(bytearray(image), version)
    try:
        file_system.mount()
    except LittleFSError as error:
        raise BoardError("this is no littlefs file system", why=str(error)) from error
    return file_system


def _over(buffer: bytearray, version: int) -> LittleFS:
    return LittleFS(
        context=UserContext(buffer=buffer),
        block_size=BLOCK_BYTES,
        block_count=len(buffer) // BLOCK_BYTES,
        disk_version=version,
        mount=False,
    )


def _failed(error: Exception, room: int, files: Mapping[str, bytes]) -> BoardError:
    if getattr(error, "code", None) == _FULL:
        needed = sum(map(len, files.values()))
        return BoardError(
            "the files do not fit into the file system",
            why=f"it has {room} bytes, and these {len(files)} files alone are {needed}",
            hint="leave files out, or use a board with more flash",
        )
    return BoardError("the file system cannot be written", why=str(error))
