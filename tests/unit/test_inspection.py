"""Chains by name, and who would accept them: with a catalogue whose keys are the lab's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import DNSName, SubjectAlternativeName

from minted import Mint
from own_roots import bundle_of
from rootlet import catalog, inspection, path, trust_set, x509
from rootlet.endpoint import Endpoint, parse
from rootlet.errors import InputError
from rootlet.lab import certificates
from rootlet.lab.authorities import ROOTS

DOMAIN = "iot.eu-west-1.amazonaws.com"
HOST = f"a1b2c3-ats.{DOMAIN}"
CHINA = "a-ats.iot.cn-north-1.amazonaws.com.cn"
RSA, CA4 = "Amazon RSA 2048 M01", "Amazon ECDSA 256 S06"


@pytest.fixture
def lab_catalog(lab_pki, tmp_path, monkeypatch):
    """Let the lab's roots be those of the catalogue."""
    anchors = []
    for anchor in catalog.load().anchors:
        if anchor.id not in ROOTS:
            continue
        made = x509.parse_der(lab_pki.anchor(anchor.id).public_bytes(Encoding.DER), anchor.id)
        path = tmp_path / f"{anchor.id}.pem"
        path.write_bytes(certificates.pem(lab_pki.anchor(anchor.id)))
        anchors.append(
            replace(anchor, path=path, sha256=made.sha256, spki_sha256=made.spki_sha256)
        )
    monkeypatch.setattr(catalog, "load", lambda: catalog.Catalog(tuple(anchors)))


def look(lab_pki, issuer, shape, *more, host=HOST):
    ders = [
        one.public_bytes(Encoding.DER) for one in lab_pki.chain(issuer, DOMAIN, shape).certificates
    ]
    return inspection.inspect([*ders, *more], host, lab_pki.now, ())


def accepted(found):
    """Return by the name of each row the models that accept the chain with it."""
    return {
        row.anchors.name: [name for name, answer in row.answers.items() if answer.accepted]
        for row in found.rows
    }


@pytest.mark.usefixtures("lab_catalog")
class TestWhatEndsAPath:
    def test_the_root_alone_where_no_cross_sign_is_sent(self, lab_pki):
        found = look(lab_pki, RSA, "2")
        every = ["mbedtls", "openssl", "openssl-strict", "esp-idf", "wolfssl"]
        assert accepted(found) == {"amazon-root-ca-1": every}
        assert found.overall.accepted
        assert found.cross_signs == []

    def test_with_the_cross_sign_two_can_and_each_verifier_has_its_own_mind(self, lab_pki):
        """leaf <- RSA 2048 M01 <- Root CA 1 by Starfield G2."""
        found = look(lab_pki, RSA, "3")
        path_builders = ["mbedtls", "openssl", "openssl-strict"]
        every = [*path_builders, "esp-idf", "wolfssl"]
        assert accepted(found) == {
            "amazon-root-ca-1": path_builders,
            "starfield-g2": every,
            inspection.TOGETHER: every,
        }
        assert [one.role for one in found.chain] == ["leaf", "issuing CA", "cross-sign"]

    def test_a_p_256_leaf_of_2026_ends_at_root_ca_4(self, lab_pki):
        assert [*accepted(look(lab_pki, CA4, "2"))] == ["amazon-root-ca-4"]

    def test_another_host_is_told(self, lab_pki):
        found = look(lab_pki, RSA, "2", host="example.com")
        assert found.overall.code == "NAME"
        assert accepted(found) == {"amazon-root-ca-1": []}


class TestWhoIsWho:
    def test_a_real_root_is_called_by_its_name_and_a_copy_a_copy(self, lab_pki):
        real = catalog.load().get("amazon-root-ca-1").der
        found = look(lab_pki, RSA, "3", real)
        assert [(one.role, one.known, one.copies) for one in found.chain] == [
            ("leaf", "", ""),
            ("issuing CA", "", "amazon-rsa-2048-m01"),
            ("cross-sign", "", "amazon-root-ca-1"),
            ("root", "amazon-root-ca-1", ""),
        ]

    def test_a_leaf_among_the_others_is_called_no_ca(self, lab_pki):
        leaf = lab_pki.leaf(RSA, DOMAIN).public_bytes(Encoding.DER)
        assert look(lab_pki, RSA, "2", leaf).chain[-1].role == "no CA"

    def test_what_is_no_certificate_and_what_are_too_many_is_refused(self, lab_pki):
        with pytest.raises(InputError, match="certificate 3"):
            look(lab_pki, RSA, "2", b"0\x03\x02\x01\x01")
        with pytest.raises(InputError, match="17 certificates"):
            look(lab_pki, RSA, "2", *[b""] * 15)

    def test_names_cannot_steer_the_terminal(self, lab_pki):
        """They are part of what is said: subject, issuer, and the names of NAME."""
        mint, evil = Mint(lab_pki), "\x1b[2J"
        leaf = mint.sign(
            f"cn{evil}",
            mint.authority(),
            [(SubjectAlternativeName([DNSName(f"{evil}.a")]), False)],
        )
        found = inspection.inspect([leaf.public_bytes(Encoding.DER)], HOST, lab_pki.now, ())
        link = found.chain[0].link
        assert (link.title, link.dns, link.common_names) == (
            "cn\\1B[2J",
            ("\\1B[2J.a",),
            ("cn\\1B[2J",),
        )
        every = trust_set.of_catalog(*catalog.load().anchors)
        question = every.question((link,), lab_pki.now, HOST, path.Signatures())
        for model in path.MODELS.values():
            assert "\x1b" not in path.verify(model, question).reason


class TestTrustSets:
    def test_pem_and_bundle_of_the_same_anchors_hold_the_same_ids(self):
        ids = ["amazon-root-ca-1", "starfield-g2"]
        pem = "".join(catalog.load().get(one).path.read_text() for one in ids).encode()
        bundle = bundle_of(*ids, profile="rsa")
        for data, families in ((pem, {"rsa", "ecdsa"}), (bundle, {"rsa"})):
            found = trust_set.read(data, "x")
            assert sorted(found.anchors.values()) == ids
            assert found.families == families


class TestEndpoints:
    @pytest.mark.parametrize(
        ("text", "starttls", "host", "port"),
        [
            (HOST, "", HOST, 8883),
            (f"{HOST}.", "", HOST, 8883),
            (f"{CHINA}:443", "", CHINA, 443),
            ("example.com", "", "example.com", 443),
            ("example.com", "smtp", "example.com", 587),
            ("example.com:25", "smtp", "example.com", 25),
            ("example.com", "imap", "example.com", 143),
            ("[2001:db8::1]:8883", "", "2001:db8::1", 8883),
        ],
    )  # fmt: skip
    def test_a_port_that_is_not_given_is_that_of_the_service(self, text, starttls, host, port):
        assert parse(text, starttls) == (host, port)
        assert parse(str(parse(text, starttls))) == (host, port)

    def test_mqtt_on_443_is_asked_for_at_iot_endpoints_alone(self):
        assert Endpoint(HOST, 443).protocols == ("x-amzn-mqtt-ca",)
        assert Endpoint(HOST, 8883).protocols == ()
        assert Endpoint("example.com", 443).protocols == ()
