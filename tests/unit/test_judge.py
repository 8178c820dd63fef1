"""What is found means the same to a reader as to AWS: it breaks, will break, or works until."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

import own_roots
from rootlet import anchor, catalog
from rootlet.judge import BREAKS, FINE, NOTE, WILL_BREAK, Finding, Moment, judge
from rootlet.scan import index
from rootlet.scan.seen import Damaged, Digest, Key, Name, Seen
from rootlet.x509 import Certificate, parse_der

NOW = datetime(2026, 11, 25, tzinfo=UTC)
#: an anchor's id -> what is said of it alone in a file, and beside Amazon Root CA 1
VERDICTS = {
    "amazon-root-ca-1": ("ATS", FINE, FINE, "yes"),
    "amazon-root-ca-2": ("ATS", FINE, FINE, "yes"),
    "amazon-root-ca-3": ("ATS", FINE, FINE, "yes"),
    "amazon-root-ca-4": ("ATS", FINE, FINE, "yes"),
    "starfield-g2": ("ENDING", WILL_BREAK, NOTE, "yes"),
    "starfield-class-2": ("LEGACY", BREAKS, NOTE, "no"),
    "verisign-class3-g5": ("LEGACY", BREAKS, NOTE, "no"),
    "baltimore-cybertrust-root": ("LEGACY", BREAKS, NOTE, "no"),
    "digicert-global-root-ca": ("LEGACY", NOTE, NOTE, "no"),
    "digicert-global-root-g2": ("LEGACY", NOTE, NOTE, "no"),
    "digicert-global-root-g3": ("LEGACY", NOTE, NOTE, "no"),
}


def certificate(name: str) -> Certificate:
    return catalog.load().get(name).certificate


def known(name: str) -> catalog.KnownCertificate:
    return next(one for one in catalog.known() if one.name == name)


def verdicts(*things: object, at: datetime = NOW, days: int = 365) -> list[Finding]:
    seen = [Seen(number, number + 1, "form", one) for number, one in enumerate(things)]  # type: ignore[arg-type]
    return judge(seen, Moment(at, timedelta(days=days)))


def verdict(*things: object, at: datetime = NOW, days: int = 365) -> Finding:
    """Return what is said of the first of them."""
    return verdicts(*things, at=at, days=days)[0]


CA1, CA3 = certificate("amazon-root-ca-1"), certificate("amazon-root-ca-3")


class TestAnchors:
    def test_the_table_is_whole(self):
        assert list(VERDICTS) == [one.id for one in catalog.load().anchors]

    @pytest.mark.parametrize("name", VERDICTS)
    def test_each_alone_and_beside_one_that_works(self, name):
        code, alone, beside, ready = VERDICTS[name]
        found = verdict(certificate(name))
        assert (found.code, found.level, found.ready) == (code, alone, ready)
        # Beside itself a root is not replaced.
        other = CA1 if name != "amazon-root-ca-1" else CA3
        assert verdict(certificate(name), other).level == beside

    @pytest.mark.parametrize("name", VERDICTS)
    def test_a_key_means_what_its_certificate_means(self, name):
        one = certificate(name)
        keyed, whole = verdict(Key(one.spki_sha256)), verdict(one)
        assert keyed == whole

    @pytest.mark.parametrize("form", ["tiny", "strict"])
    def test_a_slim_form_is_known_by_its_key(self, form):
        found = verdict(parse_der(anchor.package(CA3.der, form, ""), ""))
        assert (found.code, found.what) == ("ATS", "Amazon Root CA 3")

    def test_both_end_dates_are_told(self):
        found = verdict(CA1)
        assert found.not_after == datetime(2038, 1, 17, tzinfo=UTC)
        assert str(found.programme_end) == "2030-05-26"

    def test_starfield_alone_wants_a_root_beside_it(self):
        found = verdict(certificate("starfield-g2"), at=datetime(2025, 1, 1, tzinfo=UTC))
        assert (found.code, found.level) == ("ATS", NOTE)
        assert "cross certificate" in found.why


class TestTime:
    @pytest.mark.parametrize(
        ("at", "days", "code", "level"),
        [
            ("2029-05-25", 365, "ATS", FINE),
            ("2029-05-27", 365, "ENDING", WILL_BREAK),
            ("2029-05-25", 366, "ENDING", WILL_BREAK),
            ("2031-01-01", 0, "ENDING", WILL_BREAK),
            ("2038-01-16", 0, "ENDING", WILL_BREAK),
            ("2038-01-18", 0, "ENDED", BREAKS),
        ],
    )
    def test_root_ca_1_over_the_years(self, at, days, code, level):
        found = verdict(CA1, CA3, at=datetime.fromisoformat(at).replace(tzinfo=UTC), days=days)
        assert (found.code, found.level) == (code, level)

    def test_the_words_name_the_date_that_comes_first(self):
        at = datetime(2030, 1, 1, tzinfo=UTC)
        assert "end their trust in it on 2030-05-26" in verdict(CA1, at=at).why
        at = datetime(2031, 1, 1, tzinfo=UTC)
        assert "have ended their trust in it on 2030-05-26" in verdict(CA1, at=at).why
        at = datetime(2039, 1, 1, tzinfo=UTC)
        assert verdict(CA1, at=at).why == "it ended on 2038-01-17"


ISSUING = [one.name for one in catalog.known() if one.role == "intermediate"]


class TestIssuingAndCross:
    @pytest.mark.parametrize("name", ISSUING[::9])
    def test_an_issuing_ca_is_named_and_never_right(self, name):
        found = verdict(Key(known(name).spki_sha256))
        assert (found.code, found.what, found.ready) == ("INTERMEDIATE", name, "no")
        assert found.level in (BREAKS, WILL_BREAK)
        assert verdict(Key(known(name).spki_sha256), CA1).level == NOTE

    def test_one_that_has_ended_breaks_now(self):
        assert verdict(Key(known("amazon-server-ca-2a").spki_sha256)).level == BREAKS

    def test_a_cross_certificate_is_a_note(self):
        cross = Digest(known("amazon-root-ca-1-cross-2015-05-25"), "SHA-256", of_key=False)
        assert verdict(cross).level == WILL_BREAK  # as a pin

    def test_the_european_roots_are_ready(self):
        found = verdict(Key(known("amazon-rsa-2048-eu-root").spki_sha256))
        assert (found.code, found.level) == ("ATS", FINE)


class TestPins:
    @pytest.mark.parametrize(
        ("name", "of_key", "level", "ready"),
        [
            ("amazon-root-ca-1", False, NOTE, "yes"),
            ("amazon-root-ca-1", True, NOTE, "yes"),
            ("amazon-rsa-2048-m01", False, WILL_BREAK, "no"),
            ("amazon-rsa-2048-m01", True, WILL_BREAK, "no"),
            ("verisign-class3-g5", False, BREAKS, "no"),
            ("starfield-class-2", True, BREAKS, "no"),
            ("digicert-global-root-g2", True, NOTE, "no"),
        ],
    )
    def test_each_kind(self, name, of_key, level, ready):
        found = verdict(Digest(known(name), "SHA-256", of_key))
        assert found.code == ("PIN-KEY" if of_key else "PIN-CERT")
        assert (found.level, found.ready) == (level, ready)

    def test_a_hash_beside_the_anchor_that_it_names_is_fine(self):
        assert verdict(Digest(known("amazon-root-ca-1"), "SHA-1", of_key=False), CA1).level == FINE


def leaf_under(issuer: str) -> Certificate:
    """A server certificate that names an issuing CA of Amazon; its signature is nobody's."""
    key = own_roots.key(1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name.from_rfc4514_string("CN=*.iot.eu-west-1.amazonaws.com"))
        .issuer_name(x509.Name.from_rfc4514_string(known(issuer).subject))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=198))
    )
    return parse_der(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER), "")


