"""Signed bundles and key sets for rotations in the lab: fleet "pumps", test keys 0 to 2."""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from keyset_cases import Set, first, record
from rootlet import bundle, signing
from urootlet import format_cpython as layout

if TYPE_CHECKING:
    from rootlet.lab import Hierarchy

#: What a device of the lab has first: one root of each family.
ROOTS = ("amazon-root-ca-1", "amazon-root-ca-3")
#: 1 of 2, so that one signature is enough; and the next one.
KEYS = first(1, 0, 1).encode()
NEXT_KEYS = Set(2, 1, (1, 2), (0, 1)).encode()
#: After the lab's leaves begin, and before now.
CREATED = int(time.time()) - 3600


@dataclass(frozen=True)
class Release:
    """One bundle of the fleet: which roots, and its numbers. ``signer`` is a test key."""

    pki: Hierarchy
    sequence: int = 1
    key_set: int = 1
    flags: int = 0
    signer: int = 0
    target: str = "pumps"
    roots: tuple[str, ...] = ROOTS
    not_after: int = 0

    def encode(self) -> bytes:
        """Return the signed bundle."""
        ders = [self.pki.anchor(root).public_bytes(Encoding.DER) for root in self.roots]
        data = bundle.encode(
            [bundle.Anchor(der, sha256(der).digest()) for der in ders],
            target=self.target,
            profile=layout.ECDSA | layout.RSA,
            created=CREATED + self.sequence,
            not_after=self.not_after,
            signing=bundle.Signing(self.key_set, self.sequence, self.flags),
        )
        return signing.Signable(data).add([record(self.signer, data)]).encode()
