"""Signatures, right and forged, that a verifier must tell apart: rule 8, and NIST's vectors.

Each case is a sentence, what must come out, and (modulus, signature, digest). The forgeries are
made with the private key of a test key, so that each one fails by exactly one check.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import cryptography_vectors
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = Path(__file__).parent / "assets" / "keys"
SIZE = 384
#: DigestInfo of SHA-256 up to the digest: RFC 8017 section 9.2, notes 1.
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
MESSAGE = b"RLT1"
DIGEST = sha256(MESSAGE).digest()


@dataclass(frozen=True)
class Case:
    name: str
    good: bool
    modulus: bytes
    signature: bytes
    digest: bytes = DIGEST

    def line(self) -> str:
        """One line for a script that runs on both interpreters."""
        parts = (self.modulus.hex(), self.signature.hex(), self.digest.hex())
        return "\t".join((self.name, *parts))


@cache
def private_key(name: str) -> RSAPrivateKey:
    """Return a test key: ``key-0`` to ``key-9``, ``e3`` or ``bits3071``."""
    key = load_pem_private_key((KEYS / f"{name}.pem").read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


def public_pem(name: str) -> bytes:
    """Return the public half of a test key."""
    public = private_key(name).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def modulus(name: str) -> int:
    return private_key(name).public_key().public_numbers().n


def exponent(name: str) -> int:
    """Return the private exponent."""
    return private_key(name).private_numbers().d


def octets(number: int, size: int = SIZE) -> bytes:
    return number.to_bytes(size, "big")


def block(end: bytes, *, kind: int = 1, fill: bytes = b"\xff", stop: bytes = b"\x00") -> int:
    """Return a padded block (RFC 8017 section 9.2) that ends in ``end``, as a number."""
    length = SIZE - 2 - len(stop) - len(end)
    return int.from_bytes(bytes((0, kind)) + fill * length + stop + end, "big")


def sealed(number: int, name: str = "key-0") -> bytes:
    """Apply the private key to a block of any form."""
    return octets(pow(number, exponent(name), modulus(name)))


def cases() -> Iterator[Case]:
    """All of them, in the order in which a person would read them."""
    yield from _right()
    yield from _other_encodings()
    yield from _other_blocks()
    yield from _other_keys()
    yield from nist()


def _signature(message: bytes) -> int:
    return int.from_bytes(private_key("key-0").sign(message, padding.PKCS1v15(), SHA256()), "big")


def _right() -> Iterator[Case]:
    n = octets(modulus("key-0"))
    right = octets(_signature(MESSAGE))
    yield Case("a right signature", True, n, right)
    yield Case("a block made by hand, right", True, n, sealed(block(DIGEST_INFO + DIGEST)))
    yield Case("right, over other bytes", False, n, right, sha256(b"RLT2").digest())
    yield Case("right, under another key", False, octets(modulus("key-1")), right)
    flipped = right[:200] + bytes((right[200] ^ 1,)) + right[201:]
    yield Case("one bit flipped", False, n, flipped)


def _other_encodings() -> Iterator[Case]:
    """The same number s, written in a way that a lax verifier reduces or strips."""
    number = modulus("key-0")
    n = octets(number)
    message = next(m for m in _messages() if _signature(m) + number < 1 << 3072)
    digest = sha256(message).digest()
    yield Case("s + n", False, n, octets(_signature(message) + number), digest)
    yield Case("00 before s", False, n, b"\x00" + octets(_signature(MESSAGE)))
    message = next(m for m in _messages() if _signature(m) < 1 << 3064)
    digest = sha256(message).digest()
    short = octets(_signature(message))
    yield Case("s that starts with 00", True, n, short, digest)
    yield Case("s that starts with 00, without it", False, n, short[1:], digest)
    yield Case("no bytes", False, n, b"")
    for name, value in (("0", 0), ("1", 1), ("n - 1", number - 1), ("n", number)):
        yield Case(f"s = {name}", False, n, octets(value))


def _messages() -> Iterator[bytes]:
    return (b"message %d" % number for number in range(10_000))


def _other_blocks() -> Iterator[Case]:
    n = octets(modulus("key-0"))
    full = DIGEST_INFO + DIGEST
    bare = bytes.fromhex("302f300b0609608648016503040201") + b"\x04\x20" + DIGEST
    sha512 = DIGEST_INFO.replace(b"\x04\x02\x01", b"\x04\x02\x03") + DIGEST
    padded = b"\x00\x01" + b"\xff" * 8 + b"\x00" + full
    garbage = padded + b"\x00" * (SIZE - len(padded))
    for name, number in (
        ("DigestInfo without NULL", block(bare)),
        ("DigestInfo of SHA-512", block(sha512)),
        ("no DigestInfo", block(DIGEST)),
        ("DigestInfo with a long length", block(b"\x30\x81" + full[1:])),
        ("block type 0", block(full, kind=0, fill=b"\x00")),
        ("block type 2", block(full, kind=2)),
        ("padding of FE", block(full, fill=b"\xfe")),
        ("padding stops at 01", block(full, stop=b"\x01")),
        ("a second 00 in the padding", block(full, stop=b"\x00\xff\x00")),
        ("eight FF, then garbage after the hash", int.from_bytes(garbage, "big")),
        ("one byte after the hash", block(full + b"\x00")),
    ):
        yield Case(name, False, n, sealed(number))
    pss = padding.PSS(padding.MGF1(SHA256()), salt_length=0)
    yield Case("PSS", False, n, private_key("key-0").sign(MESSAGE, pss, SHA256()))


def _other_keys() -> Iterator[Case]:
    right = block(DIGEST_INFO + DIGEST)
    n3 = modulus("e3")
    yield Case("a right signature of a key with e = 3", False, octets(n3), sealed(right, "e3"))
    forged = block(DIGEST_INFO + DIGEST) >> 2000 << 2000
    root = _cube_root(forged + (1 << 2000) - 1)
    yield Case("a cube root for e = 3", False, octets(n3), octets(root))
    small = modulus("bits3071")
    number = pow(right, exponent("bits3071"), small)
    yield Case("a key of 3071 bits", False, octets(small), octets(number))
    even = number if number % 2 == right % 2 else number + small
    assert pow(even, 65537, 2 * small) == right
    yield Case("an even modulus", False, octets(2 * small), octets(even))
    signed = octets(_signature(MESSAGE))
    yield Case("00 before the modulus", False, octets(modulus("key-0"), 385), signed)


def _cube_root(number: int) -> int:
    """Return the largest integer whose cube is not above ``number``."""
    low, high = 0, 1 << 1100
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= number else (low, middle - 1)
    return low


def nist() -> Iterator[Case]:
    """NIST CAVP, FIPS 186-3 SigVer, PKCS#1 v1.5: modulus 3072, SHA-256.

    Right are those that were made for e = 65537 and not spoilt after. Where NIST spoilt only the
    exponent beside the signature, it is right for us, who take no exponent from anybody.
    """
    path = "asymmetric/RSA/FIPS_186-2/SigVer15_186-3.rsp"
    with cryptography_vectors.open_vector_file(path, "r") as file:
        section = file.read().split("[mod = 3072]")[1].split("[mod = ")[0]
    key: dict[str, str] = {}
    for number, paragraph in enumerate(section.split("\n\n")):
        fields = dict(re.findall(r"^(\w+) = (.+?)\s*$", paragraph, re.MULTILINE))
        key.update({name: value for name, value in fields.items() if name in "npq"})
        if fields.get("SHAAlg") == "SHA256":
            yield _nist_case(number, fields, key)


def _nist_case(number: int, fields: dict[str, str], key: dict[str, str]) -> Case:
    factors = (int(key["p"], 16), int(key["q"], 16))
    d = int(fields["d"], 16)
    ours = all(65537 * d % (prime - 1) == 1 for prime in factors)
    result = fields["Result"]
    whole = result == "P" or "Public Key e changed" in result
    made_for = "e = 65537" if ours else "another e"
    return Case(
        f"NIST {number}, made for {made_for}: {result}",
        ours and whole,
        bytes.fromhex(key["n"]),
        bytes.fromhex(fields["S"]),
        sha256(bytes.fromhex(fields["Msg"])).digest(),
    )
