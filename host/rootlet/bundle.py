"""Writing the bundle that ``urootlet.bundle`` reads. docs/format.md gives every byte."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rootlet.errors import InputError
from rootlet.words import sentence
from urootlet import errors as device
from urootlet import format_cpython as layout

if TYPE_CHECKING:
    from collections.abc import Sequence

_TARGET = re.compile(r"[a-z0-9._-]{1,32}")
_U32 = 0xFFFFFFFF
PROFILES = {"ecdsa": layout.ECDSA, "rsa": layout.RSA, "both": layout.ECDSA | layout.RSA}


@dataclass(frozen=True)
class Anchor:
    """One anchor of a bundle: the DER to load and the SHA-256 (32 bytes) of its original."""

    der: bytes
    original: bytes


@dataclass(frozen=True)
class Signing:
    """What a bundle that is to be signed says beside its anchors.

    ``flags`` are those of ``urootlet.bundle``; ``room`` is how many signatures must still fit.
    """

    key_set: int
    sequence: int
    flags: int = 0
    room: int = 1


def encode(  # noqa: PLR0913 - one argument per field of the header
    anchors: Sequence[Anchor],
    *,
    target: str,
    profile: int,
    created: int,
    not_after: int = 0,
    signing: Signing | None = None,
) -> bytes:
    """Return an unsigned bundle, or with ``signing`` the bytes that are to be signed.

    Times are Unix seconds below 2**32. The result has been read back by the device's parser.
    Raises InputError for a bad target, a number or time out of range, or a bundle that breaks a
    limit.
    """
    check_target(target)
    if not 0 < created <= _U32 or not 0 <= not_after <= _U32:
        raise InputError("a time is outside 1970 to 2106", why="bundles hold 32-bit times")
    if 0 < not_after <= created:
        raise InputError("the bundle would be over before it was created", hint="a later time")
    numbers = signing or Signing(0, 0, room=0)
    if numbers.sequence > _U32:
        raise InputError(
            f"sequence {numbers.sequence}",
            why="sequences are 32-bit numbers",
            hint="a new key set starts again at 1: rootlet key set --after FILE.rlk",
            code="SEQUENCE",
        )
    body = b"".join(_record(one) for one in sorted(anchors, key=lambda one: one.original))
    name = target.encode()
    data = b"".join(
        (
            layout.MAGIC,
            bytes((layout.TYPE_BUNDLE, len(name))),
            name,
            numbers.key_set.to_bytes(2, "big"),
            numbers.sequence.to_bytes(4, "big"),
            created.to_bytes(4, "big"),
            not_after.to_bytes(4, "big"),
            bytes((profile, numbers.flags)),
            min(len(body), 0xFFFF).to_bytes(2, "big"),
            body,
        )
    )
    decode(data + _stand_ins(numbers.room), "the bundle")
    return data


def _stand_ins(count: int) -> bytes:
    """Return the bytes that ``count`` signatures will take, with key ids in order."""
    return b"".join(bytes((one,)) + bytes(layout.SIGNATURE - 1) for one in range(count))


def check_target(target: str) -> None:
    """Raise InputError when this is not the name of a fleet."""
    if not _TARGET.fullmatch(target):
        raise InputError(
            f"target {target!r} is not a fleet name",
            why="it takes 1 to 32 of a-z, 0-9, dot, underscore and minus",
            hint="choose a short name, such as --target pumps",
        )


def _record(anchor: Anchor) -> bytes:
    value = anchor.original + anchor.der
    return bytes((layout.RECORD_ANCHOR,)) + len(value).to_bytes(2, "big") + value


def decode(data: bytes, where: str) -> layout.Bundle:
    """Read a bundle with the device's own parser. Raises InputError that names ``where``."""
    try:
        return layout.Bundle(data)
    except device.Error as error:
        raise InputError(
            f"{where} is not a bundle",
            why=sentence(error.detail),
            hint=_hint(data),
            code=error.code,
        ) from error


def _hint(data: bytes) -> str:
    """Return what to do with a file that is not a whole bundle."""
    if data[:5] == layout.MAGIC + bytes((layout.TYPE_KEY_SET,)):
        return "it is a key set: rootlet key show FILE.rlk"
    if data[:5] == layout.MAGIC + bytes((layout.TYPE_BUNDLE,)):
        return "if it is still to be signed: rootlet sign FILE.tbs --key KEY.pem -o FILE.rlt"
    return "make one with: rootlet build --board ID --keys rsa -o FILE.rlt"


def profile_name(profile: int) -> str:
    """Return ``ecdsa``, ``rsa`` or ``both``."""
    return next(name for name, mask in PROFILES.items() if mask == profile)


def sha256(data: bytes) -> str:
    """Return the SHA-256 of ``data`` in hex, as tables and JSON show it."""
    return hashlib.sha256(data).hexdigest()
