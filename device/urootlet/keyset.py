"""The key set: who may sign for a fleet, and whether they did. docs/format.md gives every byte.

A device that holds key set N takes N+1 only when the thresholds of N and of N+1 are both met by
signatures over the same bytes (the root rule of TUF, specification 5.3.4 and 5.3.5). It takes a
bundle only under the very key set that it holds. Signers are counted by modulus.

A signature is RSA-3072, PKCS#1 v1.5, SHA-256, e = 65537 (RFC 8017 section 8.2.2). The verifier
builds the one block that a right signature decodes to and compares it whole. It parses nothing,
so there is no padding, DigestInfo or exponent that a forger could bend. Nothing here is secret,
so nothing needs constant time.
"""

import hashlib

from .bundle import Bundle, preamble, signatures
from .errors import Error, const, refuse

_MAX_KEYS = const(5)
#: Those of the old keys and those of the new.
_MAX_KEY_SET_SIGNATURES = const(10)
#: Two flash blocks hold it: 42 bytes, 5 keys and 10 signatures are 5,882.
_MAX_KEY_SET = const(6144)
_TYPE_KEY_SET = const(2)  # docs/format.md
#: Bytes of a modulus, and so of a signature: 3072 bits; of a key id; of a signature with its id.
_KEY = const(384)
_KEY_ID = const(8)
_SIGNATURE = const(392)
#: Version, threshold, count.
_HEADER = const(4)
#: One bundle may skip so many sequences, or a stolen or mistyped 4294967295 would be the last.
_MAX_JUMP = const(1000)


def is_modulus(modulus: "bytes | memoryview") -> bool:
    """Whether these bytes are an odd number of exactly 3072 bits."""
    return len(modulus) == _KEY and modulus[0] >= 0x80 and modulus[_KEY - 1] & 1 == 1


def key_id(modulus: "bytes | memoryview") -> bytes:
    """Return the first 8 bytes of the SHA-256 of the key's SubjectPublicKeyInfo.

    RFC 8017 A.1.1: what comes before the modulus, the modulus, and e.
    """
    return hashlib.sha256(
        b"\x30\x82\x01\xa2\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
        b"\x03\x82\x01\x8f\x00\x30\x82\x01\x8a\x02\x82\x01\x81\x00"
        + bytes(modulus)
        + b"\x02\x03\x01\x00\x01"
    ).digest()[:_KEY_ID]


def verify(modulus: "bytes | memoryview", signature: "bytes | memoryview", digest: bytes) -> bool:
    """Whether ``signature`` (384 bytes) of this key is one of ``digest`` (32 bytes, SHA-256).

    The block is EMSA-PKCS1-v1_5 of a SHA-256 (RFC 8017 section 9.2, notes 1).
    """
    if not is_modulus(modulus) or len(signature) != _KEY:
        return False
    n = int.from_bytes(modulus, "big")
    s = int.from_bytes(signature, "big")
    block = (
        b"\x00\x01" + b"\xff" * 330 + b"\x00\x30\x31\x30\x0d\x06\x09"
        b"\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20" + digest
    )
    return s < n and pow(s, 65537, n) == int.from_bytes(block, "big")


def signers(data: bytes, end: int, moduli: "list[memoryview]") -> int:
    """Return how many of ``moduli``, each once and each another, signed ``data[:end]``.

    Signatures stand from ``end`` on as ``urootlet.bundle.signatures`` has checked. One that is
    wrong, or by a key that is not asked for, does not count and does no harm, as in TUF's
    reference client: whoever can add bytes must not be able to veto what enough keys signed.
    """
    view = memoryview(data)
    digest = hashlib.sha256(view[:end]).digest()
    count = 0
    for modulus in moduli:
        wanted = key_id(modulus)
        for start in range(end, len(view), _SIGNATURE):
            if view[start : start + _KEY_ID] == wanted:
                count += verify(modulus, view[start + _KEY_ID : start + _SIGNATURE], digest)
                break  # a key counts once, whatever the file repeats
    return count


class KeySet:
    """What a key set says. ``keys`` are the moduli, 384 bytes each, ascending by key id.

    Reading it checks its form; whether its signatures hold is for the functions below.
    """

    def __init__(self, data: bytes) -> None:
        pos = preamble(data, _TYPE_KEY_SET, _HEADER, _MAX_KEY_SET)
        self.data = data
        self.target = str(data[6:pos], "utf-8")
        self.version = int.from_bytes(data[pos : pos + 2], "big")
        self.threshold = data[pos + 2]
        count = data[pos + 3]
        if self.version < 1:
            refuse(pos, "version")
        if not 1 <= count <= _MAX_KEYS:
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
            if not is_modulus(modulus):
                refuse(pos, "modulus")
            this = key_id(modulus)
            if this <= before:
                refuse(pos, "order")
            self.keys.append(modulus)
            before = this
            pos += _KEY
        self.signed_end = pos
        self.signatures = signatures(data, pos, _MAX_KEY_SET_SIGNATURES)


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
    found = signers(offered.data, offered.signed_end, keys.keys)
    if found < keys.threshold:
        raise Error("SIGNATURE", "key set %d: %d of %d" % (keys.version, found, keys.threshold))
