"""The files of a rotation in one folder, the record that says what they mean, and its changes.

``ta`` and ``tb`` hold a bundle each, ``k0`` and ``k1`` a key set each (by version, even and odd),
``s0`` and ``s1`` the state record. On a board a file that is written anew is replaced when it is
closed (littlefs), so the old bytes or the new are there, never half of either; FAT loses files
and is refused. On CPython a file is written beside its place, flushed, and renamed.

The record is what a device remembers of its trust; docs/rotation.md gives every byte. It is
written to the file that is older, then to the other, so that a power cut leaves at least one
whole and a flipped bit never brings an older record back. The valid one with the highest number
counts. Hashes are the first 16 bytes of a SHA-256.

The state table, which docs/rotation.md shows, is :func:`step`, a pure rule: state and event in,
state and actions out. ``urootlet.rotation`` makes the events, and :meth:`Store.step` carries out
the actions. The numbers have names in ``urootlet.states_cpython``; a board's code has them folded
in, so that no name is held in its memory.

state         0 IDLE: no candidate; only the active set authenticates, as in 1 and 2
              1 TRIAL: a candidate waits for its next trial, or is in one
              2 PARKED: a candidate did not get through; it is tried again after the back-off
              3 REVOKE: a candidate with revoke-now was accepted: it alone authenticates
event         0 OFFER: a good bundle was written to the inactive slot
              1 CUT: the same, with revoke-now
              2 TRY: a connection with the candidate alone is about to be made
              3 WORKS: TLS, name and CONNACK 0 with the candidate alone
              4 FAILS: anything else came of it; never evidence against the candidate
              5 SPENT: started again without a verdict for the third time
              6 BAD: the candidate cannot be read or loaded here
              7 KEYS: a newer key set was taken
action        1 FRESH: no attempts so far, no back-off
(a mask)      2 COUNT: one attempt more
              4 WAIT: the next, longer back-off
              8 ADOPT: the candidate is the active set; the floors are its own
              16 BAN: never take these bytes again
              32 DROP: forget the candidate
"""

import binascii
import hashlib
import struct
import sys

from . import clock
from .errors import MICROPYTHON, Error, const
from .session import read

_TYPING = const(0)
if _TYPING:
    from .keyset import KeySet

_FRESH = const(1)
_COUNT = const(2)
_WAIT = const(4)
_ADOPT = const(8)
_BAN = const(16)
_DROP = const(32)
#: A row per state, a byte per event: the next state + 4 * the actions.
_TABLE = const(
    b"\x0d\x07\x00\x00\x00\x00\x00\x00"
    b"\x0d\x07\x09\x20\x12\x12\xc0\x80"
    b"\x0d\x07\x09\x02\x02\x02\xc0\x80"
    b"\x07\x07\x03\x20\x03\x03\x03\x03"
)
_FIRST_WAIT = const(900)
_DAY = const(86400)
_LAST = const(0xFFFFFFFF)

_MAX_BUNDLE = const(4096)
_MAX_KEY_SET = const(6144)

_MAGIC = const(b"RLS1")
#: Magic; the fields of a record in the order of docs/rotation.md; the CRC-32 of all before it.
_LAYOUT = const(">4sI6BHIHIIIH16s16s16s8s")
_SIZE = const(96)

SLOTS = ("ta", "tb")


def step(state: int, event: int) -> "tuple[int, int]":
    """Return the next state and the mask of actions."""
    cell = _TABLE[8 * state + event]
    return cell & 3, cell >> 2


def hash16(data: bytes) -> bytes:
    """Return the first 16 bytes of the SHA-256 of ``data``."""
    return hashlib.sha256(data).digest()[:16]


def _check(data: bytes) -> bytes:
    return struct.pack(">I", binascii.crc32(data))


