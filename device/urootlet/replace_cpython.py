"""Files on a POSIX system: a power cut leaves the old or the new; no refusal looks like a loss."""

import errno
import os

from .errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

#: What says nothing about a file: this process may not, or has too much open.
_REFUSED = (errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def reader(path: str, mode: str) -> "BinaryIO":
    """Open a file that may be missing or damaged: OSError. FLASH: it is there for all we know.

    To take that for a loss would put a record together anew, over the one that is there.
    """
    try:
        return open(path, mode)  # type: ignore[return-value]
    except OSError as error:
        if error.errno in _REFUSED:
            raise Error("FLASH", str(error)) from error
        raise


def replace(path: str, data: bytes) -> None:
    """Write beside ``path``, flush file and folder to the disk, and rename into place."""
    beside = path + ".new"
    with open(beside, "wb", opener=_private) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    _flush(path)


def remove(path: str) -> None:
    """Remove a file, so that no power cut brings it back."""
    os.remove(path)
    _flush(path)


def _flush(path: str) -> None:
    """Flush the folder that ``path`` is in."""
    folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _private(path: str, flags: int) -> int:
    """Create a file that its owner alone may read: some hold a private key."""
    return os.open(path, flags, 0o600)
