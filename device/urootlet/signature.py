"""RSA-3072, PKCS#1 v1.5, SHA-256, e = 65537 (RFC 8017 section 8.2.2), in pure Python.

The verifier builds the one block that a right signature decodes to and compares it whole. It
parses nothing, so there is no padding, DigestInfo or exponent that a forger could bend. Nothing
here is secret, so nothing needs constant time.
"""

import hashlib

from .bundle import KEY_ID, SIGNATURE
from .compat import const

#: Bytes of a modulus, and so of a signature: 3072 bits.
SIZE = const(384)

#: SubjectPublicKeyInfo (RFC 8017 A.1.1) up to the modulus; e follows it.
_SPKI = (
    b"\x30\x82\x01\xa2\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
    b"\x03\x82\x01\x8f\x00\x30\x82\x01\x8a\x02\x82\x01\x81\x00"
)
_SPKI_E = b"\x02\x03\x01\x00\x01"

#: EMSA-PKCS1-v1_5 of a SHA-256 (RFC 8017 section 9.2, notes 1), up to the digest.
_BLOCK = (
    b"\x00\x01" + b"\xff" * 330 + b"\x00\x30\x31\x30\x0d\x06\x09"
    b"\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
)


def is_modulus(modulus: "bytes | memoryview") -> bool:
    """Whether these bytes are an odd number of exactly 3072 bits."""
    return len(modulus) == SIZE and modulus[0] >= 0x80 and modulus[SIZE - 1] & 1 == 1


def key_id(modulus: "bytes | memoryview") -> bytes:
    """Return the first 8 bytes of the SHA-256 of the key's SubjectPublicKeyInfo."""
    digest = hashlib.sha256(_SPKI)
    digest.update(modulus)
    digest.update(_SPKI_E)
    return digest.digest()[:KEY_ID]


def verify(modulus: "bytes | memoryview", signature: "bytes | memoryview", digest: bytes) -> bool:
    """Whether ``signature`` (384 bytes) of this key is one of ``digest`` (32 bytes, SHA-256)."""
    if not is_modulus(modulus) or len(signature) != SIZE:
        return False
    n = int.from_bytes(modulus, "big")
    s = int.from_bytes(signature, "big")
    return s < n and pow(s, 65537, n) == int.from_bytes(_BLOCK + digest, "big")


def signers(data: bytes, end: int, moduli: "list[memoryview]") -> int:
    """Return how many of ``moduli``, each once and each another, signed ``data[:end]``.

    Signatures stand from ``end`` on as ``urootlet.bundle.signatures`` has checked. One that is
    wrong, or by a key that is not asked for, does not count and does no harm, as in TUF's
    reference client: whoever can add bytes must not be able to veto what enough keys signed.
    """
    view = memoryview(data)
    digest = hashlib.sha256(view[:end]).digest()
    return sum(_signed(view, end, modulus, digest) for modulus in moduli)


def _signed(view: memoryview, pos: int, modulus: memoryview, digest: bytes) -> bool:
    wanted = key_id(modulus)
    while pos < len(view):
        value = pos + KEY_ID
        if bytes(view[pos:value]) == wanted:
            return verify(modulus, view[value : pos + SIGNATURE], digest)
        pos += SIGNATURE
    return False
