"""A fleet's keys and signed bundles for the benches; the keys are new in each run."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from interpreter import CREATED

from rootlet import anchor, bundle, signing

if TYPE_CHECKING:
    from rootlet.lab import Hierarchy

ROOTS = ("amazon-root-ca-1", "amazon-root-ca-3")
TARGET = "bench"


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 3072)


def _sign(message: bytes) -> bytes:
    return _key().sign(message, padding.PKCS1v15(), hashes.SHA256())


def _modulus() -> bytes:
    return _key().public_key().public_numbers().n.to_bytes(384, "big")


def material() -> bytes:
    """Return modulus, signature and digest, one after the other: 384, 384 and 32 bytes."""
    return _modulus() + _sign(b"bench") + hashlib.sha256(b"bench").digest()


class Fleet:
    """One key, whose signature is enough, and the bundles that it signs."""

    def __init__(self) -> None:
        self.keys = self._signed(signing.encode_key_set(TARGET, 1, 1, [_modulus()]).signed)

    def bundle(self, pki: Hierarchy, sequence: int) -> bytes:
        """Return a signed bundle of this number with two roots of ``pki``, ``tiny``."""
        ders = [pki.anchor(root).public_bytes(Encoding.DER) for root in ROOTS]
        anchors = [
            bundle.Anchor(anchor.package(der, "tiny", "root"), hashlib.sha256(der).digest())
            for der in ders
        ]
        return self._signed(
            bundle.encode(
                anchors,
                target=TARGET,
                profile=3,
                created=CREATED + sequence,
                signing=bundle.Signing(1, sequence),
            )
        )

    def _signed(self, data: bytes) -> bytes:
        record = signing.record(data, _sign(data), [_modulus()])
        if record is None:
            raise SystemExit("error: the bench's own signature does not verify")
        return signing.Signable(data).add([record]).encode()
