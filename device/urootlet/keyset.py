"""The key set: who may sign for a fleet. docs/format.md gives every byte.

A device that holds key set N takes N+1 only when the thresholds of N and of N+1 are both met by
signatures over the same bytes (the root rule of TUF, specification 5.3.4 and 5.3.5). It takes a
bundle only under the very key set that it holds. Signers are counted by modulus.
"""

from . import bundle as layout
from . import signature
from .compat import const
from .errors import Error

MAX_KEYS = const(5)
#: Those of the old keys and those of the new.
MAX_SIGNATURES = const(10)
#: Two flash blocks hold it: 42 bytes, 5 keys and 10 signatures are 5,882.
MAX_SIZE = const(6144)
#: Version, threshold, count.
HEADER = const(4)
#: One bundle may skip so many sequences, or a stolen or mistyped 4294967295 would be the last.
MAX_JUMP = const(1000)


class KeySet:
    """What a key set says. ``keys`` are the moduli, 384 bytes each, ascending by key id.

    Reading it checks its form; whether its signatures hold is for the functions below.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) > MAX_SIZE:
            raise Error("FORMAT", "%d bytes, at most %d" % (len(data), MAX_SIZE))
        pos = layout.preamble(data, layout.TYPE_KEY_SET, HEADER)
        self.data = data
        self.target = bytes(data[6:pos]).decode()
        self.version = int.from_bytes(data[pos : pos + 2], "big")
        self.threshold = data[pos + 2]
        count = data[pos + 3]
        if self.version < 1:
            raise Error("FORMAT", "byte %d: version 0" % pos)
        if not 1 <= count <= MAX_KEYS:
            raise Error("FORMAT", "byte %d: %d keys" % (pos + 3, count))
        if not 1 <= self.threshold <= count:
            raise Error("FORMAT", "byte %d: threshold %d" % (pos + 2, self.threshold))
        self.signed_end = pos + HEADER + count * signature.SIZE
        self.keys = _keys(memoryview(data), pos + HEADER, self.signed_end)
        self.signatures = layout.signatures(data, self.signed_end, MAX_SIGNATURES)


def _keys(view: memoryview, pos: int, end: int) -> "list[memoryview]":
    """Check the moduli and return them; one that the end of the file cuts off is too short."""
    keys: "list[memoryview]" = []
    last = b""
    while pos < end:
        modulus = view[pos : pos + signature.SIZE]
        if not signature.is_modulus(modulus):
            raise Error("FORMAT", "byte %d: not an odd number of 3072 bits" % pos)
        this = signature.key_id(modulus)
        if this <= last:
            raise Error("FORMAT", "byte %d: key twice or out of order" % pos)
        keys.append(modulus)
        last = this
        pos += signature.SIZE
    return keys


def check_self(keys: KeySet) -> None:
    """Refuse a set that its own keys did not sign: code SIGNATURE."""
    _check_signed(keys.data, keys.signed_end, keys)


def check_next(current: KeySet, candidate: KeySet) -> None:
    """Refuse ``candidate`` unless it follows ``current``: TARGET, SEQUENCE or SIGNATURE."""
    if candidate.target != current.target:
        raise Error("TARGET", "key set for " + candidate.target)
    if candidate.version != current.version + 1:
        raise Error("SEQUENCE", "key set %d after %d" % (candidate.version, current.version))
    _check_signed(candidate.data, candidate.signed_end, current)
    check_self(candidate)


def check_bundle(keys: KeySet, bundle: layout.Bundle) -> None:
    """Refuse ``bundle`` unless it is signed under these keys: TARGET or SIGNATURE."""
    if bundle.target != keys.target:
        raise Error("TARGET", "bundle for " + bundle.target)
    if bundle.key_set != keys.version:
        raise Error("SIGNATURE", "under key set %d, not %d" % (bundle.key_set, keys.version))
    _check_signed(bundle.data, bundle.signed_end, keys)


def check_order(bundle: layout.Bundle, floor: "tuple[int, int]") -> None:
    """Refuse a sequence that is not above ``floor``, or too far above: SEQUENCE.

    ``floor`` is (key set version, sequence). A newer key set starts again from 0, so that new
    keys recover a fleet whose sequence was driven up.
    """
    version, sequence = floor
    if bundle.key_set > version:
        sequence = 0
    if bundle.key_set < version or not 0 < bundle.sequence - sequence <= MAX_JUMP:
        raise Error(
            "SEQUENCE", "%d.%d after %d.%d" % (bundle.key_set, bundle.sequence, version, floor[1])
        )


def _check_signed(data: bytes, end: int, keys: KeySet) -> None:
    found = signature.signers(data, end, keys.keys)
    if found < keys.threshold:
        raise Error(
            "SIGNATURE",
            "%d of %d signatures of key set %d" % (found, keys.threshold, keys.version),
        )
