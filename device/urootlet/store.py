"""The files of a rotation in one folder, and the record that says what they mean.

``ta`` and ``tb`` hold a bundle each, ``k0`` and ``k1`` a key set each (by version, even and odd),
``s0`` and ``s1`` the state record. On a board a file that is written anew is replaced when it is
closed (littlefs), so the old bytes or the new are there, never half of either; FAT loses files
and is refused. On CPython a file is written beside its place, flushed, and renamed.

The record is what a device remembers of its trust; docs/rotation.md gives every byte. It is
written to the file that is older, then to the other, so that a power cut leaves at least one
whole and a flipped bit never brings an older record back. The valid one with the highest number
counts. Hashes are the first 16 bytes of a SHA-256.
"""

import binascii
import hashlib
import struct

from .bundle import Bundle
from .errors import MICROPYTHON, Error, const
from .keyset import KeySet, check_bundle, check_self

_TRIAL = const(1)
_MAX_BUNDLE = const(4096)
_MAX_KEY_SET = const(6144)

_MAGIC = const(b"RLS1")
#: Magic; the fields below, of which the floor is two numbers; and the CRC-32 of all before it.
_LAYOUT = const(">4sI6BHIHIIIH16s16s16s8s")
_SIZE = const(96)
_FIELDS = const(
    "number state active attempts backoff staged reason floor_set floor_sequence keys time_floor "
    "next_try tried_at day active_hash candidate_hash keys_hash last_bad"
)

SLOTS = ("ta", "tb")


def hash16(data: bytes) -> bytes:
    """Return the first 16 bytes of the SHA-256 of ``data``."""
    return hashlib.sha256(data).digest()[:16]


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
    return struct.pack(">I", binascii.crc32(data))


class Store:
    """The trust of one device. ``folder`` ends with its slash or is empty.

    ``factory`` is ``(bundle, key set)`` as shipped, or ``b""`` for one that was not. Reading
    never writes; a record that is lost is put together again from signed slots.
    """

    def __init__(self, folder: str = "", factory: "tuple[bytes, bytes]" = (b"", b"")) -> None:
        self.folder = folder
        self.factory = factory
        if MICROPYTHON:
            _refuse_fat()
        self.record = Record()
        known = False
        raw = [self.read(name) for name in ("s0", "s1")]
        #: False when power went between the two writes of a record, or there is none yet.
        self.mirrored = raw[0] == raw[1] and raw[0] is not None
        for data in raw:
            found = decode(data)
            if found and (not known or found.number > self.record.number):
                self.record = found
                known = True
        if not known:
            self._rebuild()
        elif not self.record.keys:  # the key set may have come later, with newer firmware
            self._rebuild_keys(None)

    def read(self, name: str, limit: int = _MAX_BUNDLE) -> "bytes | None":
        """Return a whole file of at most ``limit`` bytes, or ``None``."""
        try:
            with open(self.folder + name, "rb") as file:
                data = file.read(limit + 1)
        except OSError:
            return None
        return data if len(data) <= limit else None

    def write(self, name: str, data: bytes) -> None:
        """Replace a file in one step."""
        if MICROPYTHON:
            with open(self.folder + name, "wb") as file:
                file.write(data)
        else:
            from .replace_cpython import replace

            replace(self.folder + name, data)

    def commit(self) -> None:
        """Write the record: the first write counts, the second makes both the same."""
        self.record.number += 1
        data = self.record.encode()
        first = self.record.number & 1
        for index in (first, 1 - first):
            self.write("s%d" % index, data)
        self.mirrored = True

    def slot(self, index: int, digest: bytes) -> "bytes | None":
        """Return the bytes of a slot if they are those that the record means."""
        data = self.read(SLOTS[index])
        return data if data is not None and hash16(data) == digest else None

    def active(self) -> "bytes | None":
        """Return the active bundle, ``None`` when it is damaged."""
        return self.slot(self.record.active, self.record.active_hash)

    def candidate(self) -> "bytes | None":
        """Return the candidate, ``None`` when there is none or it is damaged."""
        return self._other() if self.record.state else None

    def previous(self) -> "bytes | None":
        """Return the bundle that was active before this one, ``None`` when it is not there."""
        return None if self.record.state else self._other()

    def _other(self) -> "bytes | None":
        return self.slot(1 - self.record.active, self.record.candidate_hash)

    def keys(self) -> KeySet:
        """Return the key set in force. Errors: NOKEYS. Never an older one instead."""
        version = self.record.keys
        data = self.factory[1]
        if hash16(data) != self.record.keys_hash:
            data = self.read("k%d" % (version & 1), _MAX_KEY_SET) or b""
        if hash16(data) != self.record.keys_hash:
            raise Error("NOKEYS", "key set %d" % version)
        return KeySet(data)

    def take_keys(self, data: bytes) -> None:
        """Make a key set the one in force; the caller has checked it and commits."""
        version = int.from_bytes(data[6 + data[5] : 8 + data[5]], "big")
        self.write("k%d" % (version & 1), data)
        self.record.keys = version
        self.record.keys_hash = hash16(data)

    def _rebuild(self) -> None:
        """Put a record together from what is signed; nothing is trusted for being there.

        Without an update key set the only bundle is the one that was flashed. Of two signed
        bundles the older is the active one and the newer its candidate, unless the newer cuts
        the older off.
        """
        made = self.record
        for name in ("k0", "k1"):
            self._rebuild_keys(self.read(name, _MAX_KEY_SET))
        found = []
        for index in (0, 1):
            data = self.read(SLOTS[index]) or b""
            try:
                bundle = Bundle(data)
                if bundle.flags:  # also when it was signed under keys that are gone
                    made.sealed = True
                order = 0, 0  # without update keys a number proves nothing
                if bundle.sequence and made.keys:
                    check_bundle(self.keys(), bundle)
                    order = bundle.key_set, bundle.sequence
            except Error:
                continue
            found.append((order, index, hash16(data), bundle.flags))
        found.sort()
        if found:
            first = found[0]
            last = found[-1]
            if last[3]:
                first = last
            made.floor, made.active, made.active_hash = first[:3]
            if last[0] > first[0]:
                made.state = _TRIAL
                made.candidate_hash = last[2]

    def _rebuild_keys(self, data: "bytes | None") -> None:
        """Take a key set that its own keys signed, if it is newer; without one, as shipped."""
        data = data or self.factory[1]
        try:
            keys = KeySet(data)
            check_self(keys)
        except Error:
            return
        if keys.version > self.record.keys:
            self.record.keys = keys.version
            self.record.keys_hash = hash16(data)


def _refuse_fat() -> None:
    """Refuse FAT: a rename there deletes first, and a power cut can lose any file."""
    import vfs

    try:
        mounts = vfs.mount()
    except TypeError:  # before 1.25 it cannot list
        return
    for mounted, path in mounts:
        if path == "/" and "Fat" in type(mounted).__name__:
            raise Error("FORMAT", "FAT; use littlefs")


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
        return BUNDLE, KEYS
    from .factory_cpython import load as files

    return files(folder)
