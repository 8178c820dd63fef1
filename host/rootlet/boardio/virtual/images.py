"""The two images that a board starts from: its flash, and the read-only modules of its firmware.

Both are littlefs v2 in 4096-byte blocks, as ESP32 firmware formats its ``vfs`` partition.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from littlefs import LittleFS, UserContext

from rootlet.errors import BoardError, InputError

if TYPE_CHECKING:
    from pathlib import Path

BLOCK_BYTES = 4096
#: littlefs needs two blocks for its root; fewer than this leave no room for a file.
_LEAST_BLOCKS = 4
#: On-disk version 2.0: what every MicroPython since 1.12 mounts.
_DISK_VERSION = 0x00020000


def ensure_flash(path: Path, size: int) -> None:
    """Make a freshly formatted flash image of ``size`` bytes, unless there is an image.

    An existing image is never formatted. Raises InputError for a size that is not a whole
    number of blocks, BoardError for an existing file that cannot be a flash image.
    """
    if path.exists():
        _check(path)
        return
    if size % BLOCK_BYTES or size < _LEAST_BLOCKS * BLOCK_BYTES:
        why = f"flash comes in blocks of {BLOCK_BYTES} bytes, at least {_LEAST_BLOCKS}"
        raise InputError(f"a flash of {size} bytes is not possible", why=why)
    _write(path, _formatted(size // BLOCK_BYTES))


def write_rom(path: Path, modules: Path) -> None:
    """Make the image of the firmware's own modules: every ``.py`` file under ``modules``."""
    sources = {source.relative_to(modules): source for source in sorted(modules.rglob("*.py"))}
    blocks = sum(2 + source.stat().st_size // BLOCK_BYTES for source in sources.values())
    image = _formatted(_LEAST_BLOCKS + 2 * blocks)
    for name, source in sources.items():
        if name.parent.parts:
            image.makedirs(str(name.parent), exist_ok=True)
        with image.open(str(name), "wb") as file:
            file.write(source.read_bytes())
    _write(path, image)


def _check(path: Path) -> None:
    size = path.stat().st_size
    if size % BLOCK_BYTES or size < _LEAST_BLOCKS * BLOCK_BYTES:
        raise BoardError(
            f"{path} is not a flash image",
            why=f"it has {size} bytes, which is not a whole number of {BLOCK_BYTES}-byte blocks",
            hint=f"move it away to start with an empty board: mv {path} {path}.old",
        )


def _formatted(blocks: int) -> LittleFS:
    context = UserContext(buffer=bytearray(b"\xff" * (blocks * BLOCK_BYTES)))
    image = LittleFS(
        context=context,
        block_size=BLOCK_BYTES,
        block_count=blocks,
        disk_version=_DISK_VERSION,
        mount=False,
    )
    image.format()
    image.mount()
    return image


def _write(path: Path, image: LittleFS) -> None:
    """Write beside, then rename: what is there under the name is always complete."""
    beside = path.with_name(path.name + ".new")
    try:
        with beside.open("wb") as file:
            file.write(image.context.buffer)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise BoardError(
            f"cannot write {path}", why=str(error.strerror), hint="free some space there: df -h"
        ) from error
