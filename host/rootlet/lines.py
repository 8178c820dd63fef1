"""A file of one JSON object a line that only grows: what a run has done, for the next one.

A line is on the disk before anybody is told of it. Power or a full disk may cut the last one
short: that counts as never written and is dropped. A whole one that only lacks its line end, as
editors leave it, counts. One run at a time holds the file.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from typing import TYPE_CHECKING, Any, ClassVar, Self

from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import BinaryIO


class Lines:
    """The file at ``path``, as a context manager that nobody else can open meanwhile.

    Raises InputError when somebody has it open, when it cannot be written, when it is longer than
    ``LIMIT`` bytes, or when a line of it is not of its kind.
    """

    LIMIT: ClassVar[int]
    #: What to do about a line that somebody else has written or damaged.
    MEND: ClassVar[str]

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO

    def __enter__(self) -> Self:
        try:
            self._file = self.path.open("a+b")
        except OSError as error:
            why = error.strerror or str(error)
            raise self._bad(why, "name a folder that you may write to") from error
        try:
            self._lock()
            self._load()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # what could not be written has been told
            self._file.close()

    def _take(self, line: Any) -> bool:
        """Remember a line of the file; return whether it is one of this kind."""
        raise NotImplementedError

    def _append(self, line: Mapping[str, Any]) -> None:
        """Write a line and wait until it is on the disk. Raises InputError."""
        self._write_out(json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def _write_out(self, data: bytes) -> None:
        try:
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._bad(error.strerror or str(error), "make room, and run it again") from error

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise self._bad("another run is at work there", "wait until it has ended") from error

    def _load(self) -> None:
        self._file.seek(0)
        data = self._file.read(self.LIMIT + 1)
        if len(data) > self.LIMIT:
            raise self._bad(f"over {self.LIMIT} bytes", "name another folder")
        whole = data.rfind(b"\n") + 1
        torn = whole < len(data) and not _is_json(data[whole:])
        for number, line in enumerate((data[:whole] if torn else data).splitlines(), 1):
            if not self._is_taken(line):
                raise self._bad(f"line {number} is damaged", self.MEND)
        if torn:
            self._file.truncate(whole)
        elif whole < len(data):
            self._write_out(b"\n")

    def _is_taken(self, line: bytes) -> bool:
        try:
            return self._take(json.loads(line))
        except (ValueError, KeyError, TypeError, RecursionError):
            return False

    def _bad(self, why: str, hint: str) -> InputError:
        return InputError(f"{self.path}: cannot be used", why=why, hint=hint)


def _is_json(data: bytes) -> bool:
    """Whether this is a whole document: what a cut leaves of an object never is."""
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True
