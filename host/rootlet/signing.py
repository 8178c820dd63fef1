"""What signing adds to a file: the rules, without keys and without disk.

A bundle and a key set are signed alike: every byte before the first signature is signed, and
each signature is a record of 392 bytes (docs/format.md). What is still to be signed, `FILE.tbs`,
is exactly those bytes, so that any tool that does RSA PKCS#1 v1.5 with SHA-256 can sign it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rootlet import bundle
from rootlet.errors import InputError, TrustError
from rootlet.words import sentence
from urootlet import errors as device
from urootlet import format_cpython as layout
from urootlet import keyset
from urootlet.format_cpython import MAX_KEY_SET, MAX_KEY_SET_SIGNATURES, MAX_KEYS
from urootlet.keyset import KeySet, check_bundle

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: The longest file that can be signed.
MAX_SIZE = max(layout.MAX_SIZE, MAX_KEY_SET)


@dataclass(frozen=True)
class Standing:
    """How far one threshold is met: ``valid`` of ``needed`` signatures of a key set."""

    version: int
    valid: int
    needed: int

    @property
    def met(self) -> bool:
        """Whether enough keys have signed."""
        return self.valid >= self.needed

    def document(self) -> dict[str, int | bool]:
        """Return it for a JSON document."""
        return {
            "version": self.version,
            "valid": self.valid,
            "needed": self.needed,
            "met": self.met,
        }

    def __str__(self) -> str:
        return f"{self.valid} of {self.needed} signatures of key set {self.version}"


@dataclass(frozen=True)
class Signable:
    """A bundle or a key set on its way to being signed.

    ``signed`` is what signatures cover; ``records`` are the signatures, 392 bytes each.
    """

    signed: bytes
    records: tuple[bytes, ...] = ()

    @property
    def is_key_set(self) -> bool:
        """Whether it is a key set; otherwise it is a bundle."""
        return self.signed[4] == layout.TYPE_KEY_SET

    @property
    def sha256(self) -> str:
        """SHA-256 of the signed bytes in hex: what two people compare before they sign."""
        return hashlib.sha256(self.signed).hexdigest()

    def encode(self) -> bytes:
        """Return the file, read back by the device's parser. Without signatures: the TBS bytes."""
        data = self.signed + b"".join(self.records)
        parse(data, "the signed file")
        return data

    def add(self, records: Iterable[bytes]) -> Signable:
        """Return it with more signatures; one of the same key is replaced."""
        by_id = {one[: layout.KEY_ID]: one for one in (*self.records, *records)}
        limit = MAX_KEY_SET_SIGNATURES if self.is_key_set else layout.MAX_SIGNATURES
        if len(by_id) > limit:
            raise InputError(
                f"{len(by_id)} signatures", why=f"a file of this kind holds at most {limit}"
            )
        return replace(self, records=tuple(by_id[key] for key in sorted(by_id)))

    def standing(self, keys: KeySet) -> Standing:
        """Count the valid signatures of distinct keys of ``keys``."""
        valid = keyset.signers(self.encode(), len(self.signed), keys.keys)
        return Standing(keys.version, valid, keys.threshold)

    def as_bundle(self) -> layout.Bundle:
        """Read a bundle; while nobody has signed, one empty signature stands in."""
        return layout.Bundle(self.signed + (b"".join(self.records) or bytes(layout.SIGNATURE)))

    def as_key_set(self) -> KeySet:
        """Read a key set."""
        return KeySet(self.signed + b"".join(self.records))


def parse(data: bytes, where: str) -> Signable:
    """Read a bundle, a key set, or the bytes of a bundle that nobody has signed yet.

    Raises InputError that names ``where`` for anything else, and for a bundle that was built to
    stay unsigned: it has no number, and a number cannot be added without building it again.
    """
    if data[:4] == layout.MAGIC and data[4:5] == bytes((layout.TYPE_KEY_SET,)):
        end = decode_key_set(data, where).signed_end
    else:
        end = _bundle_end(data, where)
    records = data[end:]
    size = layout.SIGNATURE
    return Signable(
        data[:end], tuple(records[at : at + size] for at in range(0, len(records), size))
    )


