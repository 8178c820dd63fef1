"""Chains that nobody captured: links made from the facts of ``certs/known.toml``.

Who signed whom is known there, because each signature was verified when the facts were read. So
the models answer for a chain that AWS may send, without its certificates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from rootlet import catalog
from rootlet.path.link import BASIC_CONSTRAINTS, CERT_SIGN, Link, title

if TYPE_CHECKING:
    from rootlet.catalog import KnownCertificate

#: Curves and RSA sizes whose owners sign over SHA-384, as Root CA 2 and 4 do.
_LONG = ("ec-p384", "rsa-4096")


@dataclass(frozen=True, eq=False, kw_only=True)
class DescribedLink(Link):
    """A link without its certificate: ``signers`` holds who made its signature, by identity."""

    signers: frozenset[str]

    def is_signed_by(self, parent: Link) -> bool:
        """Whether the facts say so."""
        return parent.identity in self.signers


@cache
def link(known: KnownCertificate) -> DescribedLink:
    """Return the link of a CA certificate: version 3 with what RFC 5280 4.2.1 wants of one."""
    signer = _by_sha256()[known.signed_by[0]]
    return DescribedLink(
        identity=known.sha256,
        title=title(known.subject),
        issuer_title=title(known.issuer),
        subject=_name(known.subject),
        issuer=_name(known.issuer),
        key=known.key,
        family=_family(known.key),
        not_before=known.not_before,
        not_after=known.not_after,
        is_ca=True,
        path_length=known.path_length,
        usage=frozenset({CERT_SIGN}),
        ski=bytes.fromhex(known.spki_sha256),
        aki=bytes.fromhex(signer.spki_sha256),
        extensions=frozenset({BASIC_CONSTRAINTS}),
        critical=frozenset({BASIC_CONSTRAINTS}),
        digest="sha384" if signer.key in _LONG else "sha256",
        signers=frozenset(known.signed_by),
    )


def leaf(issuing: KnownCertificate) -> DescribedLink:
    """Return a server's certificate under ``issuing``, with a key of the same family."""
    above = link(issuing)
    return DescribedLink(
        identity=f"leaf {issuing.sha256}",
        title=f"a server of {above.title}",
        issuer_title=above.title,
        subject=_name("CN=a server"),
        issuer=above.subject,
        key={"rsa-4096": "rsa-2048"}.get(issuing.key, issuing.key),
        family=above.family,
        not_before=issuing.not_before,
        not_after=issuing.not_after,
        aki=above.ski,
        dns=(),
        digest="sha384" if issuing.key in _LONG else "sha256",
        signers=frozenset({issuing.sha256}),
    )


def longest(issuing: KnownCertificate) -> tuple[DescribedLink, ...]:
    """Return the longest chain that a server under ``issuing`` can send, leaf first.

    Above the issuing CA come the cross-signs of its root, of the root that signed that one, and
    so on. What a server really sends is some first part of it, two certificates at least.
    """
    chain, top = [leaf(issuing), link(issuing)], issuing
    while True:
        above = [one for one in _crosses() if one.subject == top.issuer]
        if not above:
            return tuple(chain)
        top = above[0]
        chain.append(link(top))


@cache
def _by_sha256() -> dict[str, KnownCertificate]:
    return {one.sha256: one for one in catalog.known()}


@cache
def _crosses() -> tuple[KnownCertificate, ...]:
    """Return the cross-signs, of several of one root the one that ends last."""
    found = [one for one in catalog.known() if one.role == "cross"]
    return tuple(sorted(found, key=lambda one: one.not_after, reverse=True))


@cache
def _name(text: str) -> bytes:
    from cryptography.x509 import Name  # noqa: PLC0415 - as in rootlet.x509

    return Name.from_rfc4514_string(text).public_bytes()


def _family(key: str) -> str:
    return "rsa" if key.startswith("rsa") else "ecdsa"