class TestOthers:
    def test_a_server_certificate_of_amazon_will_break(self):
        found = verdict(leaf_under("amazon-rsa-2048-m01"), CA1)
        assert (found.code, found.level) == ("LEAF", WILL_BREAK)

    def test_the_name_of_a_root_with_another_key_breaks(self, lab_pki):
        found = verdict(
            parse_der(lab_pki.anchor("amazon-root-ca-1").public_bytes(Encoding.DER), "")
        )
        assert (found.code, found.level) == ("LOOKALIKE", BREAKS)
        assert verdict(Key("0" * 64, CA1.subject_der)).code == "LOOKALIKE"

    @pytest.mark.parametrize(
        ("year", "beside", "code", "level"),
        [
            (2040, (), "OTHER", FINE),
            (2027, (), "ENDING", WILL_BREAK),
            (2026, (), "ENDED", BREAKS),
            (2026, (CA1,), "ENDED", NOTE),
        ],
    )
    def test_a_certificate_of_somebody_else(self, year, beside, code, level):
        one = parse_der(own_roots.root("Pumps Root", year=year), "")
        found = verdict(one, *beside)
        assert (found.code, found.level, found.ready) == (code, level, "-")

    def test_damage_and_names_are_notes(self):
        assert verdict(Damaged("x")).level == NOTE
        assert verdict(Name("CERT_NONE")).code == "NOVERIFY"

    def test_a_name_that_cannot_be_read_is_survived(self):
        assert verdict(Key("0" * 64, b"\x30\x05\xff\xff")).code == "OTHER"

    def test_every_known_certificate_has_a_verdict(self):
        for one in index.ranked():
            found = verdict(Key(one.spki_sha256))
            assert found.what
            assert found.why
