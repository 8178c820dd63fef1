"""The CA hierarchy of the lab: real names, other keys.

A hierarchy makes each key when it is first needed, so a lab without Root CA 2 never waits for
RSA-4096. What a device may hold (keys, anchors, the client CA) is kept in the vault; what a
server sends (cross-signs, issuing CAs, leaves) is made anew, with dates that fit the clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from rootlet.errors import InputError
from rootlet.lab import certificates
from rootlet.lab.authorities import (
    ABOVE,
    ISSUING,
    PROXY,
    ROOT_CERTIFICATES,
    ROOTS,
    Authority,
    Key,
)
from rootlet.lab.identity import ClientAuthority, Identity
from rootlet.lab.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cryptography import x509

    from rootlet.lab.certificates import PrivateKey

_Row = TypeVar("_Row")
_Dates = tuple[datetime, datetime]

#: What the server sends: 2 leaf and issuing CA; 3 the same and the root cross-signed by
#: Starfield G2; 4 the same and Starfield G2 cross-signed by Starfield Class 2. The others are
#: drawn in ``rootlet.lab.sent``.
Shape = Literal["2", "3", "4", "cross-tail", "shuffled", "extra", "big"]
#: Dates as they are in the real certificates, or long over, or not yet begun.
Validity = Literal["true", "expired", "future"]

_LEAF_AGE = timedelta(days=1)  # a board whose clock is a few hours slow still accepts it
_LEAF_LIFETIME = timedelta(days=275)  # that of an AWS IoT leaf of 2025-10-31


class Chain(NamedTuple):
    """What a server needs for one family: certificates, leaf first, and the key of the leaf."""

    certificates: tuple[x509.Certificate, ...]
    key: PrivateKey

    @property
    def pem(self) -> bytes:
        """The certificates in the order in which they are sent, in PEM."""
        return b"".join(certificates.pem(each) for each in self.certificates)

    @property
    def key_pem(self) -> bytes:
        """The key of the leaf, PKCS#8 in PEM."""
        return certificates.key_pem(self.key)


