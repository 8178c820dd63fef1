"""RSA-3072, PKCS#1 v1.5, SHA-256, e = 65537 (RFC 8017 section 8.2.2), in pure Python.

The verifier builds the one block that a right signature decodes to and compares it whole. It
parses nothing, so there is no padding, DigestInfo or exponent that a forger could bend. Nothing
here is secret, so nothing needs constant time.
"""

import hashlib

from .errors import const

#: Bytes of a modulus, and so of a signature: 3072 bits.
SIZE = const(384)
#: Bytes of a key id, and of a signature with its key id (docs/format.md).
_KEY_ID = const(8)
_RECORD = const(392)


def is_modulus(modulus: "bytes | memoryview") -> bool:
    """Whether these bytes are an odd number of exactly 3072 bits."""
    return len(modulus) == SIZE and modulus[0] >= 0x80 and modulus[SIZE - 1] & 1 == 1


def key_id(modulus: "bytes | memoryview") -> bytes:
    """Return the first 8 bytes of the SHA-256 of the key's SubjectPublicKeyInfo.

    RFC 8017 A.1.1: what comes before the modulus, the modulus, and e.
    """
    digest = hashlib.sha256(
        b"\x30\x82\x01\xa2\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
        b"\x03\x82\x01\x8f\x00\x30\x82\x01\x8a\x02\x82\x01\x81\x00"
    )
    digest.update(modulus)
    digest.update(b"\x02\x03\x01\x00\x01")
    return digest.digest()[:_KEY_ID]


def verify(modulus: "bytes | memoryview", signature: "bytes | memoryview", digest: bytes) -> bool:
    """Whether ``signature`` (384 bytes) of this key is one of ``digest`` (32 bytes, SHA-256).

    The block is EMSA-PKCS1-v1_5 of a SHA-256 (RFC 8017 section 9.2, notes 1).
    """
    if not is_modulus(modulus) or len(signature) != SIZE:
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
        for start in range(end, len(view), _RECORD):
            if view[start : start + _KEY_ID] == wanted:
                count += verify(modulus, view[start + _KEY_ID : start + _RECORD], digest)
                break  # a key counts once, whatever the file repeats
    return count
