"""The files that a gateway was shipped with."""

from .format_cpython import MAX_KEY_SET
from .session import read


def load(folder: str) -> "tuple[bytes, bytes]":
    """Return bundle and key set of a folder, ``b""`` for one that is not there."""
    return read(folder + "factory.rlt", MAX_KEY_SET), read(folder + "factory.rlk", MAX_KEY_SET)
