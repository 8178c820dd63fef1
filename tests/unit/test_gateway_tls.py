"""TLS on CPython: real handshakes in memory, and what the context notes of them.

integration/test_session.py and test_matrix.py connect over sockets, on both interpreters.
"""

import hashlib
import os
import ssl
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from rootlet import bundle
from signature_cases import private_key
from urootlet.errors import Error
from urootlet.format_cpython import ECDSA, RSA
from urootlet.session import Config
from urootlet.tls_cpython import Context

CREATED = 1_790_000_000
HOST = "iot.example"
CONFIG = Config({"endpoint": HOST, "thing": "test-thing"})
NOW = datetime.now(UTC)
KEY = ec.generate_private_key(ec.SECP256R1())


def named(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def certificate(subject, *, by="root", key=KEY, signer=KEY, is_ca=False):
    """A certificate for a day; all keys are one unless a test says otherwise."""
    made = x509.CertificateBuilder(named(by), named(subject), key.public_key(), 1)
    made = made.not_valid_before(NOW - timedelta(hours=1))
    made = made.not_valid_after(NOW + timedelta(days=1))
    made = made.add_extension(x509.BasicConstraints(is_ca, None), critical=True)
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
    return made.sign(signer, hashes.SHA256())


def der(one):
    return one.public_bytes(Encoding.DER)


def pkcs(key, form=PrivateFormat.TraditionalOpenSSL, encoding=Encoding.DER):
    return key.private_bytes(encoding, form, NoEncryption())


ROOT = certificate("root", is_ca=True)
CLIENT = certificate("client")


def trusting(*roots, profile=ECDSA | RSA, originals=()):
    """A bundle of these anchors; each is its own original unless others are given."""
    originals = originals or [hashlib.sha256(one).digest() for one in roots]
    anchors = [bundle.Anchor(*pair) for pair in zip(roots, originals, strict=True)]
    data = bundle.encode(anchors, target="pumps", profile=profile, created=CREATED)
    return bundle.decode(data, "it")


def client(found=None, cert=None, key=None):
    return Context(found or trusting(der(ROOT)), cert or der(CLIENT), key or pkcs(KEY), CONFIG)


@pytest.fixture
def server(tmp_path):
    """Make a server's context, which asks for a certificate of the client too."""

    def made(*chain):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pem = b"".join(one.public_bytes(Encoding.PEM) for one in chain)
        (tmp_path / "server.pem").write_bytes(pem + pkcs(KEY, encoding=Encoding.PEM))
        context.load_cert_chain(tmp_path / "server.pem")
        context.load_verify_locations(cadata=der(ROOT))
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    return made


def shake(ours, theirs, **words):
    """Let client and server talk until both are done; return the client's side."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        ours.wrap_bio(down, up, **words),
        theirs.wrap_bio(up, down, server_side=True),
    ]
    for _ in range(4):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return sides[0]


class TestAHandshake:
    def test_notes_what_the_server_showed_and_not_what_we_did(self, server):
        leaf = certificate(HOST)
        ours = client()
        shake(ours, server(leaf, ROOT))
        assert ours.leaf == der(leaf)
        assert ours.anchor == hashlib.sha256(der(ROOT)).digest()
        assert (ours.top, ours.fault, ours.alerted) == (None, None, False)
        assert ours.protocol == "TLSv1.3"
        assert ours.suite.startswith("TLS_AES_")

    def test_of_the_name_that_the_settings_say_whatever_the_program_says(self, server):
        ours = client()
        with pytest.raises(ssl.SSLCertVerificationError, match="ostname mismatch") as caught:
            shake(ours, server(certificate("other.example")), server_hostname="other.example")
        assert ours.fault is caught.value
        assert ours.anchor == b""
        shake(client(), server(certificate(HOST)), server_hostname="other.example")

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_that_is_refused_keeps_both_ends_of_the_chain(self, server, version):
        strange = rsa_root()
        middle = certificate("middle", by="strange", signer=private_key("key-0"), is_ca=True)
        leaf = certificate(HOST, by="middle")
        theirs = server(leaf, middle, strange)
        theirs.maximum_version = version
        ours = client()
        with pytest.raises(ssl.SSLCertVerificationError):
            shake(ours, theirs)
        assert (ours.leaf, ours.top) == (der(leaf), der(strange))
        assert ours.anchor == b""

    @pytest.mark.parametrize(
        ("profile", "version"), [(ECDSA, "TLSv1.2"), (ECDSA | RSA, "TLSv1.3")]
    )
    def test_for_one_family_alone_stays_where_the_suite_names_it(self, server, profile, version):
        ours = client(trusting(der(ROOT), profile=profile))
        shake(ours, server(certificate(HOST)))
        assert ours.protocol == version

    def test_under_no_anchor_of_ours_is_not_verified(self):
        with pytest.raises(Error) as caught:
            trusting(der(ROOT)).find(der(CLIENT))
        assert caught.value.code == "NOVERIFY"


@cache
def rsa_root():
    key = private_key("key-0")
    return certificate("strange", by="strange", key=key, signer=key, is_ca=True)


class TestAnchors:
    def test_that_do_not_load_are_named(self):
        broken = bytearray(der(ROOT))
        at = broken.index(b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02")
        broken[at + 2] = 0x05  # an algorithm that is no name of one
        roots = sorted(
            [der(rsa_root()), bytes(broken)], key=lambda one: hashlib.sha256(one).digest()
        )
        with pytest.raises(Error) as caught:
            client(trusting(*roots))
        expected = f"anchor {roots.index(bytes(broken))} does not load"
        assert (caught.value.code, caught.value.detail) == ("FORMAT", expected)

    def test_that_are_one_certificate_twice_are_not_counted_as_two(self):
        twice = trusting(der(ROOT), der(ROOT), originals=(bytes(31) + b"1", bytes(31) + b"2"))
        with pytest.raises(Error) as caught:
            client(twice)
        assert (caught.value.code, caught.value.detail) == (
            "FORMAT",
            "not every anchor was loaded",
        )


class TestTheIdentity:
    @pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
    @pytest.mark.parametrize("kind", ["EC", "RSA"])
    def test_may_be_a_key_of_either_family_in_either_form(self, server, kind, form):
        key = KEY if kind == "EC" else rsa.generate_private_key(65537, 2048)
        ours = client(cert=der(certificate("client", key=key)), key=pkcs(key, form))
        shake(ours, server(certificate(HOST)))
        assert ours.anchor

    def test_with_the_key_of_another_does_not_load(self):
        with pytest.raises(Error) as caught:
            client(key=pkcs(ec.generate_private_key(ec.SECP256R1())))
        assert caught.value.code == "FORMAT"
        assert caught.value.detail.startswith("identity")

    def test_stays_in_no_file_that_is_open(self):
        client()
        opened = [os.path.realpath(one) for one in Path("/proc/self/fd").iterdir()]
        assert not [one for one in opened if "memfd:" in one]
