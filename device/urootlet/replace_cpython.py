"""Replacing a file on a POSIX system so that a power cut leaves the old bytes or the new."""

import os


def replace(path: str, data: bytes) -> None:
    """Write beside ``path``, flush file and folder to the disk, and rename into place."""
    beside = path + ".new"
    with open(beside, "wb", opener=_private) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _private(path: str, flags: int) -> int:
    """Create a file that its owner alone may read: some hold a private key."""
    return os.open(path, flags, 0o600)
