"""The files below what a user names: regular files only, links not followed, nothing executed."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

#: Folders that hold history or copies of what stands beside them.
SKIPPED = frozenset({".git", ".hg", ".svn", "__pycache__"})


@dataclass(frozen=True)
class Listed:
    """A file with its size in bytes, or, with ``why``, what could not be looked at."""

    path: Path
    size: int = 0
    why: str = ""


def files(paths: Sequence[Path]) -> Iterator[Listed]:
    """Yield every regular file, sorted by name below each of ``paths``.

    A path that the user names may be a link; links below it are left out. Raises InputError for
    a path that is neither a file nor a folder.
    """
    for path in paths:
        try:
            found = path.stat()
        except OSError as error:
            raise _unreadable(path, error.strerror or str(error)) from None
        if stat.S_ISDIR(found.st_mode):
            yield from _below(path)
        elif stat.S_ISREG(found.st_mode):
            yield Listed(path, found.st_size)
        else:
            raise _unreadable(path, "it is neither a file nor a folder")


def _unreadable(path: Path, why: str) -> InputError:
    return InputError(f"{path}: cannot be read", why=why, hint="check the path")


def _below(folder: Path) -> Iterator[Listed]:
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            with os.scandir(current) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield Listed(current, why=error.strerror or str(error))
            continue
        folders = []
        for entry in ordered:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in SKIPPED:
                    folders.append(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                yield Listed(Path(entry.path), entry.stat(follow_symlinks=False).st_size)
        waiting += reversed(folders)


class File:
    """An open file as a ``rootlet.scan.source.Source``; it keeps nothing in memory."""

    def __init__(self, path: Path) -> None:
        """Open it. Raises OSError, also for what has become something else than a file."""
        # Not blocking, should a pipe have taken the file's place.
        self.handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        found = os.fstat(self.handle)
        if not stat.S_ISREG(found.st_mode):
            os.close(self.handle)
            raise OSError("it is no regular file any more")
        self.size = found.st_size

    def read(self, at: int, size: int) -> bytes:
        """Return bytes by offset. Raises OSError."""
        return os.pread(self.handle, size, at)

    def place(self, at: int) -> int:
        """Return ``at``."""
        return at

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self.handle)
