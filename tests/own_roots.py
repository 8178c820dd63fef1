"""Roots of our own, and bundles of them: what the catalogue does not know."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from rootlet import board as boards
from rootlet import bundle
from rootlet.build import Request, build

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rootlet.bundle import Anchor

CREATED = 1_790_000_000
NAMES_OF_OURS = x509.NameConstraints([x509.DNSName("example.org")], None)


@cache
def key(number: int) -> ec.EllipticCurvePrivateKey:
    """Return the same key for the same number, from 1."""
    return ec.derive_private_key(number, ec.SECP256R1())


@cache
def root(
    name: str = "Our Root",
    number: int = 1,
    *,
    year: int = 2040,
    path_length: int | None = None,
    names: x509.NameConstraints | None = None,
) -> bytes:
    """Return the DER of a root that ends in ``year``."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key(number).public_key())
        .serial_number(7)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(year, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    )
    if names is not None:
        builder = builder.add_extension(names, critical=True)
    return builder.sign(key(number), hashes.SHA256()).public_bytes(Encoding.DER)


def bundle_of(
    *ids: str,
    roots: Sequence[bytes] = (),
    form: str = "",
    profile: str = "both",
    board: str = "esp32",
    created: int = CREATED,
    target: str = "default",
) -> bytes:
    """Return an unsigned bundle of catalogued anchors and of roots of our own."""
    files = tuple((f"own-{number}.der", der) for number, der in enumerate(roots))
    request = Request(
        boards.load(board),
        "none",
        created,
        extra_ids=ids,
        files=files,
        form=form,
        profile=profile,
        target=target,
    )
    return build(request).data


def raw_bundle(*anchors: Anchor, profile: int = 3) -> bytes:
    """Return a bundle of any anchors, also of such as ``build`` never makes."""
    return bundle.encode(anchors, target="default", profile=profile, created=CREATED)


@cache
def leaf() -> bytes:
    """Return the DER of a server's certificate: version 3, and no CA."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server.example.org")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key(9).public_key())
        .serial_number(9)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    return builder.sign(key(9), hashes.SHA256()).public_bytes(Encoding.DER)
