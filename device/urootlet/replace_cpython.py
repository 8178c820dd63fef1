"""Replacing and removing a file on a POSIX system: a power cut leaves the old or the new."""

import os


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
