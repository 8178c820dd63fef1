"""Chains with one fault each, made with the lab's keys: what the models are tried on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from rootlet import anchor, path
from rootlet.credentials import key_usage
from rootlet.lab import certificates
from rootlet.lab.authorities import ISSUING, ROOTS, Authority

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rootlet.lab import Hierarchy
    from rootlet.lab.certificates import PrivateKey

DOMAIN = "iot.eu-west-1.amazonaws.com"
HOST = f"a1b2c3-ats.{DOMAIN}"
ISSUERS = {
    "rsa": "Amazon RSA 2048 M01",
    "p256": "Amazon ECDSA 256 M01",
    "p256 under p384": "Amazon ECDSA 256 S06",
}
NAMES = (DOMAIN, f"*.{DOMAIN}")

Extensions = list[tuple[x509.ExtensionType, bool]]


class Days(NamedTuple):
    """Dates as days from now."""

    begin: int
    end: int


NOW = Days(-1, 100)
EXPIRED = Days(-100, -1)
FUTURE = Days(1, 100)


@dataclass(frozen=True)
class Case:
    """What a server sends, with which key, to a client that has ``anchors`` and wants ``host``."""

    sent: tuple[x509.Certificate, ...]
    anchors: tuple[bytes, ...]
    key: PrivateKey
    host: str = HOST

    def question(self, at: datetime) -> path.Question:
        """Return the case as a model is asked it."""
        return path.Question(
            anchors=tuple(path.read(one, "anchor") for one in self.anchors),
            chain=tuple(path.read(der(one), "chain") for one in self.sent),
            at=at,
            host=self.host,
        )


class Mint:
    """Certificates of the lab's authorities with other dates, names and extensions."""

    def __init__(self, pki: Hierarchy) -> None:
        self.pki = pki

    @cache  # noqa: B019 - one mint lives as long as a test run
    def chain(self, family: str = "rsa", shape: int = 4) -> tuple[x509.Certificate, ...]:
        """Return the lab's own chain: leaf, issuing CA, root and Starfield G2 cross-signed."""
        return self.pki.chain(ISSUERS[family], DOMAIN, "4").certificates[:shape]

    def key(self, family: str = "rsa") -> PrivateKey:
        """Return the key of that chain's leaf."""
        kind = ISSUING[ISSUERS[family]].leaf_key
        return self.pki._key(f"leaf-{kind}", kind)

    def authority(self, family: str = "rsa") -> Authority:
        """Return the issuing CA of a family."""
        return ISSUING[ISSUERS[family]].authority

    def root_of(self, family: str = "rsa") -> Authority:
        """Return the root above it."""
        return ROOTS[ISSUING[ISSUERS[family]].issuer]

    def sign(
        self,
        subject: Authority | str,
        by: Authority,
        extensions: Extensions,
        days: Days = NOW,
        key: PrivateKey | None = None,
    ) -> x509.Certificate:
        """Return any certificate; a subject given as text is the common name of an RSA leaf."""
        if isinstance(subject, str):
            name, key = certificates.common_name(subject), key or self.key()
        else:
            name, key = certificates.name(subject.subject), key or self.key_of(subject)
        dates = (
            self.pki.now + timedelta(days=days.begin),
            self.pki.now + timedelta(days=days.end),
        )
        return certificates.sign(name, key, dates, extensions, (by, self.key_of(by)))

    def key_of(self, authority: Authority) -> PrivateKey:
        return self.pki._key(authority.id, authority.key)

    def leaf(
        self,
        *,
        by: Authority | None = None,
        days: Days = NOW,
        names: Sequence[str] = NAMES,
        without: type | tuple[type, ...] = (),
        extra: Extensions | None = None,
    ) -> x509.Certificate:
        """Return an RSA leaf; ``without`` some extensions, with ``extra`` ones."""
        by = by or self.authority()
        found = certificates.leaf_extensions(tuple(names), by, self.key())
        return self.sign(f"*.{DOMAIN}", by, _changed(found, without, extra), days)

    def self_signed(self, key: str = "lone") -> Case:
        """Return a server that shows one certificate, its own issuer, to a client that has it.

        Another ``key`` makes another certificate of the same name.
        """
        lone = Authority(key, (("CN", "lone server"),), "p256", "sha256", "")
        wanted = certificates.leaf_extensions(NAMES, lone, self.key_of(lone))
        usages = usage("digital_signature", "key_cert_sign")
        keyless = (x509.AuthorityKeyIdentifier, x509.SubjectKeyIdentifier, x509.KeyUsage)
        made = self.sign(lone, lone, _changed(wanted, keyless, [usages]))
        return Case((made,), (der(made),), self.key_of(lone))

    def issuing(
        self,
        subject: Authority | None = None,
        *,
        by: Authority | None = None,
        days: Days = NOW,
        without: type | tuple[type, ...] = (),
        extra: Extensions | None = None,
        key: PrivateKey | None = None,
    ) -> x509.Certificate:
        """Return an issuing CA."""
        subject, by = subject or self.authority(), by or self.root_of()
        found = certificates.ca_extensions("issuing", subject, by)
        return self.sign(subject, by, _changed(found, without, extra), days, key)

    def root(self, subject: Authority, days: Days) -> bytes:
        """Return another certificate of a root: the same name and key, other dates."""
        found = certificates.ca_extensions("root", subject, subject)
        return der(self.sign(subject, subject, found, days))

    def cross(self, subject: Authority, by: Authority, days: Days = NOW) -> x509.Certificate:
        """Return the cross-sign of a root."""
        return self.sign(subject, by, certificates.ca_extensions("cross", subject, by), days)

    def anchor(self, anchor_id: str, form: str = "full") -> bytes:
        """Return a root of the lab in one of the forms of a bundle."""
        return anchor.package(der(self.pki.anchor(anchor_id)), form, anchor_id)


def _changed(
    found: Extensions, without: type | tuple[type, ...], extra: Extensions | None
) -> Extensions:
    return [item for item in found if not isinstance(item[0], without)] + (extra or [])


_SHA256_WITH_RSA = bytes.fromhex("2a864886f70d01010b")
_SHA1_WITH_RSA = bytes.fromhex("2a864886f70d010105")


def said_sha1(root: bytes) -> bytes:
    """Return an RSA anchor that says SHA-1, as Starfield Class 2 does; nobody checks it."""
    return root.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)


def over_sha1(certificate: x509.Certificate, key: PrivateKey) -> x509.Certificate:
    """Sign again over SHA-1, which ``cryptography`` no longer does for certificates."""
    assert isinstance(key, rsa.RSAPrivateKey)
    said = said_sha1(der(certificate))
    body = certificate.tbs_certificate_bytes
    signature = key.sign(said_sha1(body), padding.PKCS1v15(), hashes.SHA1())
    return x509.load_der_x509_certificate(said[: -len(signature)] + signature)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def respelled(authority: Authority, **values: str) -> Authority:
    """Return an authority of the same key, with other spellings in its name."""
    subject = tuple((short, values.get(short, value)) for short, value in authority.subject)
    return authority._replace(subject=subject)


def usage(*allowed: str) -> tuple[x509.KeyUsage, bool]:
    return key_usage(**dict.fromkeys(allowed, True)), True


def purpose(oid: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH) -> tuple[Any, bool]:
    return x509.ExtendedKeyUsage([oid]), False


def unknown(*, critical: bool) -> tuple[x509.ExtensionType, bool]:
    oid = x509.ObjectIdentifier("1.3.6.1.4.1.32473.1")  # RFC 5612: for documentation
    return x509.UnrecognizedExtension(oid, b"\x05\x00"), critical


@cache
def weak_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)
