"""The lab's certification authorities as a table: who exists, and who certifies whom.

Names, key types, digests, dates and extensions are those of the public certificates of Amazon
Trust Services and Starfield (https://www.amazontrust.com/repository/), read from the
certificates themselves; only the keys are others. ``docs/lab.md`` lists what differs.

::

    starfield-class-2 -> starfield-g2 -> amazon-root-ca-1..4 -> issuing CAs -> leaves
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Key = Literal["rsa2048", "rsa4096", "p256", "p384"]
Profile = Literal["class-2", "starfield-g2", "root", "cross", "issuing", "issuing-server-only"]
DistinguishedName = tuple[tuple[str, str], ...]

#: The family of a leaf: which of the two chains of a dual-certificate server it is on.
Family = Literal["rsa", "ecc"]


class Authority(NamedTuple):
    """One CA key: its id, its name, the kind of key, and the digest that it signs with."""

    id: str
    subject: DistinguishedName
    key: Key
    digest: Literal["sha256", "sha384"]
    #: Host part of its OCSP, CRL and CA URLs: as long as the real one, and unresolvable
    #: (RFC 6761 section 6.4).
    host: str


class Certified(NamedTuple):
    """One certificate of a root: subject, issuer (the same: self-signed), UTC dates."""

    subject: str
    issuer: str
    profile: Profile
    not_before: str
    not_after: str


class Issuing(NamedTuple):
    """One issuing CA, called by the common name that people know it by.

    Its dates move with the clock, so that the lab does not end when the real one does: it was
    made ``age_days`` ago and is valid for ``lifetime_days``, as the real one is.
    """

    authority: Authority
    issuer: str
    profile: Profile
    age_days: int
    lifetime_days: int
    leaf_key: Key


def _amazon(common_name: str) -> DistinguishedName:
    return (("C", "US"), ("O", "Amazon"), ("CN", common_name))


_STARFIELD: DistinguishedName = (("C", "US"), ("O", "Starfield Technologies, Inc."))
_CLASS_2 = (*_STARFIELD, ("OU", "Starfield Class 2 Certification Authority"))
_G2: DistinguishedName = (
    ("C", "US"),
    ("ST", "Arizona"),
    ("L", "Scottsdale"),
    ("O", "Starfield Technologies, Inc."),
    ("CN", "Starfield Services Root Certificate Authority - G2"),
)

#: The trust anchors, by the ids of certs/catalog.toml.
ROOTS = {
    row.id: row
    for row in (
        Authority("starfield-class-2", _CLASS_2, "rsa2048", "sha256", "class2.invalid"),
        Authority("starfield-g2", _G2, "rsa2048", "sha256", "rootg2.rootlet.invalid"),
        Authority(
            "amazon-root-ca-1",
            _amazon("Amazon Root CA 1"),
            "rsa2048",
            "sha256",
            "rootca1.rootlet.invalid",
        ),
        Authority(
            "amazon-root-ca-2",
            _amazon("Amazon Root CA 2"),
            "rsa4096",
            "sha384",
            "rootca2.rootlet.invalid",
        ),
        Authority(
            "amazon-root-ca-3",
            _amazon("Amazon Root CA 3"),
            "p256",
            "sha256",
            "rootca3.rootlet.invalid",
        ),
        Authority(
            "amazon-root-ca-4",
            _amazon("Amazon Root CA 4"),
            "p384",
            "sha384",
            "rootca4.rootlet.invalid",
        ),
    )
}

_AMAZON_FROM, _AMAZON_TO = "2015-05-26T00:00:00Z", "2040-05-26T00:00:00Z"
_CROSS_FROM, _CROSS_TO = "2015-05-25T12:00:00Z", "2037-12-31T01:00:00Z"

#: Every certificate of a root: its own, and the one that the root above it signed.
ROOT_CERTIFICATES = {
    (row.subject, row.issuer): row
    for row in (
        Certified(
            "starfield-class-2",
            "starfield-class-2",
            "class-2",
            "2004-06-29T17:39:16Z",
            "2034-06-29T17:39:16Z",
        ),
        Certified(
            "starfield-g2",
            "starfield-g2",
            "starfield-g2",
            "2009-09-01T00:00:00Z",
            "2037-12-31T23:59:59Z",
        ),
        Certified(
            "starfield-g2",
            "starfield-class-2",
            "cross",
            "2009-09-02T00:00:00Z",
            "2034-06-28T17:39:16Z",
        ),
        Certified(
            "amazon-root-ca-1",
            "amazon-root-ca-1",
            "root",
            _AMAZON_FROM,
            "2038-01-17T00:00:00Z",
        ),
        Certified("amazon-root-ca-2", "amazon-root-ca-2", "root", _AMAZON_FROM, _AMAZON_TO),
        Certified("amazon-root-ca-3", "amazon-root-ca-3", "root", _AMAZON_FROM, _AMAZON_TO),
        Certified("amazon-root-ca-4", "amazon-root-ca-4", "root", _AMAZON_FROM, _AMAZON_TO),
        Certified("amazon-root-ca-1", "starfield-g2", "cross", _CROSS_FROM, _CROSS_TO),
        Certified("amazon-root-ca-2", "starfield-g2", "cross", _CROSS_FROM, _CROSS_TO),
        Certified("amazon-root-ca-3", "starfield-g2", "cross", _CROSS_FROM, _CROSS_TO),
        Certified("amazon-root-ca-4", "starfield-g2", "cross", _CROSS_FROM, _CROSS_TO),
    )
}

#: The authority that cross-signs a root; Starfield Class 2 has none above it.
ABOVE = {subject: issuer for subject, issuer in ROOT_CERTIFICATES if subject != issuer}


def _issuing(common_name: str, key: Key, digest: Literal["sha256", "sha384"]) -> Authority:
    ident = common_name.lower().replace(" ", "-")
    return Authority(ident, _amazon(common_name), key, digest, "issuing.rootlet.invalid")


_M_SERIES: tuple[Profile, int, int] = ("issuing", 1186, 2922)  # 2022-08-23, eight years
_S_SERIES: tuple[Profile, int, int] = ("issuing-server-only", 213, 1095)  # 2026-04-22, three years

#: Issuing CAs by common name: the M series of 2022, and one of those of 2026 whose P-256 key
#: is certified by Root CA 4 and so needs P-384 and SHA-384 (DESIGN.md section 5).
ISSUING = {
    dict(row.authority.subject)["CN"]: row
    for row in (
        Issuing(
            _issuing("Amazon RSA 2048 M01", "rsa2048", "sha256"),
            "amazon-root-ca-1",
            *_M_SERIES,
            "rsa2048",
        ),
        Issuing(
            _issuing("Amazon RSA 4096 M01", "rsa4096", "sha384"),
            "amazon-root-ca-2",
            *_M_SERIES,
            "rsa2048",
        ),
        Issuing(
            _issuing("Amazon ECDSA 256 M01", "p256", "sha256"),
            "amazon-root-ca-3",
            *_M_SERIES,
            "p256",
        ),
        Issuing(
            _issuing("Amazon ECDSA 256 S06", "p256", "sha256"),
            "amazon-root-ca-4",
            *_S_SERIES,
            "p256",
        ),
    )
}

#: Somebody in between with a root of their own, as a company's filter has.
PROXY = Authority(
    "proxy",
    (("C", "US"), ("O", "Example"), ("CN", "Example Filter Root")),
    "p256",
    "sha256",
    "filter.invalid",
)
