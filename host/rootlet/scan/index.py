"""The 152 known certificates by everything that an audit may come across."""

from __future__ import annotations

from functools import cache

from rootlet import catalog
from rootlet.path.names import canonical
from rootlet.scan.seen import Digest

_ROLES = ("root", "cross", "intermediate")


@cache
def ranked() -> tuple[catalog.KnownCertificate, ...]:
    """Return them, of several that fit the best first: roots, then what ends last."""
    late_first = sorted(catalog.known(), key=lambda one: one.not_after, reverse=True)
    return tuple(sorted(late_first, key=lambda one: _ROLES.index(one.role)))


@cache
def by_sha256() -> dict[str, catalog.KnownCertificate]:
    """Return them by their own SHA-256 (lower-case hex)."""
    return {one.sha256: one for one in ranked()}


@cache
def by_spki() -> dict[str, catalog.KnownCertificate]:
    """Return one for each key's SHA-256 (lower-case hex)."""
    return {one.spki_sha256: one for one in reversed(ranked())}


@cache
def anchors() -> dict[str, catalog.TrustAnchor]:
    """Return the anchors of the catalogue by their key's SHA-256 (lower-case hex)."""
    return {one.spki_sha256: one for one in catalog.load().anchors}


@cache
def _by_name() -> dict[object, catalog.KnownCertificate]:
    from cryptography.x509 import Name  # noqa: PLC0415 - as in rootlet.x509

    names = {one.subject: one for one in reversed(ranked())}
    return {
        canonical(Name.from_rfc4514_string(text).public_bytes()): one
        for text, one in names.items()
    }


def by_name(name_der: bytes) -> catalog.KnownCertificate | None:
    """Return the known one of that name, compared as the most tolerant TLS stack does."""
    return _by_name().get(canonical(name_der))


@cache
def digests() -> dict[bytes, Digest]:
    """Return what each hash of a known certificate or key is the hash of."""
    found: dict[bytes, Digest] = {}
    for one in ranked():
        for digest, of_key, value in (
            ("SHA-256", False, one.sha256),
            ("SHA-1", False, one.sha1),
            ("SHA-256", True, one.spki_sha256),
            ("SHA-1", True, one.spki_sha1),
        ):
            found.setdefault(bytes.fromhex(value), Digest(one, digest, of_key))
    return found