class Record:
    """The fields of a state record; times are Unix seconds, hashes 16 bytes or zeros.

    ``number`` counts the writes, ``state`` is one of the table above, ``active`` a slot,
    ``backoff`` a step, ``staged`` counts the bundles of ``day``, ``floor`` is (key set,
    sequence), ``sealed`` whether a bundle that retires was ever confirmed, or one that revokes
    accepted, ``candidate_hash`` that of the previous bundle when there is no candidate,
    ``last_bad`` the start of a hash.
    """

    def __init__(self, data: bytes = bytes(_SIZE)) -> None:
        (
            _,
            self.number,
            self.state,
            active,
            self.attempts,
            self.backoff,
            self.staged,
            self.reason,
            keys,
            sequence,
            self.keys,
            self.time_floor,
            self.next_try,
            self.tried_at,
            self.day,
            self.active_hash,
            self.candidate_hash,
            self.keys_hash,
            self.last_bad,
        ) = struct.unpack_from(_LAYOUT, data)
        self.active = active & 1
        self.sealed = active > 1
        self.floor = keys, sequence

    def encode(self) -> bytes:
        """Return the record's bytes."""
        data = struct.pack(
            _LAYOUT,
            _MAGIC,
            self.number,
            self.state,
            self.active | self.sealed << 1,
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


class Store:
    """The trust of one device. ``folder`` ends with its slash or is empty.

    ``factory`` is ``(bundle, key set)`` as shipped, or ``b""`` for one that was not. Reading
    never writes; a record that is lost is put together again from signed slots.
    """

    def __init__(self, folder: str = "", factory: "tuple[bytes, bytes]" = (b"", b"")) -> None:
        self.folder = folder
        self.factory = factory
        self.load()

    def load(self) -> None:
        """Go by what is in the flash."""
        first = self.read("s0", _SIZE)
        second = self.read("s1", _SIZE)
        self.record = Record()  # only now: a read that fails must not leave it empty
        for data in (first, second):
            if len(data) == _SIZE and data[:4] == _MAGIC and _check(data[:-4]) == data[-4:]:
                found = Record(data)
                if found.number > self.record.number:
                    self.record = found
        #: False when power went between the two writes of a record, or there is none yet.
        self.mirrored = self.record.number > 0 and first == second
        if not self.record.number:
            from .rebuild import rebuild

            rebuild(self)
        elif not self.record.keys:  # the key set may have come later, with newer firmware
            self.take_signed(self.factory[1])

    def read(self, name: str, limit: int = _MAX_BUNDLE) -> bytes:
        """Return a whole file of at most ``limit`` bytes, else ``b""``."""
        return read(self.folder + name, limit)

    def write(self, name: str, data: bytes) -> None:
        """Replace a file in one step."""
        if MICROPYTHON:
            with open(self.folder + name, "wb") as file:
                try:
                    file.write(data)
                except MemoryError:  # as it is now, closing would leave an empty file
                    file.seek(0)
                    file.write(data)
        else:
            from .replace_cpython import replace

            replace(self.folder + name, data)

    def put(self, name: str, data: bytes = b"") -> None:
        """Write a file, or without ``data`` the record. FLASH: it failed, and the flash counts."""
        try:
            self.write(name, data or self.record.encode())
        except (OSError, MemoryError) as error:
            self.load()
            raise Error("FLASH", str(error))

    def commit(self) -> None:
        """Write the record: the first write counts, the second makes both the same."""
        self.record.number += 1
        first = self.record.number & 1
        for index in (first, 1 - first):
            self.put("s%d" % index)
        self.mirrored = True

    def step(self, event: int) -> None:
        """Go through the state table and make it last."""
        record = self.record
        state, actions = step(record.state, event)
        if actions & _BAN:
            record.last_bad = record.candidate_hash[:8]
        if actions & (_FRESH | _WAIT | _ADOPT | _DROP):
            record.attempts = 0
        if actions & (_FRESH | _ADOPT):
            record.backoff = 0
        if actions & _COUNT:
            record.attempts += 1
        if actions & _WAIT:
            record.tried_at = clock.now()
            wait = min(_FIRST_WAIT << (2 * record.backoff), _DAY)
            # Past the last second of 2106 it is 0, which is over at once.
            record.next_try = (record.tried_at + wait) & _LAST
            record.backoff = min(record.backoff + 1, 8)
        if actions & _ADOPT:
            record.active = 1 - record.active
            old = record.active_hash
            record.active_hash = record.candidate_hash
            record.candidate_hash = old
        if actions & _DROP:
            record.candidate_hash = bytes(16)
        record.state = state
        self.commit()

    def slot(self, index: int, digest: bytes) -> bytes:
        """Return the bytes of a slot if they are those that the record means, else ``b""``."""
        data = self.read(SLOTS[index])
        return data if hash16(data) == digest else b""

    def active(self) -> bytes:
        """Return the active bundle, ``b""`` when it is damaged."""
        return self.slot(self.record.active, self.record.active_hash)

    def other(self) -> bytes:
        """Return the candidate, or in the state IDLE the previous bundle; ``b""`` without one."""
        return self.slot(1 - self.record.active, self.record.candidate_hash)

    def keys(self) -> "KeySet":
        """Return the key set in force. Errors: NOKEYS. Never an older one instead."""
        from .keyset import KeySet

        version = self.record.keys
        for name in ("", "k%d" % (version & 1)):
            data = self.key_file(name)
            if hash16(data) == self.record.keys_hash:
                return KeySet(data)
        raise Error("NOKEYS", "key set %d" % version)

    def take_keys(self, found: "KeySet") -> None:
        """Make a key set the one in force; the caller has checked it and commits."""
        self.put("k%d" % (found.version & 1), found.data)
        self.record.keys = found.version
        self.record.keys_hash = hash16(found.data)

    def take_signed(self, data: bytes) -> int:
        """Take a key set that its own keys signed, if it is newer; return its version, else 0."""
        from .keyset import KeySet, check_self

        try:
            found = KeySet(data)
            check_self(found)
        except Error:
            return 0
        if found.version > self.record.keys:
            self.record.keys = found.version
            self.record.keys_hash = hash16(data)
        return found.version

    def key_file(self, name: str) -> bytes:
        """Return a key set file, of the factory without a name; ``b""`` when it is not there."""
        return self.read(name, _MAX_KEY_SET) if name else self.factory[1]


def shipped(folder: str) -> "tuple[bytes, bytes]":
    """Return ``(bundle, key set)`` as the device was shipped, ``b""`` for one that was not.

    No rotation rewrites them. On a board they are a module, ``rootlet_factory``, which ``rootlet
    flash --trust-keys`` writes and which may be frozen into the firmware; on CPython two files,
    ``factory.rlt`` and ``factory.rlk``, in the device's folder.
    """
    if MICROPYTHON:
        try:
            from rootlet_factory import BUNDLE, KEYS  # type: ignore[import-not-found]
        except ImportError:
            return b"", b""
        del sys.modules["rootlet_factory"]  # the caller holds what it needs of it
        return BUNDLE, KEYS
    from .factory_cpython import load as files

    return files(folder)
