"""The files that a gateway was shipped with."""

from .format_cpython import MAX_KEY_SET


def load(folder: str) -> "tuple[bytes, bytes]":
    """Return bundle and key set of a folder, ``b""`` for one that is not there."""
    return _read(folder + "factory.rlt"), _read(folder + "factory.rlk")


def _read(path: str) -> bytes:
    """Return a whole file, ``b""`` when there is none or it is longer than a key set may be."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_KEY_SET + 1)
    except FileNotFoundError:
        return b""
    return data if len(data) <= MAX_KEY_SET else b""
