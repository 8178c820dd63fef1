"""The state record: what a device remembers of its trust, in at most 128 bytes.

Two files, ``s0`` and ``s1``, hold the same record; docs/rotation.md gives every byte. It is
written to the one that is older, then to the other, so that a power cut leaves at least one
whole and a flipped bit never brings an older record back. The valid one with the highest number
counts. Hashes are the first 16 bytes of a SHA-256.
"""

import binascii
import struct

from .errors import const

_MAGIC = b"RLS1"
#: Magic; the fields below, of which the floor is two numbers; and the CRC-32 of all before it.
_LAYOUT = ">4sI6BHIHIIIH16s16s16s8s"
_SIZE = const(96)
_FIELDS = (
    "number state active attempts backoff staged reason floor_set floor_sequence keys time_floor "
    "next_try tried_at day active_hash candidate_hash keys_hash last_bad"
)


class Record:
    """The fields of a state record; times are Unix seconds, hashes 16 bytes or zeros.

    ``number`` counts the writes, ``state`` is one of ``urootlet.states``, ``active`` a slot,
    ``backoff`` a step, ``staged`` counts the bundles of ``day``, ``floor`` is (key set,
    sequence), ``sealed`` whether a bundle that retires was ever confirmed, or one that revokes
    accepted, ``candidate_hash`` that of the previous bundle when there is no candidate,
    ``last_bad`` the start of a hash.
    """

    number: int
    state: int
    active: int
    attempts: int
    backoff: int
    staged: int
    reason: int
    sealed: bool
    floor_set: int
    floor_sequence: int
    keys: int
    time_floor: int
    next_try: int
    tried_at: int
    day: int
    active_hash: bytes
    candidate_hash: bytes
    keys_hash: bytes
    last_bad: bytes

    def __init__(self, data: bytes = bytes(_SIZE)) -> None:
        for name, value in zip(_FIELDS.split(" "), struct.unpack_from(_LAYOUT, data)[1:]):
            setattr(self, name, value)
        self.sealed = self.active > 1
        self.active &= 1
        self.floor = (self.floor_set, self.floor_sequence)

    def encode(self) -> bytes:
        """Return the record's bytes."""
        self.floor_set, self.floor_sequence = self.floor
        values = [getattr(self, name) for name in _FIELDS.split(" ")]
        values[2] |= self.sealed << 1
        data = struct.pack(_LAYOUT, _MAGIC, *values)
        return data + _check(data)


def decode(data: "bytes | None") -> "Record | None":
    """Return the record, or ``None`` for bytes that are not a whole one."""
    if data is None or len(data) != _SIZE or _check(data[:-4]) != data[-4:]:
        return None
    return Record(data) if data[:4] == _MAGIC else None


def _check(data: bytes) -> bytes:
    return struct.pack(">I", binascii.crc32(data) & 0xFFFFFFFF)
