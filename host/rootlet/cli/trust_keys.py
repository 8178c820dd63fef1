"""``--trust-keys``: the key set that a board is shipped with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rootlet import files, flash, signing
from rootlet.errors import InputError
from urootlet import format_cpython as layout

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, data: bytes) -> bytes:
    """Read a key set that counts: the keys alone would not prove that their owners agree."""
    keys = files.read(path, layout.MAX_KEY_SET)
    if keys[:4] != layout.MAGIC:
        raise InputError(
            f"{path} is not a key set",
            why="a device takes keys only in a set that they have signed themselves",
            hint=f"rootlet key set -o keys-1.rlk --target NAME --key {path} --sign KEY.pem",
            code="FORMAT",
        )
    signing.decode_key_set(keys, str(path))
    flash.check_keys(data, keys, str(path))
    return keys
