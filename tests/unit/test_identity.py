"""A device's certificate, key and settings: every encoding in, one encoding out."""

import json
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import rsa

from rootlet import identity
from rootlet.errors import InputError
from rootlet.lab import Hierarchy

PKI = Hierarchy.fresh()
ISSUED = PKI.issue_identity("pump-7")
KEY = form.load_pem_private_key(ISSUED.key_pem, None)


def encoded(encoding, private, protection=None):
    return KEY.private_bytes(encoding, private, protection or form.NoEncryption())


@pytest.mark.parametrize("encoding", [form.Encoding.PEM, form.Encoding.DER])
@pytest.mark.parametrize(
    "private", [form.PrivateFormat.PKCS8, form.PrivateFormat.TraditionalOpenSSL]
)
def test_a_key_comes_out_as_sec1_der_whatever_it_was(encoding, private):
    made = identity.read_key(encoded(encoding, private), "key", ISSUED.cert_der)
    expected = encoded(form.Encoding.DER, form.PrivateFormat.TraditionalOpenSSL)
    assert made == expected


@pytest.mark.parametrize("data", [ISSUED.cert_pem, ISSUED.cert_der])
def test_a_certificate_comes_out_as_der(data):
    assert identity.read_certificate(data, "cert") == ISSUED.cert_der


def test_a_key_of_another_certificate_is_refused():
    other = PKI.issue_identity("pump-8")
    with pytest.raises(InputError) as caught:
        identity.read_key(ISSUED.key_pem, "pump-7.key", other.cert_der)
    assert caught.value.code == "CLIENTCERT"
    assert "pump-7.key" in caught.value.what


def test_an_encrypted_key_is_refused_with_the_reason():
    data = encoded(
        form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"secret")
    )
    with pytest.raises(InputError) as caught:
        identity.read_key(data, "key", ISSUED.cert_der)
    assert "encrypted" in caught.value.why


def test_nothing_of_a_broken_key_is_in_the_error():
    body = ISSUED.key_pem.splitlines()[1]
    broken = ISSUED.key_pem.replace(body, body[:-4])
    with pytest.raises(InputError) as caught:
        identity.read_key(broken, "key", ISSUED.cert_der)
    told = f"{caught.value.what}{caught.value.why}{caught.value.hint}"
    assert body[:8].decode() not in told
    assert caught.value.__cause__ is None


def test_two_certificates_are_not_an_identity():
    other = PKI.issue_identity("pump-8")
    with pytest.raises(InputError, match="2 certificates, one wanted"):
        identity.read_certificate(ISSUED.cert_pem + other.cert_pem, "cert")


def test_an_rsa_key_comes_out_as_pkcs1():
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pump-9")])
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, begins, begins.replace(year=2027))
        .sign(key, hashes.SHA256())
        .public_bytes(form.Encoding.DER)
    )
    pkcs8 = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    pkcs1 = key.private_bytes(
        form.Encoding.DER, form.PrivateFormat.TraditionalOpenSSL, form.NoEncryption()
    )
    assert identity.read_key(pkcs8, "key", certificate) == pkcs1


class TestSettings:
    def test_hold_only_what_was_given(self):
        made = identity.Settings("a1b2c3-ats.iot.eu-west-1.amazonaws.com", "pump-7").encode()
        assert json.loads(made) == {
            "endpoint": "a1b2c3-ats.iot.eu-west-1.amazonaws.com",
            "thing": "pump-7",
            "port": 8883,
        }

    @pytest.mark.parametrize(
        ("endpoint", "code"),
        [
            ("a1b2c3.iot.eu-west-1.amazonaws.com", "ENDPOINT"),
            ("https://example.com", "DNS"),
            ("", "FORMAT"),
        ],
    )
    def test_that_a_device_would_refuse_are_refused_here(self, endpoint, code):
        with pytest.raises(InputError) as caught:
            identity.Settings(endpoint, "pump-7").encode()
        assert caught.value.code == code