class Hierarchy:
    """Starfield Class 2 -> Starfield G2 -> Amazon Root CA 1..4 -> issuing CAs -> leaves.

    ``now`` is the time that issuing CAs, leaves and identities are dated around; None reads
    the clock once.
    """

    def __init__(self, vault: Vault, now: datetime | None = None) -> None:
        self._vault = vault
        self.now = (now or datetime.now(UTC)).replace(microsecond=0)
        self._keys: dict[str, PrivateKey] = {}

    @classmethod
    def fresh(cls, now: datetime | None = None) -> Hierarchy:
        """Return a hierarchy of new keys that lives in memory only."""
        return cls(Vault(None), now)

    @classmethod
    def load_or_create(cls, folder: Path, now: datetime | None = None) -> Hierarchy:
        """Return the hierarchy whose keys and anchors are kept in ``folder`` (mode 0700)."""
        return cls(Vault(folder), now)

    def anchor(self, anchor_id: str, validity: Validity = "true") -> x509.Certificate:
        """Return the self-signed certificate of a root, by its id in certs/catalog.toml."""
        root = _known(ROOTS, anchor_id, "trust anchor")
        if validity != "true":
            return self._certify(root, root, _dates(self.now, validity))
        return self._vault.certificate(anchor_id, lambda: self._certify(root, root))

    def cross(self, anchor_id: str) -> x509.Certificate:
        """Return the root certified by the root above it; Starfield Class 2 has none."""
        above = _known(ABOVE, anchor_id, "cross-signed root")
        return self._certify(ROOTS[anchor_id], ROOTS[above])

    def issuing(self, common_name: str, validity: Validity = "true") -> x509.Certificate:
        """Return an issuing CA, such as ``Amazon RSA 2048 M01``, certified by its root."""
        row = _known(ISSUING, common_name, "issuing CA")
        begins = self.now - timedelta(days=row.age_days)
        true = (begins, begins + timedelta(days=row.lifetime_days))
        root = ROOTS[row.issuer]
        return certificates.sign(
            certificates.name(row.authority.subject),
            self._key(row.authority.id, row.authority.key),
            true if validity == "true" else _dates(self.now, validity),
            certificates.ca_extensions(row.profile, row.authority, root),
            by=(root, self._key(root.id, root.key)),
        )

    def chain(self, issuing_ca: str, domain: str, shape: Literal["2", "3", "4"]) -> Chain:
        """Return a new leaf for ``domain`` and every name below it, and what is sent along.

        ``domain`` is such as ``iot.eu-west-1.amazonaws.com``; the common name is its wildcard.
        """
        row = _known(ISSUING, issuing_ca, "issuing CA")
        leaf = self.leaf(issuing_ca, domain)
        above = (self.issuing(issuing_ca), self.cross(row.issuer), self.cross("starfield-g2"))
        return Chain((leaf, *above)[: int(shape)], self.leaf_key(issuing_ca))

    def leaf(self, issuing_ca: str, domain: str, validity: Validity = "true") -> x509.Certificate:
        """Return a new leaf for ``domain`` and every name below it."""
        row = _known(ISSUING, issuing_ca, "issuing CA")
        by = (row.authority, self._key(row.authority.id, row.authority.key))
        return self._leaf(domain, self.leaf_key(issuing_ca), by, validity)

    def leaf_key(self, issuing_ca: str) -> PrivateKey:
        """Return the key of all leaves of an issuing CA's kind."""
        kind = _known(ISSUING, issuing_ca, "issuing CA").leaf_key
        return self._key(f"leaf-{kind}", kind)

    def proxied(self, issuing_ca: str, domain: str) -> Chain:
        """Return what a proxy with a root of its own answers: a leaf, and that root."""
        by = (PROXY, self._key(PROXY.id, PROXY.key))
        root = certificates.sign(
            certificates.name(PROXY.subject),
            by[1],
            (self.now - _LEAF_AGE, self.now + _LEAF_LIFETIME),
            certificates.ca_extensions("root", PROXY, PROXY),
            by=by,
        )
        key = self.leaf_key(issuing_ca)
        return Chain((self._leaf(domain, key, by, "true"), root), key)

    def _leaf(
        self, domain: str, key: PrivateKey, by: tuple[Authority, PrivateKey], validity: Validity
    ) -> x509.Certificate:
        begins = self.now - _LEAF_AGE
        true = (begins, begins + _LEAF_LIFETIME)
        return certificates.sign(
            certificates.common_name(f"*.{domain}"),
            key,
            true if validity == "true" else _dates(self.now, validity),
            certificates.leaf_extensions((domain, f"*.{domain}"), by[0], key),
            by=by,
        )

    @cached_property
    def _lookalike(self) -> Hierarchy:
        folder = self._vault.folder
        return Hierarchy(Vault(folder and folder / "lookalike"), self.now)

    def lookalike(self) -> Hierarchy:
        """Return the attacker's copy: every name and key identifier the same, every key other.

        ``lookalike().anchor("amazon-root-ca-1")`` is the root that a device must refuse.
        """
        return self._lookalike

    @cached_property
    def client_ca(self) -> ClientAuthority:
        """The authority that signs the identities of devices; it is none of the above."""
        return ClientAuthority(self._vault, self.now)

    def issue_identity(self, thing: str) -> Identity:
        """Return a new P-256 key and certificate for ``thing``, signed by the client CA."""
        return self.client_ca.issue(thing)

    def _certify(
        self, subject: Authority, issuer: Authority, dates: _Dates | None = None
    ) -> x509.Certificate:
        row = ROOT_CERTIFICATES[subject.id, issuer.id]
        true = (datetime.fromisoformat(row.not_before), datetime.fromisoformat(row.not_after))
        return certificates.sign(
            certificates.name(subject.subject),
            self._key(subject.id, subject.key),
            dates or true,
            certificates.ca_extensions(row.profile, subject, issuer),
            by=(issuer, self._key(issuer.id, issuer.key)),
        )

    def _key(self, owner: str, kind: Key) -> PrivateKey:
        if owner not in self._keys:
            self._keys[owner] = self._vault.key(owner, kind)
        return self._keys[owner]


def _dates(now: datetime, validity: Validity) -> _Dates:
    """Return a validity that ended, or begins, a month from ``now``; it lasts a year."""
    year, month = timedelta(days=365), timedelta(days=30)
    return (
        (now - year - month, now - month) if validity == "expired" else (now + month, now + year)
    )


def _known(table: Mapping[str, _Row], wanted: str, what: str) -> _Row:
    try:
        return table[wanted]
    except KeyError:
        raise InputError(
            f"{wanted}: the lab has no such {what}", hint=f"use one of: {', '.join(table)}"
        ) from None
