"""Requests and certificates for devices: what they say, who signed them, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rootlet import credentials, identity
from rootlet.errors import InputError, TrustError

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEY = credentials.new_key()
REQUEST = credentials.request(KEY)


def der(certificate):
    return certificate.public_bytes(form.Encoding.DER)


def ca(key=None, *, begins=NOW - timedelta(days=400), ends=None, is_ca=True, usage=None, ski=True):
    """A CA certificate, and its key."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Own")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7)
    builder = builder.not_valid_before(begins)
    builder = builder.not_valid_after(ends or datetime(2051, 1, 1, tzinfo=UTC))
    builder = builder.add_extension(x509.BasicConstraints(is_ca, None), critical=True)
    if usage is not None:
        builder = builder.add_extension(credentials.key_usage(**{usage: True}), critical=True)
    if ski:
        builder = builder.add_extension(x509.SubjectKeyIdentifier(b"own"), critical=False)
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, digest), key


def authority(certificate, key, ends=credentials.LAST):
    return credentials.authority(der(certificate), key, "ca.crt", NOW, ends)


def issued(issue, request=REQUEST):
    return x509.load_der_x509_certificate(issue(request, KEY))


def value(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind).value


class TestARequest:
    def test_is_signed_by_its_key_and_tells_nothing(self):
        assert REQUEST.is_signature_valid
        assert isinstance(REQUEST.signature_hash_algorithm, hashes.SHA256)
        (name,) = REQUEST.subject
        assert name.oid == NameOID.COMMON_NAME
        assert name.value == credentials.spki_sha256(KEY)[:32]

    def test_carries_the_common_name_that_is_given(self):
        (name,) = credentials.request(KEY, "x" * 64).subject
        assert name.value == "x" * 64

    @pytest.mark.parametrize("name", ["x" * 65, "a\nb", "a\0"])
    def test_with_a_name_that_x509_does_not_take_is_refused(self, name):
        with pytest.raises(InputError, match="not a common name"):
            credentials.request(KEY, name)


class TestACertificate:
    """Root (own) -> device, or device alone."""

    @pytest.fixture(params=["self-signed", "by a CA"])
    def made(self, request):
        issue = credentials.self_signed(NOW)
        return issued(issue if request.param == "self-signed" else authority(*ca()).issue)

    def test_says_what_a_client_needs_and_no_more(self, made):
        assert made.version is x509.Version.v3
        assert [one.critical for one in made.extensions] == [True, True, False, False, False]
        assert value(made, x509.BasicConstraints) == x509.BasicConstraints(False, None)
        usage = value(made, x509.KeyUsage)
        assert usage.digital_signature
        assert [usage.key_cert_sign, usage.key_agreement, usage.key_encipherment] == [False] * 3
        assert list(value(made, x509.ExtendedKeyUsage)) == [ExtendedKeyUsageOID.CLIENT_AUTH]
        own = x509.SubjectKeyIdentifier.from_public_key(KEY.public_key())
        assert value(made, x509.SubjectKeyIdentifier) == own
        assert made.subject == REQUEST.subject
        assert made.public_key() == KEY.public_key()

    def test_begins_yesterday_and_ends_as_those_of_aws(self, made):
        assert made.not_valid_before_utc == NOW - timedelta(days=1)
        assert made.not_valid_after_utc == datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)

    def test_of_a_ca_verifies_under_it_and_names_its_key(self):
        parent, key = ca()
        made = issued(authority(parent, key).issue)
        made.verify_directly_issued_by(parent)
        assert value(made, x509.AuthorityKeyIdentifier).key_identifier == b"own"

    def test_of_a_ca_without_identifier_names_one_made_from_its_key(self):
        parent, key = ca(ski=False)
        made = issued(authority(parent, key).issue)
        expected = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest
        assert value(made, x509.AuthorityKeyIdentifier).key_identifier == expected

    def test_self_signed_verifies_under_itself(self):
        made = issued(credentials.self_signed(NOW))
        made.verify_directly_issued_by(made)

    def test_lives_within_the_dates_of_its_ca(self):
        begins, ends = NOW - timedelta(hours=1), NOW + timedelta(days=30)
        made = issued(authority(*ca(begins=begins, ends=ends)).issue)
        assert (made.not_valid_before_utc, made.not_valid_after_utc) == (begins, ends)

    def test_has_another_serial_number_each_time(self):
        issue = authority(*ca()).issue
        assert len({issued(issue).serial_number for _ in range(20)}) == 20

    @pytest.mark.parametrize(
        ("key", "digest"),
        [
            (ec.generate_private_key(ec.SECP256R1()), "sha256"),
            (ec.generate_private_key(ec.SECP384R1()), "sha384"),
            (rsa.generate_private_key(65537, 2048), "sha256"),
        ],
    )
    def test_is_signed_with_a_hash_that_boards_have(self, key, digest):
        parent, _ = ca(key)
        made = issued(authority(parent, key).issue)
        made.verify_directly_issued_by(parent)
        assert made.signature_hash_algorithm.name == digest


