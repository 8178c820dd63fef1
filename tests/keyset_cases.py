"""Chains of key sets, and bundles under them: each case is a sentence.

The chains are those of TUF's root rotation (tests of python-tuf, ``key_rotations``) in our
terms, and what security rules 4, 6 and 7 add. Keys are numbers: the test keys 0 to 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from rootlet import bundle, catalog, signing
from signature_cases import modulus, octets, private_key
from urootlet import keyset

if TYPE_CHECKING:
    from collections.abc import Sequence

TARGET = "pumps"
ALL = (0, 1, 2, 3, 4)


@dataclass(frozen=True)
class Alias:
    """A right signature of a key, under a key id that is not its own."""

    key: int


@dataclass(frozen=True)
class Spoilt:
    """A wrong signature, under a key's own id."""

    key: int


@dataclass(frozen=True)
class Elsewhere:
    """A right signature of a key over other bytes, such as an older file."""

    key: int


Signer = int | Alias | Spoilt | Elsewhere


@dataclass(frozen=True)
class Set:
    """One key set of a chain, and what the device answers: empty is accepted, else the code."""

    version: int
    threshold: int
    keys: tuple[int, ...]
    signed: tuple[Signer, ...]
    answer: str = ""
    target: str = TARGET

    def encode(self) -> bytes:
        moduli = [key_modulus(one) for one in self.keys]
        made = signing.encode_key_set(self.target, self.version, self.threshold, moduli)
        return made.add(record(one, made.signed) for one in self.signed).encode()


@dataclass(frozen=True)
class Offer:
    """A bundle that is offered to a device with the set ``under``."""

    under: Set
    key_set: int
    signed: tuple[Signer, ...]
    answer: str = ""
    target: str = TARGET

    def encode(self) -> bytes:
        header = bundle.Signing(self.key_set, 7, room=len(self.signed))
        data = bundle.encode(
            [anchor()], target=self.target, profile=1, created=1_790_000_000, signing=header
        )
        return signing.Signable(data).add(record(one, data) for one in self.signed).encode()


@cache
def anchor() -> bundle.Anchor:
    found = catalog.load().get("amazon-root-ca-3")
    return bundle.Anchor(found.der, bytes.fromhex(found.sha256))


def tbs() -> bytes:
    """Return the bytes to be signed of a small bundle."""
    header = bundle.Signing(1, 1)
    return bundle.encode(
        [anchor()], target=TARGET, profile=1, created=1_790_000_000, signing=header
    )


@cache
def key_modulus(number: int) -> bytes:
    return octets(modulus(f"key-{number}"))


@cache
def record(signer: Signer, message: bytes) -> bytes:
    """Return the 392 bytes that this signer adds to a file."""
    if isinstance(signer, int):
        return keyset.key_id(key_modulus(signer)) + _sign(signer, message)
    own = keyset.key_id(key_modulus(signer.key))
    if isinstance(signer, Alias):
        return bytes(8) + _sign(signer.key, message)
    if isinstance(signer, Spoilt):
        return own + bytes(384)
    return own + _sign(signer.key, message + b"x")


def _sign(number: int, message: bytes) -> bytes:
    return private_key(f"key-{number}").sign(message, PKCS1v15(), SHA256())


def first(threshold: int, *keys: int) -> Set:
    """Key set 1, signed by all of its keys."""
    return Set(1, threshold, keys, keys)


