"""Reading files of certificates: all that is in them, or an error that says what is wrong."""

from __future__ import annotations

import base64
import time

import pytest
from cryptography import x509 as cx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
    pkcs12,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from rootlet import catalog, pem, x509
from rootlet.errors import InputError

CATALOG = catalog.load()
CA1 = CATALOG.get("amazon-root-ca-1").der
CA3 = CATALOG.get("amazon-root-ca-3").der
CA4 = CATALOG.get("amazon-root-ca-4").der
TWO = (pem.armour(CA1) + pem.armour(CA3)).encode()
SECRET = ec.derive_private_key(0x1234567 << 200, ec.SECP256R1())


def refusal(data: bytes) -> InputError:
    with pytest.raises(InputError) as caught:
        x509.parse_certificates(data, "roots.pem")
    assert caught.value.code == "FORMAT"
    assert "roots.pem" in caught.value.what
    assert caught.value.why
    assert "\n" not in caught.value.what + caught.value.why
    return caught.value


class TestWhatIsAccepted:
    @pytest.mark.parametrize(
        "data",
        [
            TWO,
            TWO.replace(b"\n", b"\r\n"),
            TWO.replace(b"\n", b"\r"),
            TWO.rstrip(b"\n"),
            TWO.replace(b"-----\n-----", b"----------"),
            b"\xef\xbb\xbf" + TWO,
            pem.armour(CA1).encode() + b"\xef\xbb\xbf" + pem.armour(CA3).encode(),
            b"  " + TWO.replace(b"\n", b"\n  "),
            b"# Amazon Root CA 1\n# =====\n\n" + TWO + b"\n# end\n",
            b"Certificate:\n    Data:\n        Version: 3 (0x2)\n  06:6c:9f:cf:99\n" + TWO,
            b" 0 s:CN=x\n---\nServer certificate\n" + TWO + b"---\n",
            "# Autorité de certification — façade\n".encode() + TWO,
            "# Autorit\xe9\n".encode("latin-1") + TWO,
        ],
        ids=[
            "plain",
            "crlf",
            "cr",
            "no final newline",
            "joined without newline",
            "bom",
            "bom in the middle",
            "indented",
            "comments",
            "openssl -text",
            "s_client",
            "utf-8 comment",
            "latin-1 comment",
        ],
    )
    def test_both_certificates_are_found(self, data: bytes) -> None:
        assert [item.der for item in x509.parse_certificates(data, "roots.pem")] == [CA1, CA3]

    def test_a_der_file_holds_one(self) -> None:
        assert [item.der for item in x509.parse_certificates(CA3, "ca3.der")] == [CA3]

    def test_armour_reads_back(self) -> None:
        text = pem.armour(CA1)
        assert max(map(len, text.splitlines())) == 64
        assert pem.blocks(text.encode(), "it") == [CA1]


