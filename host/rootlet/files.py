"""Reading what a user names, and writing so that a file is never half there."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from rootlet.errors import InputError

#: What to do about a file that cannot be read or written, by the reason.
_MEND = {
    errno.ENOENT: "make its folder first, or name another one",
    errno.ENOSPC: "make room there, or name another disk: df -h",
    errno.EDQUOT: "make room there, or name another disk: quota",
    errno.EACCES: "name a place of your own, or see who owns this one: ls -ld",
    errno.EPERM: "name a place of your own, or see who owns this one: ls -ld",
    errno.EROFS: "name a place that can be written",
    errno.EISDIR: "name a file in it",
}


def mend(error: OSError) -> str:
    """Return what to do about a file that could not be written, "" when nobody knows."""
    return _MEND.get(error.errno or 0, "")


def read(path: Path, limit: int) -> bytes:
    """Return the whole file. Raises InputError when it is not readable or over ``limit`` bytes."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read", why=error.strerror or str(error), hint="check the path"
        ) from error
    if len(data) > limit:
        raise InputError(
            f"{path}: over {limit} bytes",
            why="no file of this kind is that long",
            hint="check the path",
            code="FORMAT",
        )
    return data


def write(path: Path, data: bytes, mode: int = 0o644, *, over_key: bool = False) -> None:
    """Write beside ``path``, flush to the disk, and rename into place.

    Raises InputError when the folder is missing, full or not writable, for a device or a pipe, and
    for a private key in PEM unless ``over_key``; ``path`` is then as it was and nothing is left
    beside it.
    """
    import tempfile  # noqa: PLC0415 - slow to import, and most commands only read

    if _is_stream(path):
        raise InputError(
            f"{path}: a device or a pipe",
            why="a file is renamed into place, which would replace it for everybody",
            hint="name a file with -o",
        )
    if not over_key and _holds_key(path):
        raise InputError(
            f"{path}: holds a private key",
            why="a key that is overwritten is lost",
            hint="name another file with -o",
        )
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise InputError(
            f"{path}: cannot be written",
            why=error.strerror or str(error),
            hint=mend(error) or "name another file",
        ) from error


def make_folder(path: Path, mode: int = 0o777) -> None:
    """Make a folder and those above it, where they are not there. Raises InputError."""
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be made", why=error.strerror or str(error), hint="name another"
        ) from error


def _is_stream(path: Path) -> bool:
    """Whether there is neither a file nor a folder, or a link to what a program has open."""
    try:
        mode = path.stat().st_mode
        open_elsewhere = path.is_symlink() and path.readlink().is_relative_to("/proc")
    except OSError:
        return False  # nothing there, or nothing that may be looked at: writing says why
    return open_elsewhere or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _holds_key(path: Path) -> bool:
    """Whether a file that is there begins like a private key in PEM."""
    try:
        with path.open("rb") as file:
            return b"PRIVATE KEY-----" in file.read(4096)
    except OSError:
        return False


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk, as ``write`` does for what is in a file.

    Raises InputError as ``write`` does.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written", why=error.strerror or str(error), hint="check the disk"
        ) from error
