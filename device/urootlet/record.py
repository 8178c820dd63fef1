"""The state record: what a device remembers of its trust, in at most 128 bytes.

Two files, ``s0`` and ``s1``, hold the same record; docs/rotation.md gives every byte. It is
written to the one that is older, then to the other, so that a power cut leaves at least one
whole and a flipped bit never brings an older record back. The valid one with the highest number
counts. Hashes are the first 16 bytes of a SHA-256.
"""

import binascii
import struct

from .states import IDLE

_MAGIC = b"RLS1"
#: Magic, number, state, active slot, attempts, back-off step, stagings today, reason;
#: floor: key set, sequence; key set version; time floor, next try, tried at, day of stagings;
#: hashes of active, candidate (the previous bundle, when there is none) and key set; start of the
#: hash of the last bad bundle.
_LAYOUT = ">4sI6BHIHIIIH16s16s16s8s"
SIZE = struct.calcsize(_LAYOUT) + 4
_NONE = bytes(16)


class Record:
    """The fields of a state record; times are Unix seconds, hashes 16 bytes or zeros."""

    def __init__(self) -> None:
        self.number = 0
        self.state = IDLE
        self.active = 0
        self.attempts = 0
        self.backoff = 0
        self.staged = 0
        self.reason = 0
        self.floor = (0, 0)
        self.keys = 0
        self.time_floor = 0
        self.next_try = 0
        self.tried_at = 0
        self.day = 0
        self.active_hash = self.candidate_hash = self.keys_hash = _NONE
        self.last_bad = bytes(8)

    def encode(self) -> bytes:
        """Return the record's bytes."""
        data = struct.pack(
            _LAYOUT,
            _MAGIC,
            self.number,
            self.state,
            self.active,
            self.attempts,
            self.backoff,
            self.staged,
            self.reason,
            self.floor[0],
            self.floor[1],
            self.keys,
            self.time_floor,
            self.next_try,
            self.tried_at,
            self.day,
            self.active_hash,
            self.candidate_hash,
            self.keys_hash,
            self.last_bad,
        )
        return data + _check(data)


def decode(data: "bytes | None") -> "Record | None":
    """Return the record, or ``None`` for bytes that are not a whole one."""
    if data is None or len(data) != SIZE or _check(data[:-4]) != data[-4:]:
        return None
    found = Record()
    (
        magic,
        found.number,
        found.state,
        found.active,
        found.attempts,
        found.backoff,
        found.staged,
        found.reason,
        key_set,
        sequence,
        found.keys,
        found.time_floor,
        found.next_try,
        found.tried_at,
        found.day,
        found.active_hash,
        found.candidate_hash,
        found.keys_hash,
        found.last_bad,
    ) = struct.unpack(_LAYOUT, data[:-4])
    found.floor = (key_set, sequence)
    return found if magic == _MAGIC else None


def _check(data: bytes) -> bytes:
    return struct.pack(">I", binascii.crc32(data) & 0xFFFFFFFF)
