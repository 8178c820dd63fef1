"""Make keys and certificates with the extensions of the real ones. Pure: no files, no clock.

Extensions, and their order, follow the certificates that Amazon Trust Services publishes
(https://www.amazontrust.com/repository/); each is an RFC 5280 section 4.2 extension.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.name import _ASN1Type  # the only way to ask for a PrintableString
from cryptography.x509.oid import AuthorityInformationAccessOID as Access
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rootlet import credentials

if TYPE_CHECKING:
    from datetime import datetime

    from rootlet.lab.authorities import Authority, DistinguishedName, Key, Profile

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_Extensions = list[tuple[x509.ExtensionType, bool]]

_ATTRIBUTES = {
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
}
_DIGESTS: dict[str, hashes.SHA256 | hashes.SHA384] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
}
_ANY_POLICY = "2.5.29.32.0"
_DOMAIN_VALIDATED = "2.23.140.1.2.1"  # CA/Browser Forum baseline requirements, 7.1.6.1


def name(subject: DistinguishedName) -> x509.Name:
    """Return a name whose every attribute is a PrintableString, as in the real certificates."""
    return x509.Name(
        [
            x509.NameAttribute(_ATTRIBUTES[short], value, _type=_ASN1Type.PrintableString)
            for short, value in subject
        ]
    )


def common_name(value: str) -> x509.Name:
    """Return a name of one UTF8String: ``*`` and ``_`` are no letters of PrintableString."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, value)])


def new_key(kind: Key) -> PrivateKey:
    """Return a new key; RSA takes tenths of a second at 2048 bits and seconds at 4096."""
    if kind == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    if kind == "p384":
        return ec.generate_private_key(ec.SECP384R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind[3:]))


def key_pem(key: PrivateKey) -> bytes:
    """Return the key as unencrypted PKCS#8 (RFC 5958) in PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def load_key(pem: bytes) -> PrivateKey:
    """Read an unencrypted private key in PEM; ValueError unless it is RSA or elliptic curve."""
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError(f"a key of type {type(key).__name__}")  # noqa: TRY004 - as the loader
    return key


def pem(certificate: x509.Certificate) -> bytes:
    """Return the certificate in PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def ca_extensions(profile: Profile, subject: Authority, issuer: Authority) -> _Extensions:
    """Return what a CA certificate of ``profile`` says about its subject."""
    if profile == "class-2":  # of 2004: no key usage, basic constraints not critical
        return [_ski(subject), _aki(issuer), (x509.BasicConstraints(True, None), False)]
    issuing = profile in ("issuing", "issuing-server-only")
    found: _Extensions = [
        (x509.BasicConstraints(True, 0 if issuing else None), True),
        (_usage(signs_certificates=True, signature=profile != "starfield-g2"), True),
    ]
    if issuing:
        found.append(_purposes(client_too=profile == "issuing"))
    found.append(_ski(subject))
    if profile in ("root", "starfield-g2"):
        return found
    policy = _DOMAIN_VALIDATED if issuing else _ANY_POLICY
    return [*found, _aki(issuer), *_status(issuer), _policies(policy)]


def leaf_extensions(names: tuple[str, ...], issuer: Authority, key: PrivateKey) -> _Extensions:
    """Return what a server certificate for the DNS ``names`` says."""
    alternatives = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
    return [
        _aki(issuer),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (alternatives, False),
        _policies(_DOMAIN_VALIDATED),
        (_usage(signature=True, encipherment=isinstance(key, rsa.RSAPrivateKey)), True),
        _purposes(client_too=False),
        *_status(issuer),
        (x509.BasicConstraints(ca=False, path_length=None), True),
    ]


def device_extensions(issuer: Authority, key: PrivateKey) -> _Extensions:
    """Return what the certificate of a device says: those of AWS IoT name no purpose."""
    return [
        _aki(issuer),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_usage(signature=True), True),
    ]


def sign(
    subject: x509.Name,
    key: PrivateKey,
    dates: tuple[datetime, datetime],
    extensions: _Extensions,
    by: tuple[Authority, PrivateKey],
) -> x509.Certificate:
    """Return a certificate for the public half of ``key``, signed by an authority.

    ``dates`` are whole seconds of UTC, both inclusive (RFC 5280 section 4.1.2.5).
    """
    issuer, issuer_key = by
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(name(issuer.subject))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dates[0])
        .not_valid_after(dates[1])
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, _DIGESTS[issuer.digest])


def _identifier(authority: Authority) -> bytes:
    # Made from the name instead of the key, which RFC 5280 section 4.2.1.2 leaves open: a
    # look-alike then carries the same identifiers as the genuine one, as an attacker would
    # see to it.
    der = name(authority.subject).public_bytes()
    return hashlib.sha1(der, usedforsecurity=False).digest()


def _ski(authority: Authority) -> tuple[x509.SubjectKeyIdentifier, bool]:
    return x509.SubjectKeyIdentifier(_identifier(authority)), False


def _aki(issuer: Authority) -> tuple[x509.AuthorityKeyIdentifier, bool]:
    return x509.AuthorityKeyIdentifier(_identifier(issuer), None, None), False


def _usage(
    *, signs_certificates: bool = False, signature: bool = False, encipherment: bool = False
) -> x509.KeyUsage:
    return credentials.key_usage(
        digital_signature=signature,
        key_encipherment=encipherment,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
    )


def _purposes(*, client_too: bool) -> tuple[x509.ExtendedKeyUsage, bool]:
    server, client = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
    return x509.ExtendedKeyUsage([server, client] if client_too else [server]), False


def _policies(policy: str) -> tuple[x509.CertificatePolicies, bool]:
    information = x509.PolicyInformation(x509.ObjectIdentifier(policy), None)
    return x509.CertificatePolicies([information]), False


def _status(issuer: Authority) -> _Extensions:
    short = issuer.host.partition(".")[0]
    where = [
        x509.AccessDescription(Access.OCSP, _uri(f"http://ocsp.{issuer.host}")),
        x509.AccessDescription(Access.CA_ISSUERS, _uri(f"http://crt.{issuer.host}/{short}.cer")),
    ]
    revoked = x509.DistributionPoint(
        [_uri(f"http://crl.{issuer.host}/{short}.crl")], None, None, None
    )
    return [
        (x509.AuthorityInformationAccess(where), False),
        (x509.CRLDistributionPoints([revoked]), False),
    ]


def _uri(value: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(value)