def _private_keys() -> dict[str, bytes]:
    return {
        f"{encoding} {form}".replace("Encoding.", ""): SECRET.private_bytes(
            encoding, form, NoEncryption()
        )
        for encoding in (Encoding.PEM, Encoding.DER)
        for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL)
    }


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("data", "expected"),
        [
            (b"", "no certificate in it"),
            (b"just some notes\n", "no certificate in it"),
            (TWO.decode().encode("utf-16"), "UTF-16"),
            (TWO.decode().encode("utf-16-le"), "UTF-16"),
            (TWO.decode().encode("utf-16-be"), "UTF-16"),
            (b"\xfe\xed\xfe\xed\0\0\0\2", "Java key store"),
            (b"PK\x03\x04", "ZIP"),
            (b"RLT1", "rootlet bundle"),
            (b"x" * (pem.MAX_FILE + 1), "too large"),
            (b"\x30\x84" + b"x" * (pem.MAX_FILE + 1), "too large"),
            (b"\x7fELF\x02\x01\x01\0", "binary data before block 1"),
        ],
        ids=[
            "empty",
            "text",
            "utf-16",
            "utf-16 little endian",
            "utf-16 big endian",
            "jks",
            "zip",
            "bundle",
            "large text",
            "large der",
            "program",
        ],
    )
    def test_files_of_another_kind(self, data: bytes, expected: str) -> None:
        assert expected in refusal(data).what

    @pytest.mark.parametrize("data", _private_keys().values(), ids=_private_keys())
    def test_private_keys_are_named_and_never_quoted(self, data: bytes) -> None:
        error = refusal(data)
        assert "a private key" in error.what
        secret = SECRET.private_numbers().private_value.to_bytes(32, "big")
        for form in secret.hex(), base64.b64encode(data).decode(), data.decode("latin-1")[40:60]:
            assert form not in error.what + error.why + error.hint

    def test_a_private_key_after_a_certificate_is_block_2(self) -> None:
        data = pem.armour(CA1).encode() + _private_keys()["PEM PrivateFormat.PKCS8"]
        assert "roots.pem, block 2: a private key" in refusal(data).what

    @pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
    def test_certificate_requests(self, encoding: Encoding) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = cx.CertificateSigningRequestBuilder().subject_name(cx.Name([]))
        request = builder.sign(key, hashes.SHA256())
        assert "a certificate request" in refusal(request.public_bytes(encoding)).what

    def test_a_broken_certificate_request(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        request = cx.CertificateSigningRequestBuilder().subject_name(cx.Name([]))
        der = request.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
        changed = der.replace(b"\2\1\0", b"\2\1\7", 1)
        assert changed != der
        assert "not a certificate that can be read" in refusal(changed).what

    @pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
    def test_pkcs7_containers(self, encoding: Encoding) -> None:
        certificates = [cx.load_der_x509_certificate(CA3)]
        assert "PKCS#7" in refusal(pkcs7.serialize_certificates(certificates, encoding)).what

    def test_pkcs12_key_stores(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        secret = BestAvailableEncryption(b"secret")
        store = pkcs12.serialize_key_and_certificates(b"x", key, None, None, secret)
        assert "PKCS#12" in refusal(store).what

    @pytest.mark.parametrize(
        "label", ["TRUSTED CERTIFICATE", "X509 CERTIFICATE", "X509 CRL", "PUBLIC KEY", "NEWS"]
    )
    def test_blocks_with_another_label(self, label: str) -> None:
        data = TWO + pem.armour(CA4).replace("CERTIFICATE", label).encode()
        error = refusal(data)
        assert "block 3" in error.what
        assert label in error.why

    def test_a_duplicate_names_both_blocks(self) -> None:
        assert (
            "block 3: the same certificate as block 1"
            in refusal(TWO + pem.armour(CA1).encode()).what
        )

    def test_two_der_certificates_in_one_file(self) -> None:
        assert f"{len(CA3)} bytes after the end" in refusal(CA1 + CA3).what

    def test_pem_after_der(self) -> None:
        assert "PEM text follows" in refusal(CA1 + TWO).why

    def test_der_after_pem(self) -> None:
        assert "binary data before block 3" in refusal(TWO + CA4).what

    def test_der_between_pem(self) -> None:
        data = pem.armour(CA1).encode() + CA4 + pem.armour(CA3).encode()
        assert "binary data before block 2" in refusal(data).what

    def test_trailing_bytes_inside_a_block(self) -> None:
        data = pem.armour(CA1) + pem.armour(CA3 + b"\0\0")
        assert "block 2: 2 bytes after the end" in refusal(data.encode()).what

    def test_a_header_inside_a_block(self) -> None:
        data = TWO.replace(b"CERTIFICATE-----\n", b"CERTIFICATE-----\nProc-Type: 4\n\n", 1)
        assert "block 1: not base64" in refusal(data).what

    def test_a_commented_out_block(self) -> None:
        data = TWO + b"# " + pem.armour(CA4).replace("\n", "\n# ").encode()
        assert "block 3" in refusal(data).what

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"-----END CERTIFICATE-----\n", b""),
            (b"-----BEGIN CERTIFICATE-----\n", b""),
            (b"-----END CERTIFICATE-----\n", b"-----END CERTIFICATE----\n"),
            (b"-----BEGIN CERTIFICATE-----\n", b"-----BEGIN CERTIFICATE----\n"),
            (b"-----BEGIN CERTIFICATE-----\n", b"-----begin certificate-----\n"),
            (b"-----BEGIN CERTIFICATE-----\n", b"----- BEGIN CERTIFICATE -----\n"),
            (b"-----", "—".encode()),
        ],
        ids=["no end", "no begin", "short end", "short begin", "lower case", "blanks", "dashes"],
    )
    @pytest.mark.parametrize("which", [1, 2])
    def test_a_damaged_marker_never_hides_a_certificate(
        self, old: bytes, new: bytes, which: int
    ) -> None:
        parts = [pem.armour(CA1).encode(), pem.armour(CA3).encode(), pem.armour(CA4).encode()]
        parts[which] = parts[which].replace(old, new)
        refusal(b"".join(parts))

    def test_base64_that_lost_both_markers(self) -> None:
        bare = b"".join(pem.armour(CA4).encode().splitlines(keepends=True)[1:-1])
        assert "a damaged marker before block 3" in refusal(TWO + bare).what

    def test_every_truncation_is_refused(self) -> None:
        """But for the cut between two blocks, which leaves a whole file of one certificate."""
        one = len(pem.armour(CA1))
        whole = {len(TWO) - 1, one, one - 1}  # a final newline more or less
        for size in {*range(0, len(TWO), 7), *range(one - 30, one + 30)} - whole:
            refusal(TWO[:size])

    @pytest.mark.parametrize("size", range(0, len(CA3), 13))
    def test_every_truncated_der_is_refused(self, size: int) -> None:
        error = refusal(CA3[:size])
        if size >= 4:  # the length of the whole is known
            assert error.what == "roots.pem: the certificate is cut off"
            assert error.why == f"it says {len(CA3)} bytes; {size} are there"

    def test_an_end_line_of_another_label(self) -> None:
        data = TWO.replace(b"END CERTIFICATE", b"END PUBLIC KEY", 1)
        assert refusal(data).what == "roots.pem: an END line without its BEGIN line"

    def test_an_end_line_alone(self) -> None:
        error = refusal(TWO + b"-----END CERTIFICATE-----\n")
        assert error.what == "roots.pem: an END line without its BEGIN line"
        assert "after block 2" in error.why

    def test_an_empty_sequence(self) -> None:
        assert "not a certificate" in refusal(b"\x30\x80\0\0").what
        assert "not a certificate" in refusal(pem.armour(b"\x30\x00").encode()).what

    @settings(deadline=None)
    @given(st.binary(max_size=200))
    def test_noise_is_refused_and_never_crashes(self, noise: bytes) -> None:
        refusal(noise)
        refusal(b"\x30\x82" + len(noise).to_bytes(2, "big") + noise)
        refusal(pem.armour(b"\x30\x81" + bytes([len(noise)]) + noise).encode())

    def test_a_changed_bit_makes_another_certificate_or_none(self) -> None:
        root = x509.parse_der(CA3, "ca3")
        for position in range(len(CA3)):
            changed = bytearray(CA3)
            changed[position] ^= 1 << position % 8
            try:
                (found,) = x509.parse_certificates(bytes(changed), "it")
            except InputError:
                continue
            assert found.der == bytes(changed)
            assert not x509.check_signed_by(found, root), position

    @pytest.mark.parametrize(
        "filling",
        ["\n", " ", "\t\n", "-", "--\n", "-----BEGIN ", "-----END\n", "END \n", "MI", "MIIA\n"],
    )
    def test_a_hostile_file_costs_no_more_than_its_size(self, filling: str) -> None:
        start = time.process_time()
        refusal((filling * pem.MAX_FILE)[: pem.MAX_FILE].encode())
        assert time.process_time() - start < 5

    def test_a_version_that_does_not_exist(self) -> None:
        assert "version" in refusal(CA3.replace(b"\xa0\3\2\1\2", b"\xa0\3\2\1\3")).why

    def test_an_extension_that_appears_twice(self) -> None:
        """subjectKeyIdentifier (2.5.29.14) is renamed to keyUsage (2.5.29.15), which is there."""
        assert "uplicate" in refusal(CA3.replace(b"\x55\x1d\x0e", b"\x55\x1d\x0f")).why
