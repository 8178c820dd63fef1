"""What was provisioned, one JSON line a device, so that a rerun makes no second key for a thing.

A line is on the disk before the next step is told of. Power may cut the last one short: what
follows the last line end is dropped then. Holds names and hashes, nothing secret.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from rootlet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_MAX = 1 << 28  # bytes; 100,000 devices take 30 MB
_HEX = 64


@dataclass(frozen=True)
class Entry:
    """One device: its thing name, SHA-256 of its public key and of its certificate, as hex.

    ``certificate_id`` is empty while there is none. ``at`` is when, in ISO 8601 and UTC.
    """

    thing: str
    key_id: str
    certificate_id: str
    at: str


class Ledger:
    """The ledger at ``path``, as a context manager that nobody else can open meanwhile.

    Raises InputError when somebody has it open, or when it is not a ledger.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Entry] = {}
        self._file: BinaryIO

    def __enter__(self) -> Self:
        try:
            self._file = self._path.open("a+b")
        except OSError as error:
            raise self._bad(error.strerror or str(error), "name another folder") from error
        try:
            self._lock()
            self._load()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def find(self, thing: str) -> Entry | None:
        """Return the newest entry of a thing."""
        return self._known.get(thing)

    def add(self, entry: Entry) -> None:
        """Append an entry and wait until it is on the disk. Raises InputError."""
        try:
            self._file.write(json.dumps(asdict(entry), separators=(",", ":")).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._bad(error.strerror or str(error), "make room, and run it again") from error
        self._known[entry.thing] = entry

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise self._bad("another run is at work there", "wait for it") from error

    def _load(self) -> None:
        self._file.seek(0)
        data = self._file.read(_MAX + 1)
        if len(data) > _MAX:
            raise self._bad(f"over {_MAX} bytes", "name another folder")
        whole = data.rfind(b"\n") + 1
        for number, line in enumerate(data[:whole].splitlines(), 1):
            entry = _entry(line)
            if entry is None:
                raise self._bad(f"line {number} is damaged", "restore it from a copy")
            self._known[entry.thing] = entry
        if whole < len(data):
            self._file.truncate(whole)

    def _bad(self, why: str, hint: str) -> InputError:
        return InputError(f"{self._path}: cannot be used", why=why, hint=hint)


def _entry(line: bytes) -> Entry | None:
    try:
        found = Entry(**json.loads(line))
    except (ValueError, TypeError):
        return None
    values = (found.thing, found.key_id, found.certificate_id, found.at)
    fits = all(isinstance(one, str) for one in values) and len(found.key_id) == _HEX
    return found if fits else None
