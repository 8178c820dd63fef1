"""The key set: who may sign for a fleet. docs/format.md gives every byte.

A device that holds key set N takes N+1 only when the thresholds of N and of N+1 are both met by
signatures over the same bytes (the root rule of TUF, specification 5.3.4 and 5.3.5). It takes a
bundle only under the very key set that it holds. Signers are counted by modulus.
"""

from . import signature
from .bundle import Bundle, preamble, signatures
from .errors import Error, const, refuse

MAX_KEYS = const(5)
#: Those of the old keys and those of the new.
MAX_SIGNATURES = const(10)
#: Two flash blocks hold it: 42 bytes, 5 keys and 10 signatures are 5,882.
MAX_SIZE = const(6144)
_TYPE_KEY_SET = const(2)  # docs/format.md
_KEY = const(384)
#: Version, threshold, count.
_HEADER = const(4)
#: One bundle may skip so many sequences, or a stolen or mistyped 4294967295 would be the last.
_MAX_JUMP = const(1000)


class KeySet:
    """What a key set says. ``keys`` are the moduli, 384 bytes each, ascending by key id.

    Reading it checks its form; whether its signatures hold is for the functions below.
    """

    def __init__(self, data: bytes) -> None:
        pos = preamble(data, _TYPE_KEY_SET, _HEADER, MAX_SIZE)
        self.data = data
        self.target = str(data[6:pos], "utf-8")
        self.version = int.from_bytes(data[pos : pos + 2], "big")
        self.threshold = data[pos + 2]
        count = data[pos + 3]
        if self.version < 1:
            refuse(pos, "version")
        if not 1 <= count <= MAX_KEYS:
            refuse(pos + 3, "keys")
        if not 1 <= self.threshold <= count:
            refuse(pos + 2, "threshold")
        self.keys = []
        view = memoryview(data)
        before = b""
        pos += _HEADER
        for _ in range(count):
            # One that the end of the file cuts off is too short.
            modulus = view[pos : pos + _KEY]
            if not signature.is_modulus(modulus):
                refuse(pos, "modulus")
            this = signature.key_id(modulus)
            if this <= before:
                refuse(pos, "order")
            self.keys.append(modulus)
            before = this
            pos += _KEY
        self.signed_end = pos
        self.signatures = signatures(data, pos, MAX_SIGNATURES)


def check_self(keys: KeySet) -> None:
    """Refuse a set that its own keys did not sign: code SIGNATURE."""
    _check_signed(keys, keys)


def check_next(current: KeySet, candidate: KeySet) -> None:
    """Refuse ``candidate`` unless it follows ``current``: TARGET, SEQUENCE or SIGNATURE."""
    check_target(current, candidate)
    if candidate.version != current.version + 1:
        raise Error("SEQUENCE", "key set %d after %d" % (candidate.version, current.version))
    _check_signed(current, candidate)
    _check_signed(candidate, candidate)


def check_target(keys: KeySet, offered: "KeySet | Bundle") -> None:
    """Refuse what is made for another fleet: TARGET, with that fleet's name."""
    if offered.target != keys.target:
        raise Error("TARGET", offered.target)


def check_bundle(keys: KeySet, bundle: Bundle) -> None:
    """Refuse ``bundle`` unless it is signed under these keys: TARGET or SIGNATURE."""
    check_target(keys, bundle)
    if bundle.key_set != keys.version:
        raise Error("SIGNATURE", "key set %d, not %d" % (bundle.key_set, keys.version))
    _check_signed(keys, bundle)


def check_order(bundle: Bundle, floor: "tuple[int, int]") -> None:
    """Refuse a sequence that is not above ``floor``, or too far above: SEQUENCE.

    ``floor`` is (key set version, sequence). A newer key set starts again from 0, so that new
    keys recover a fleet whose sequence was driven up.
    """
    version, sequence = floor
    if bundle.key_set > version:
        sequence = 0
    if bundle.key_set < version or not 0 < bundle.sequence - sequence <= _MAX_JUMP:
        raise Error(
            "SEQUENCE", "%d.%d after %d.%d" % (bundle.key_set, bundle.sequence, version, floor[1])
        )


def _check_signed(keys: KeySet, offered: "KeySet | Bundle") -> None:
    found = signature.signers(offered.data, offered.signed_end, keys.keys)
    if found < keys.threshold:
        raise Error("SIGNATURE", "key set %d: %d of %d" % (keys.version, found, keys.threshold))