class TestAnAuthority:
    @pytest.mark.parametrize("changes", [{"is_ca": False}, {"usage": "crl_sign"}])
    def test_that_may_not_sign_certificates_is_refused(self, changes):
        with pytest.raises(InputError, match="not the certificate of an authority"):
            authority(*ca(**changes))

    def test_whose_key_usage_says_so_may_sign(self):
        parent, key = ca(usage="key_cert_sign")
        issued(authority(parent, key).issue).verify_directly_issued_by(parent)

    def test_with_the_key_of_another_is_refused(self):
        with pytest.raises(InputError) as caught:
            authority(ca()[0], ca()[1])
        assert caught.value.code == "CLIENTCERT"

    @pytest.mark.parametrize(
        "dates",
        [
            {"ends": NOW - timedelta(seconds=1)},
            {"begins": NOW + timedelta(days=2), "ends": NOW + timedelta(days=9)},
        ],
    )
    def test_that_is_not_in_force_is_refused(self, dates):
        with pytest.raises(TrustError) as caught:
            authority(*ca(**dates))
        assert caught.value.code == "EXPIRED"

    def test_is_in_force_to_its_last_second_and_from_a_day_before_its_first(self):
        assert authority(*ca(ends=NOW))
        assert authority(*ca(begins=NOW + timedelta(days=1), ends=NOW + timedelta(days=9)))

    def test_with_a_key_that_no_server_takes_is_refused(self):
        with pytest.raises(InputError, match="no key for a device"):
            authority(*ca(ec.generate_private_key(ec.SECP256K1())))


class TestAGivenCertificate:
    def test_is_handed_out_for_its_key_only(self):
        certificate = credentials.self_signed(NOW)(REQUEST, KEY)
        assert credentials.given(certificate, "c")(REQUEST, KEY) == certificate
        with pytest.raises(InputError) as caught:
            credentials.given(certificate, "c")(REQUEST, credentials.new_key())
        assert caught.value.code == "CLIENTCERT"

    def test_for_a_server_is_refused(self):
        parent, key = ca()
        name = parent.subject
        builder = x509.CertificateBuilder(name, name, KEY.public_key(), 7, NOW, NOW)

        def serving(*purposes):
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, *purposes])
            return der(builder.add_extension(usage, critical=False).sign(key, hashes.SHA256()))

        with pytest.raises(InputError, match="not a certificate for a client") as caught:
            credentials.check_client(serving(), "c")
        assert caught.value.code == "CLIENTCERT"
        for one in (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE):
            credentials.check_client(serving(one), "for both")
        credentials.check_client(der(ca()[0]), "without any purpose, as AWS IoT makes them")


class TestAKey:
    @pytest.mark.parametrize(
        "key",
        [
            ec.generate_private_key(ec.SECP521R1()),
            rsa.generate_private_key(65537, 2048),
        ],
    )
    def test_of_a_kind_that_aws_registers_is_taken(self, key):
        credentials.check_key(key, "k")

    @pytest.mark.parametrize(
        ("key", "why"),
        [
            (ec.generate_private_key(ec.SECP224R1()), "secp224r1"),
            (rsa.generate_private_key(65537, 2047), "RSA with 2047 bits"),
        ],
    )
    def test_of_another_is_refused(self, key, why):
        with pytest.raises(InputError) as caught:
            credentials.check_key(key, "k")
        assert why in caught.value.why
        assert caught.value.code == "FORMAT"

    def test_that_is_neither_rsa_nor_on_a_curve_is_refused(self):
        made = ed25519.Ed25519PrivateKey.generate().private_bytes(
            form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()
        )
        with pytest.raises(InputError) as caught:
            identity.load_key(made, "k")
        assert "not an RSA or elliptic curve key" in caught.value.why
        assert caught.value.__cause__ is None

    def test_that_is_sealed_opens_with_its_passphrase_only(self):
        sealed = KEY.private_bytes(
            form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"right")
        )
        assert identity.load_key(sealed, "k", lambda _: "right").public_key() == KEY.public_key()
        with pytest.raises(InputError) as caught:
            identity.load_key(sealed, "k", lambda _: "wrong")
        assert "passphrase is wrong" in caught.value.why
