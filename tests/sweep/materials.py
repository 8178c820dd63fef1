"""The signed files that the sweep offers to a device, made with the test keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from keyset_cases import Set, record
from own_roots import key as ec_key
from rootlet import anchor, bundle, catalog, signing

if TYPE_CHECKING:
    from pathlib import Path

TARGET = "pumps"
_CREATED = 1_790_000_000
_OLD = ("amazon-root-ca-3",)
_NEW = ("amazon-root-ca-1",)
_KEYS_1 = Set(1, 2, (0, 1, 2), (0, 1))
_KEYS_2 = Set(2, 2, (1, 2, 3), (1, 2))
_RETIRE, _REVOKE = 1, 2


@cache
def _anchor(name: str, form: str = "tiny") -> bundle.Anchor:
    found = catalog.load().get(name)
    return bundle.Anchor(anchor.package(found.der, form, found.name), bytes.fromhex(found.sha256))


def signed(
    roots: tuple[str, ...] = _NEW,
    sequence: int = 2,
    *,
    key_set: int = 1,
    keys: tuple[int, ...] = (0, 1),
    flags: int = 0,
    target: str = TARGET,
    form: str = "tiny",
) -> bytes:
    """Return a signed bundle; sequence *n* is created *n* days after the first."""
    data = bundle.encode(
        [_anchor(one, form) for one in roots],
        target=target,
        profile=3,
        created=_CREATED + 86400 * sequence,
        signing=bundle.Signing(key_set, sequence, flags=flags, room=len(keys)),
    )
    return signing.Signable(data).add(record(key, data) for key in keys).encode()


def leaf() -> bytes:
    """Return a server's certificate that proves a time, 100 days after the first bundle."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server.example.org")])
    start = datetime.fromtimestamp(_CREATED + 100 * 86400, UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(ec_key(9).public_key())
        .serial_number(9)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=365))
    )
    return builder.sign(ec_key(9), hashes.SHA256()).public_bytes(Encoding.DER)


def unsigned() -> bytes:
    """Return a bundle as flashed over a cable: no number, no signature."""
    return bundle.encode([_anchor(*_OLD)], target=TARGET, profile=3, created=_CREATED)


@cache
def files() -> dict[str, bytes]:
    """Return every file by the name that ``board/cases.py`` knows it by."""
    three = ("amazon-root-ca-1", "amazon-root-ca-2", "amazon-root-ca-3", "starfield-g2")
    good = signed()
    later = signed(sequence=3)
    return {
        "factory": unsigned(),
        "old": signed(_OLD, 1),
        "new": good,
        "newer": signed(sequence=3),
        "back": signed(_OLD, 3),
        "large": signed(three, form="strict"),
        "retire": signed(flags=_RETIRE),
        "after-retire": signed(sequence=3),
        "revoke": signed(flags=_REVOKE),
        "revoke-newer": signed(sequence=3, flags=_REVOKE),
        "keys-1": _KEYS_1.encode(),
        "keys-2": _KEYS_2.encode(),
        "under-keys-2": signed(sequence=1, key_set=2, keys=(1, 2)),
        "under-keys-2-next": signed(_OLD, 2, key_set=2, keys=(1, 2)),
        "leaf": leaf(),
        "day-3": signed(sequence=4),
        "day-4": signed(sequence=5),
        "day-5": signed(sequence=6),
        # What must be refused, each for one reason.
        "no-too-far": signed(sequence=2000),
        "no-target": signed(sequence=3, target="fans"),
        "no-one-key": signed(sequence=3, keys=(0,)),
        "no-strangers": signed(sequence=3, keys=(8, 9)),
        "no-tampered": later[:-1] + bytes((later[-1] ^ 1,)),
        "no-cut-off": later[:-1],
        "no-anchor-changed": later[:120] + bytes((later[120] ^ 1,)) + later[121:],
        "no-keys-1": Set(2, 2, (5, 6, 7), (5, 6)).encode(),
        "no-planted": signed(sequence=3, key_set=2, keys=(5, 6)),
        "no-keys-gap": Set(3, 2, (0, 1, 2), (0, 1)).encode(),
    }


def write(folder: Path) -> None:
    """Write the files into ``folder``."""
    for name, data in files().items():
        (folder / name).write_bytes(data)
