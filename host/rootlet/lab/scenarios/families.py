"""Servers that hold one family, or prefer one: the roots of a device must fit its suites."""

from __future__ import annotations

from rootlet.lab.scenarios.base import Accept, Bundle, FaceScenario, Refuse, changed

_RSA, _ECC, _CA4 = "amazon-root-ca-1", "amazon-root-ca-3", "amazon-root-ca-4"


class RsaOnly(FaceScenario):
    """The server has no ECC certificate: leaf (RSA) <- RSA 2048 M01 <- Amazon Root CA 1."""

    name = "rsa-only"
    expect = Accept()
    face = changed(preference="rsa-only")


class EccOnly(FaceScenario):
    """The server has no RSA certificate: leaf (P-256) <- ECDSA 256 M01 <- Amazon Root CA 3."""

    name = "ecc-only"
    expect = Accept()
    face = changed(preference="ecc-only")


class PreferRsa(FaceScenario):
    """The server prefers RSA, the device trusts the ECC root only.

    ::

        client: ECDSA suites only  ->  server: RSA first, but takes what is offered

    A device that offers RSA suites too gets a chain to a root that it does not have.
    """

    name = "prefer-rsa"
    expect = Accept()
    bundle = Bundle((_ECC,), "ecdsa")
    face = changed(preference="prefer-rsa")


class PreferEcdsa(FaceScenario):
    """The server prefers ECDSA, the device trusts the RSA root only.

    ::

        client: RSA suites only  ->  server: ECDSA first, but takes what is offered
    """

    name = "prefer-ecdsa"
    expect = Accept()
    bundle = Bundle((_RSA,), "rsa")
    face = changed(preference="prefer-ecdsa")


class OtherFamily(FaceScenario):
    """The device offers both families and trusts one: the server sends the other.

    ::

        leaf (P-256) <- Amazon ECDSA 256 M01 <- Amazon Root CA 3      device: Amazon Root CA 1
    """

    name = "other-family"
    expect = Refuse("FAMILY")
    bundle = Bundle((_RSA,), "both")


class FamilyMissing(FaceScenario):
    """The server has only the family that the device does not offer: no suite in common."""

    name = "family-missing"
    expect = Refuse("TLSPOLICY")
    bundle = Bundle((_RSA,), "rsa")
    face = changed(preference="ecc-only")


class IssuedByRootCa4(FaceScenario):
    """An ECC leaf of 2026 ends at Root CA 4; the device has it, and must do P-384 and SHA-384.

    ::

        leaf (P-256) <- Amazon ECDSA 256 S06 <- Amazon Root CA 4 (P-384)
    """

    name = "ca4-issued"
    expect = Accept()
    bundle = Bundle((_RSA, _ECC, _CA4))
    face = changed(ecc_issuer="Amazon ECDSA 256 S06")


class RootCa4Missing(FaceScenario):
    """The same leaf for a device that has Root CA 1 and 3: a P-256 leaf is not Root CA 3's."""

    name = "ca4-missing"
    expect = Refuse("ROOT")
    face = changed(ecc_issuer="Amazon ECDSA 256 S06")