def _bundle_end(data: bytes, where: str) -> int:
    try:
        # The id of a key that is all zeros comes first, so nobody has signed yet.
        layout.Bundle(data + bytes(layout.SIGNATURE))
    except device.Error:
        pass  # signed already, or not a bundle: read it as it is
    else:
        return len(data)
    found = bundle.decode(data, where)
    if not found.signatures:
        raise InputError(
            f"{where} was built to stay unsigned",
            why="it has no key set version and no sequence",
            hint="build it again with --key-set and --sign or --for-signing",
        )
    return found.signed_end


def decode_key_set(data: bytes, where: str) -> KeySet:
    """Read a key set with the device's own parser. Raises InputError that names ``where``."""
    try:
        return KeySet(data)
    except device.Error as error:
        raise InputError(
            f"{where} is not a key set",
            why=sentence(error.detail),
            hint="make one with: rootlet key set -o keys-1.rlk --target NAME --key PUB.pem",
            code=error.code,
        ) from error


def encode_key_set(target: str, version: int, threshold: int, moduli: Sequence[bytes]) -> Signable:
    """Return a key set that nobody has signed yet. ``moduli`` are 384 bytes each, in any order.

    Raises InputError for a bad name, a repeated key, 0 or more than 5 keys, or a threshold that
    is not within 1 and the number of keys.
    """
    if len(set(moduli)) != len(moduli):
        raise InputError("the same key is given twice", why="signers are counted by their keys")
    if not 1 <= len(moduli) <= MAX_KEYS or not 1 <= threshold <= len(moduli):
        raise InputError(
            f"threshold {threshold} of {len(moduli)} keys",
            why=f"a key set has 1 to {MAX_KEYS} keys, and a threshold of 1 to all of them",
            hint="for a fleet: --threshold 2 and three --key, one of them kept offline",
        )
    bundle.check_target(target)
    if not 1 <= version <= 0xFFFF:
        raise InputError(f"key set version {version}", why="versions are 1 to 65535")
    name = target.encode()
    head = layout.MAGIC + bytes((layout.TYPE_KEY_SET, len(name))) + name
    numbers = version.to_bytes(2, "big") + bytes((threshold, len(moduli)))
    keys = sorted(moduli, key=keyset.key_id)
    return parse(head + numbers + b"".join(keys), "the key set")


def record(message: bytes, signed: bytes, moduli: Iterable[bytes]) -> bytes | None:
    """Return the record of the key among ``moduli`` that made this signature, or None.

    ``signed`` is a record (392 bytes) or a bare signature (384), as other tools write it.
    """
    bare = signed[-layout.KEY :]
    digest = hashlib.sha256(message).digest()
    for modulus in moduli:
        ours = keyset.key_id(modulus)
        if signed in (ours + bare, bare) and keyset.verify(modulus, bare, digest):
            return ours + bare
    return None


def numbers(keys: KeySet, previous: layout.Bundle | None) -> tuple[int, int]:
    """Return (key set version, sequence) of the bundle to build after ``previous``.

    The sequence goes on under the same key set, and starts at 1 under a newer one or without a
    previous bundle. Raises InputError when ``previous`` is of another fleet or under newer keys,
    TrustError when it claims these keys and they did not sign it: its number proves nothing.
    """
    if previous is None:
        return keys.version, 1
    if previous.target != keys.target:
        raise InputError(
            f"the bundle before is for {previous.target}, the key set for {keys.target}",
            why="a signature is good for one fleet only",
            hint="name a bundle of this fleet with --after",
            code="TARGET",
        )
    if previous.key_set > keys.version:
        raise InputError(
            f"the bundle before is under key set {previous.key_set}, newer than {keys.version}",
            why="devices that took it refuse everything under older keys",
            hint=f"--key-set keys-{previous.key_set}.rlk",
            code="SEQUENCE",
        )
    if previous.key_set < keys.version:
        return keys.version, 1
    try:
        check_bundle(keys, previous)
    except device.Error as error:
        raise TrustError(
            "the bundle before is not signed by enough keys",
            why=error.detail,
            hint="name the bundle that the fleet has with --after",
            code=error.code,
        ) from error
    return keys.version, previous.sequence + 1


def require(standings: Iterable[Standing]) -> None:
    """Raise TrustError with code SIGNATURE for the first threshold that is not met."""
    for one in standings:
        if not one.met:
            raise TrustError(
                f"not finished: {one}",
                why="devices refuse it until enough keys have signed",
                hint="leave --complete out to keep it for the next signer",
                code="SIGNATURE",
            )
