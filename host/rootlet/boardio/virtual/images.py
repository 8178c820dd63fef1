"""The two images that a board starts from: its flash, and its firmware's read-only modules."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rootlet.boardio import littlefs
from rootlet.boardio.littlefs import BLOCK_BYTES, LEAST_BLOCKS
from rootlet.errors import BoardError, InputError

if TYPE_CHECKING:
    from pathlib import Path


def ensure_flash(path: Path, size: int) -> None:
    """Make a freshly formatted flash image of ``size`` bytes, unless there is an image.

    An existing image is never formatted. Raises InputError for a size that is not a whole
    number of blocks, BoardError for an existing file that cannot be a flash image.
    """
    if path.exists():
        _check(path)
        return
    if size % BLOCK_BYTES or size < LEAST_BLOCKS * BLOCK_BYTES:
        why = f"flash comes in blocks of {BLOCK_BYTES} bytes, at least {LEAST_BLOCKS}"
        raise InputError(f"a flash of {size} bytes is not possible", why=why)
    _write(path, littlefs.empty(size))


def write_rom(path: Path, modules: Path) -> None:
    """Make the image of the firmware's own modules: every ``.py`` file under ``modules``."""
    sources = {source.relative_to(modules): source for source in sorted(modules.rglob("*.py"))}
    blocks = sum(2 + source.stat().st_size // BLOCK_BYTES for source in sources.values())
    image = littlefs.empty((LEAST_BLOCKS + 2 * blocks) * BLOCK_BYTES)
    files = {str(name): source.read_bytes() for name, source in sources.items()}
    _write(path, littlefs.add(image, files))


def _check(path: Path) -> None:
    size = path.stat().st_size
    if size % BLOCK_BYTES or size < LEAST_BLOCKS * BLOCK_BYTES:
        raise BoardError(
            f"{path} is not a flash image",
            why=f"it has {size} bytes, which is not a whole number of {BLOCK_BYTES}-byte blocks",
            hint=f"move it away to start with an empty board: mv {path} {path}.old",
        )


def _write(path: Path, image: bytes) -> None:
    """Write beside, then rename: what is there under the name is always complete."""
    beside = path.with_name(path.name + ".new")
    try:
        with beside.open("wb") as file:
            file.write(image)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise BoardError(
            f"cannot write {path}", why=str(error.strerror), hint="free some space there: df -h"
        ) from error
