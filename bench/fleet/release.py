"""What the fleet is signed by, and its three bundles; what a device leaves the factory with."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from fleet.conditions import BAD, GOOD, OLD
from rootlet import bundle, identity, jobs, signing
from rootlet import plan as plans
from urootlet import format_cpython as layout
from urootlet import keyset

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rootlet.lab import Hierarchy, Lab

TARGET = "fleet"
_AGE = 3600  # seconds: later than the lab's leaves begin
_OLD_ROOTS = ("amazon-root-ca-1", "amazon-root-ca-3")
#: The lab presents a chain to Root CA 3 to who offers ECDSA: Root CA 4 alone is no use there.
_ROOTS = {OLD: _OLD_ROOTS, BAD: ("amazon-root-ca-4",), GOOD: ("amazon-root-ca-3",)}
_PROFILES = {OLD: layout.ECDSA | layout.RSA, BAD: layout.ECDSA, GOOD: layout.ECDSA}


@dataclass(frozen=True)
class Signers:
    """Three keys made for this run; two must sign, as for fleets (security rule 7)."""

    keys: tuple[rsa.RSAPrivateKey, ...]

    @classmethod
    def fresh(cls) -> Signers:
        """Make them: about a second."""
        return cls(tuple(rsa.generate_private_key(65537, 8 * layout.KEY) for _ in range(3)))

    def key_set(self) -> bytes:
        """Return the file of key set 1."""
        moduli = [_modulus(each) for each in self.keys]
        return self._sign(signing.encode_key_set(TARGET, 1, 2, moduli))

    def bundles(self, pki: Hierarchy) -> dict[int, bytes]:
        """Return sequence -> signed bundle."""
        return {number: self._bundle(pki, number) for number in _ROOTS}

    def _bundle(self, pki: Hierarchy, number: int) -> bytes:
        ders = [pki.anchor(root).public_bytes(Encoding.DER) for root in _ROOTS[number]]
        data = bundle.encode(
            [bundle.Anchor(der, sha256(der).digest()) for der in ders],
            target=TARGET,
            profile=_PROFILES[number],
            created=int(time.time()) - _AGE + number,
            signing=bundle.Signing(1, number, room=2),
        )
        return self._sign(signing.Signable(data))

    def _sign(self, made: signing.Signable) -> bytes:
        return made.add(_record(key, made.signed) for key in self.keys[:2]).encode()


def _modulus(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_numbers().n.to_bytes(layout.KEY, "big")


def _record(key: rsa.RSAPrivateKey, message: bytes) -> bytes:
    return keyset.key_id(_modulus(key)) + key.sign(message, PKCS1v15(), SHA256())


def ship(
    things: Iterable[str], folder: Path, lab: Lab, timeout: int, files: dict[str, bytes]
) -> None:
    """Write the folder of each thing: an identity of its own, and what all have in common."""
    for thing in things:
        issued = lab.pki.issue_identity(thing)
        own = folder / thing
        own.mkdir(mode=0o700)
        values = {
            "endpoint": lab.endpoint,
            "thing": thing,
            "address": lab.host,
            "timeout": timeout,
        }
        key = identity.read_key(issued.key_der, "key", issued.cert_der)
        made = {
            "cert.der": issued.cert_der,
            "key.der": key,
            "rootlet.json": json.dumps(values).encode(),
        }
        for name, data in (files | made).items():
            (own / name).write_bytes(data)


def order(data: bytes, pace: jobs.Pace) -> jobs.Order:
    """Return the job of a bundle for the whole fleet, as ``rootlet rotate start`` makes it."""
    found = bundle.decode(data, "the bundle")
    name = jobs.Name(TARGET, found.key_set, found.sequence, plans.SWITCH, jobs.FLEET)
    group = f"arn:aws:iot:eu-west-1:000000000000:thinggroup/{TARGET}"
    return jobs.Order(name, found, (group,), pace)
