"""What was provisioned, one line a device, so that a rerun makes no second key for a thing.

Holds names and hashes, nothing secret.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rootlet.lines import Lines

if TYPE_CHECKING:
    from pathlib import Path

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


class Ledger(Lines):
    """The ledger at a path, held by one run at a time. Raises InputError."""

    LIMIT = 1 << 28  # bytes; 100,000 devices take 30 MB
    MEND = "restore it from a copy"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._known: dict[str, Entry] = {}

    def find(self, thing: str) -> Entry | None:
        """Return the newest entry of a thing."""
        return self._known.get(thing)

    def add(self, entry: Entry) -> None:
        """Append an entry and wait until it is on the disk. Raises InputError."""
        self._append(asdict(entry))
        self._known[entry.thing] = entry

    def _take(self, line: Any) -> bool:
        entry = Entry(**line)
        values = (entry.thing, entry.key_id, entry.certificate_id, entry.at)
        self._known[entry.thing] = entry
        return all(isinstance(one, str) for one in values) and len(entry.key_id) == _HEX
