"""The user's cache folder: things that are made once, complete or not there at all."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from rootlet.errors import BoardError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def folder() -> Path:
    """Return the cache folder of this user."""
    return Path(platformdirs.user_cache_dir("rootlet"))


def once(name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder ``name`` in the cache; ``make`` fills it the first time.

    It is filled under another name and renamed when complete, so an interrupted or failed
    attempt is never taken for the result; of two processes one makes it and the other waits.
    Raises BoardError when the cache cannot be written.
    """
    made = folder() / name
    if made.is_dir():
        return made
    try:
        with _lock(), _beside(name) as unfinished:
            if not made.is_dir():
                make(unfinished)
                unfinished.rename(made)
    except OSError as error:
        why = f"{error.strerror}: {error.filename}" if error.filename else str(error)
        raise BoardError(f"cannot fill the cache {folder()}", why=why, hint="df -h") from error
    return made


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _beside(name: str) -> Iterator[Path]:
    """Give an empty folder that is gone afterwards, and clear what a killed process left."""
    prefix = f".unfinished-{name}-"
    for left in folder().glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(prefix=prefix, dir=folder()))
    unfinished.chmod(0o755)
    try:
        yield unfinished
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
