"""What rootlet knows of a certificate, and who signed it."""

from __future__ import annotations

import base64
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509 as cx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from rootlet import catalog, x509
from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
CATALOG = catalog.load()
CA1 = CATALOG.get("amazon-root-ca-1").der
CA3 = CATALOG.get("amazon-root-ca-3").der
CA4 = CATALOG.get("amazon-root-ca-4").der
DAY = datetime(2026, 1, 1, tzinfo=UTC)


def name(text: str) -> cx.Name:
    return cx.Name([cx.NameAttribute(cx.NameOID.COMMON_NAME, text)])


def make(
    subject: str = "root",
    issuer: str | None = None,
    *,
    key: PrivateKey | None = None,
    signer: PrivateKey | None = None,
    extensions: Sequence[cx.ExtensionType] = (),
    digest: bool = True,
) -> bytes:
    """Make a certificate; self-signed unless issuer and signer are given."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = cx.CertificateBuilder(
        name(issuer or subject), name(subject), key.public_key(), 1, DAY, DAY + timedelta(30)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    signed = builder.sign(signer or key, hashes.SHA256() if digest else None)
    return signed.public_bytes(Encoding.DER)


class TestFacts:
    @pytest.mark.parametrize("anchor", CATALOG.anchors, ids=lambda anchor: anchor.id)
    def test_names_and_keys_are_slices_that_cryptography_agrees_with(
        self, anchor: catalog.TrustAnchor
    ) -> None:
        ours = anchor.certificate
        with x509._known_serial_zero():
            theirs = cx.load_der_x509_certificate(anchor.der)
        assert ours.subject_der == theirs.subject.public_bytes()
        assert ours.issuer_der == theirs.issuer.public_bytes()
        assert ours.spki_der == theirs.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        assert ours.sha1 == theirs.fingerprint(hashes.SHA1()).hex()
        assert ours.is_ca
        assert ours.is_self_issued

    def test_root_ca_1_is_what_amazon_publishes(self) -> None:
        root = x509.parse_der(CA1, "ca1")
        assert root.subject == root.issuer == "CN=Amazon Root CA 1,O=Amazon,C=US"
        assert (root.key, root.family, root.version) == ("rsa-2048", "rsa", 3)
        assert root.not_after == datetime(2038, 1, 17, tzinfo=UTC)
        assert root.serial == 0x66C9FCF99BF8C0A39E2F0788A43E696365BCA
        assert root.ski is not None
        assert root.ski.hex() == "8418cc8534ecbc0c94942e08599cc7b2104e0a08"
        assert (root.aki, root.path_length) == (None, None)
        assert (root.has_key_usage, root.has_eku, root.has_name_constraints) == (
            True,
            False,
            False,
        )
        assert base64.b64encode(bytes.fromhex(root.spki_sha256)).decode() == (
            "++MBgDH5WGvL9Bcn5Be30cRcL0f5O+NyoXuWtQdX1aI="
        )

    def test_a_constrained_intermediate_shows_its_constraints(self) -> None:
        ski = cx.SubjectKeyIdentifier(b"own")
        aki = cx.AuthorityKeyIdentifier(b"issuer", None, None)
        names = cx.NameConstraints([cx.DNSName("example.com")], None)
        eku = cx.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        limits = cx.BasicConstraints(ca=True, path_length=0)
        found = x509.parse_der(make("i", "r", extensions=(limits, eku, names, ski, aki)), "it")
        assert (found.is_ca, found.path_length) == (True, 0)
        assert (found.has_eku, found.has_name_constraints, found.has_key_usage) == (
            True,
            True,
            False,
        )
        assert (found.ski, found.aki) == (b"own", b"issuer")
        assert not found.is_self_issued

    def test_a_leaf_is_no_ca(self) -> None:
        assert not x509.parse_der(make(), "leaf").is_ca

    @pytest.mark.parametrize(
        ("key", "expected", "family"),
        [
            (ec.generate_private_key(ec.SECP384R1()), "ec-p384", "ecdsa"),
            (ec.generate_private_key(ec.SECP521R1()), "ec-p521", "ecdsa"),
            (ec.generate_private_key(ec.SECP256K1()), "ec-secp256k1", "ecdsa"),
            (rsa.generate_private_key(65537, 1024), "rsa-1024", "rsa"),
        ],
        ids=["p384", "p521", "k1", "rsa1024"],
    )
    def test_keys_are_named_by_kind_and_size(
        self, key: PrivateKey, expected: str, family: str
    ) -> None:
        found = x509.parse_der(make(key=key), "it")
        assert (found.key, found.family) == (expected, family)

    def test_a_key_that_boards_cannot_verify_is_refused(self) -> None:
        data = make(key=ed25519.Ed25519PrivateKey.generate(), digest=False)
        with pytest.raises(InputError) as caught:
            x509.parse_der(data, "it")
        assert "neither RSA nor elliptic curve" in caught.value.why

    def test_a_name_cannot_steer_the_terminal(self) -> None:
        found = x509.parse_der(make(subject="a\x1b[2J\u202eb"), "it")
        assert found.subject == "CN=a\\1B[2J\\E2\\80\\AEb"

    def test_serial_zero_of_starfield_passes_without_a_warning(self) -> None:
        assert CATALOG.get("starfield-g2").certificate.serial == 0

    def test_equality_is_equality_of_bytes(self) -> None:
        assert x509.parse_der(CA1, "a") == x509.parse_der(CA1, "b")
        assert x509.parse_der(CA1, "a") != x509.parse_der(CA3, "a")
        assert len({x509.parse_der(CA1, "a"), x509.parse_der(CA1, "b")}) == 1

    def test_the_import_does_not_load_cryptography(self) -> None:
        code = "import sys, rootlet.x509; sys.exit('cryptography' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestSignedBy:
    def test_a_root_signed_itself(self) -> None:
        root = x509.parse_der(CA4, "ca4")
        assert x509.check_signed_by(root, root)

    def test_the_right_name_with_another_key_did_not_sign(self) -> None:
        """root (key A) -> leaf; "root" (key B) is a look-alike."""
        key_a, key_b = (ec.generate_private_key(ec.SECP256R1()) for _ in "ab")
        root, lookalike = (x509.parse_der(make(key=key), "root") for key in (key_a, key_b))
        leaf = x509.parse_der(make("leaf", "root", signer=key_a), "leaf")
        assert x509.check_signed_by(leaf, root)
        assert not x509.check_signed_by(leaf, lookalike)

    def test_the_right_key_under_another_name_did_not_sign(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = x509.parse_der(make("leaf", "root", signer=key), "leaf")
        assert not x509.check_signed_by(leaf, x509.parse_der(make("other", key=key), "other"))

    def test_a_signature_over_sha1_counts_for_nothing(self) -> None:
        old = CATALOG.get("baltimore-cybertrust-root").certificate
        assert not x509.check_signed_by(old, old)
