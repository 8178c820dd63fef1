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
from urootlet import session, wifi

PKI = Hierarchy.fresh()
ISSUED = PKI.issue_identity("pump-7")
KEY = form.load_pem_private_key(ISSUED.key_pem, None)
SETTINGS = identity.Settings("a1b2c3-ats.iot.eu-west-1.amazonaws.com", "pump-7")


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


def folder_of(tmp_path, **changes):
    """A device folder for pump-7; ``changes`` are files by stem, None to leave one out."""
    files = {
        "rootlet.json": SETTINGS.encode(),
        "cert.der": ISSUED.cert_der,
        "key.der": encoded(form.Encoding.DER, form.PrivateFormat.TraditionalOpenSSL),
        "wifi.json": identity.Wifi("caf\N{LATIN SMALL LETTER E WITH ACUTE}", "12345678").encode(),
    } | changes
    for name, data in files.items():
        if data is not None:
            (tmp_path / name).write_bytes(data)
    return tmp_path


class TestADeviceFolder:
    def refused(self, folder, *words):
        with pytest.raises(InputError) as caught:
            identity.read_folder(folder)
        told = f"{caught.value.what} {caught.value.why} {caught.value.hint}"
        for word in words:
            assert word in told
        return caught.value

    def test_is_exactly_what_the_board_gets(self, tmp_path):
        folder = folder_of(tmp_path, **{"device.crt": ISSUED.cert_pem})
        found = identity.read_folder(folder)
        assert set(found) == {"rootlet.json", "cert.der", "key.der", "wifi.json"}
        assert all((folder / name).read_bytes() == data for name, data in found.items())

    def test_without_wifi_is_a_device_on_a_cable(self, tmp_path):
        assert "wifi.json" not in identity.read_folder(folder_of(tmp_path, **{"wifi.json": None}))

    def test_comes_out_as_der_whatever_somebody_put_in(self, tmp_path):
        expected = identity.read_folder(folder_of(tmp_path))
        changed = {"cert.der": ISSUED.cert_pem, "key.der": ISSUED.key_pem}
        assert identity.read_folder(folder_of(tmp_path, **changed)) == expected

    def test_that_waits_for_its_certificate_says_what_to_do(self, tmp_path):
        folder = folder_of(tmp_path, **{"cert.der": None, "device.csr": b"x"})
        error = self.refused(folder, "no certificate yet", "device.csr", f"-o {folder} --cert")
        assert error.code == "CLIENTCERT"

    @pytest.mark.parametrize("name", ["rootlet.json", "cert.der", "key.der"])
    def test_that_lacks_a_file_names_it(self, tmp_path, name):
        self.refused(folder_of(tmp_path, **{name: None}), f"{tmp_path}/{name}", "cannot be read")

    @pytest.mark.parametrize("name", ["rootlet.json", "cert.der", "key.der", "wifi.json"])
    def test_with_a_file_over_4_kb_is_refused_before_it_is_parsed(self, tmp_path, name):
        folder = folder_of(tmp_path, **{name: b"{" * 4097})
        self.refused(folder, f"{tmp_path}/{name}", "over 4096 bytes")

    @pytest.mark.parametrize("name", ["rootlet.json", "cert.der", "key.der", "wifi.json"])
    @pytest.mark.parametrize(
        "data", [b"", b"{}", b"[1]", b"[" * 4000, b"\xff\xfe", b'{"ssid":1,"password":2}']
    )
    def test_with_a_file_that_is_not_what_its_name_says_names_it(self, tmp_path, name, data):
        self.refused(folder_of(tmp_path, **{name: data}), f"{tmp_path}/{name}")

    def test_with_the_key_of_another_device_is_refused(self, tmp_path):
        other = PKI.issue_identity("pump-8").key_der
        assert self.refused(folder_of(tmp_path, **{"key.der": other})).code == "CLIENTCERT"

    def test_that_is_not_there_or_a_file_is_told_apart(self, tmp_path):
        self.refused(tmp_path / "none", "it is not there")
        (tmp_path / "file").touch()
        self.refused(tmp_path / "file", "it is a file")

    def test_may_be_as_long_as_the_device_reads(self):
        assert identity.MAX_FILE == session._MAX_SIZE


class TestWifi:
    @pytest.mark.parametrize(
        ("ssid", "password"),
        [("a", ""), ("x" * 32, "x" * 63), ("\N{HOT BEVERAGE}" * 10, "12345678")],
    )
    def test_comes_back_from_the_devices_reader(self, ssid, password):
        assert wifi.load(identity.Wifi(ssid, password).encode()) == (ssid, password)

    @pytest.mark.parametrize(
        ("ssid", "password"),
        [
            ("", "12345678"),
            ("x" * 33, "12345678"),
            ("\N{HOT BEVERAGE}" * 11, "12345678"),
            ("net", "1234567"),
            ("net", "x" * 64),
            ("net", "12345678\n"),
            ("net\0", "12345678"),
        ],
    )
    def test_that_no_device_could_join_is_refused_without_the_password(self, ssid, password):
        with pytest.raises(InputError) as caught:
            identity.Wifi(ssid, password).encode()
        told = f"{caught.value.what} {caught.value.why} {caught.value.hint}"
        assert caught.value.code == "FORMAT"
        assert password.strip() not in told

    def test_does_not_show_its_password(self):
        assert "12345678" not in repr(identity.Wifi("net", "12345678"))