CHAINS: dict[str, Sequence[Set]] = {
    "the first set, signed by its own": [Set(1, 1, (0,), (0,))],
    "the first set, not signed": [Set(1, 1, (0,), (), "SIGNATURE")],
    "the first set, 1 of 2": [Set(1, 2, (0, 1), (1,), "SIGNATURE")],
    "the first set, signed by a stranger": [Set(1, 1, (0,), (1,), "SIGNATURE")],
    "1-of-1: the key is rotated": [
        first(1, 0),
        Set(2, 1, (1,), (0, 1)),
        Set(3, 1, (2,), (1, 2)),
    ],
    "1-of-1: the key stays": [first(1, 0), Set(2, 1, (0,), (0,))],
    "1-of-1: rotated, signatures of strangers beside": [
        first(1, 0),
        Set(2, 1, (1,), (0, 1, 8, 9)),
    ],
    "1-of-1: rotated, signed by the old key only": [
        first(1, 0),
        Set(2, 1, (1,), (0,), "SIGNATURE"),
    ],
    "1-of-1: rotated, signed by the new key only": [
        first(1, 0),
        Set(2, 1, (1,), (1,), "SIGNATURE"),
    ],
    "1-of-1: the key of two sets ago is nobody": [
        first(1, 0),
        Set(2, 1, (1,), (0, 1)),
        Set(3, 1, (2,), (0, 2), "SIGNATURE"),
    ],
    "1-of-1: an old key may come back": [
        first(1, 0),
        Set(2, 1, (1,), (0, 1)),
        Set(3, 1, (0,), (0, 1)),
    ],
    "3-of-5: other keys sign each time": [
        Set(1, 3, ALL, (0, 2, 4)),
        Set(2, 3, ALL, (0, 1, 4)),
        Set(3, 3, ALL, (0, 1, 3)),
    ],
    "3-of-5: one key rotated": [
        Set(1, 3, ALL, (0, 2, 4)),
        Set(2, 3, (0, 1, 3, 4, 5), (0, 1, 4)),
    ],
    "3-of-5: one key rotated, 2 of the new set signed": [
        Set(1, 3, ALL, (0, 2, 4)),
        Set(2, 3, (0, 1, 3, 4, 5), (0, 2, 4), "SIGNATURE"),
    ],
    "3-of-5: one key rotated, 2 of the old set signed": [
        Set(1, 3, ALL, (0, 2, 4)),
        Set(2, 3, (0, 1, 3, 4, 5), (0, 4, 5), "SIGNATURE"),
    ],
    "3-of-5: all keys rotated at once, 6 signatures": [
        Set(1, 3, ALL, (0, 2, 4)),
        Set(2, 3, (5, 6, 7, 8, 9), (0, 2, 4, 5, 7, 9)),
    ],
    "3-of-5: all keys rotated, all ten sign": [
        Set(1, 3, ALL, ALL),
        Set(2, 3, (5, 6, 7, 8, 9), (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)),
        Set(3, 3, ALL, (0, 1, 2, 5, 6, 7)),
    ],
    "3-of-5: all keys rotated in two steps": [
        Set(1, 3, ALL, (0, 2, 4)),
        Set(2, 3, (0, 1, 5, 6, 7), (0, 1, 4, 5)),
        Set(3, 3, (5, 6, 7, 8, 9), (5, 6, 7)),
    ],
    "3-of-5: all keys rotated, signed by the old only": [
        Set(1, 3, ALL, (0, 2, 4)),
        Set(2, 3, (5, 6, 7, 8, 9), ALL, "SIGNATURE"),
    ],
    "3-of-5: all keys rotated, signed by the new only": [
        Set(1, 3, ALL, (0, 2, 4)),
        Set(2, 3, (5, 6, 7, 8, 9), (5, 6, 7, 8, 9), "SIGNATURE"),
    ],
    "threshold up, 1-of-3 to 2-of-3": [Set(1, 1, (0, 1, 2), (0,)), Set(2, 2, (0, 1, 2), (0, 1))],
    "threshold up, 1-of-3 to 2-of-3, 1 signed": [
        Set(1, 1, (0, 1, 2), (0,)),
        Set(2, 2, (0, 1, 2), (0,), "SIGNATURE"),
    ],
    "threshold down, 2-of-3 to 1-of-3": [
        Set(1, 2, (0, 1, 2), (0, 1)),
        Set(2, 1, (0, 1, 2), (0, 1)),
        Set(3, 1, (0, 1, 2), (2,)),
    ],
    "threshold down, 2-of-3 to 1-of-3, 1 signed": [
        Set(1, 2, (0, 1, 2), (0, 1)),
        Set(2, 1, (0, 1, 2), (0,), "SIGNATURE"),
    ],
    "threshold up, 1-of-2 to 2-of-2": [Set(1, 1, (0, 1), (0,)), Set(2, 2, (0, 1), (0, 1))],
    "a gap: 3 after 1": [first(1, 0), Set(3, 1, (0,), (0,), "SEQUENCE")],
    "the same version again": [first(1, 0), Set(1, 1, (0,), (0,), "SEQUENCE")],
    "an older version": [
        first(1, 0),
        Set(2, 1, (0,), (0,)),
        Set(1, 1, (0,), (0,), "SEQUENCE"),
    ],
    "another fleet": [first(1, 0), Set(2, 1, (0,), (0,), "TARGET", target="fans")],
    "one key under two ids": [Set(1, 2, (0, 1), (0, Alias(0)), "SIGNATURE")],
    "one key under two ids, in a rotation": [
        first(2, 0, 1),
        Set(2, 2, (0, 1), (0, Alias(0)), "SIGNATURE"),
    ],
    "a right signature under a wrong id only": [Set(1, 1, (0,), (Alias(0),), "SIGNATURE")],
    "a wrong signature beside enough right ones": [Set(1, 2, (0, 1, 2), (0, 1, Spoilt(2)))],
    "a wrong signature where one is needed": [Set(1, 2, (0, 1), (0, Spoilt(1)), "SIGNATURE")],
    "a signature from another file": [Set(1, 1, (0,), (Elsewhere(0),), "SIGNATURE")],
}

_TWO_OF_THREE = first(2, 0, 1, 2)

OFFERS: dict[str, Offer] = {
    "signed by 2 of 3": Offer(_TWO_OF_THREE, 1, (0, 2)),
    "signed by all": Offer(_TWO_OF_THREE, 1, (0, 1, 2)),
    "signed by 1 of 3": Offer(_TWO_OF_THREE, 1, (1,), "SIGNATURE"),
    "signed by 1 and a stranger": Offer(_TWO_OF_THREE, 1, (1, 9), "SIGNATURE"),
    "signed by 2 and a stranger": Offer(_TWO_OF_THREE, 1, (0, 1, 9)),
    "one key under two ids": Offer(_TWO_OF_THREE, 1, (0, Alias(0)), "SIGNATURE"),
    "one right, one wrong": Offer(_TWO_OF_THREE, 1, (0, Spoilt(1)), "SIGNATURE"),
    "one right, one from another file": Offer(_TWO_OF_THREE, 1, (0, Elsewhere(1)), "SIGNATURE"),
    "two right, one wrong": Offer(_TWO_OF_THREE, 1, (0, 1, Spoilt(2))),
    "under a newer key set": Offer(_TWO_OF_THREE, 2, (0, 1), "SIGNATURE"),
    "under an older key set": Offer(Set(2, 1, (0,), (0,)), 1, (0,), "SIGNATURE"),
    "for another fleet": Offer(_TWO_OF_THREE, 1, (0, 1), "TARGET", target="fans"),
}
