"""Choosing anchors, form and cipher profile for a board; and what is refused."""

import dataclasses
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from rootlet import board as boards
from rootlet import bundle, catalog
from rootlet.build import Request, build
from rootlet.errors import InputError, TrustError
from rootlet.lab import Hierarchy
from urootlet.format_cpython import ECDSA, RSA

CREATED = 1_790_000_000


def request(board="esp32", keys="both", **changes):
    return Request(boards.load(board), keys, CREATED, **changes)


def root_of(years=(2020, 2040), key=None, **name):
    """Return the DER of a root with this name (``CN="Our Root"``), in UTF-8 but the country."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name.from_rfc4514_string(
        ",".join(f"{kind}={text}" for kind, text in reversed((name or {"CN": "Our Root"}).items()))
    )
    begin, end = (datetime(year, 1, 1, tzinfo=UTC) for year in years)
    return (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1, begin, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def ids(built):
    return [choice.id for choice, _ in built.anchors]


class TestSelection:
    @pytest.mark.parametrize(
        ("keys", "roots", "profile"),
        [
            ("rsa", ["amazon-root-ca-1"], RSA),
            ("ecc", ["amazon-root-ca-3"], ECDSA),
            ("both", ["amazon-root-ca-1", "amazon-root-ca-3"], RSA | ECDSA),
        ],
    )
    def test_keys_name_roots_and_cipher_profile(self, keys, roots, profile):
        built = build(request(keys=keys))
        assert (ids(built), built.profile) == (roots, profile)
        assert bundle.decode(built.data, "it").profile == profile

    def test_with_adds_any_catalogued_anchor_once(self):
        built = build(request(keys="ecc", extra_ids=("amazon-root-ca-4", "amazon-root-ca-3")))
        assert ids(built) == ["amazon-root-ca-3", "amazon-root-ca-4"]

    def test_an_unknown_id_names_those_that_come_close(self):
        with pytest.raises(InputError) as caught:
            build(request(extra_ids=("starfeld-g2",)))
        assert "starfield-g2" in f"{caught.value.why} {caught.value.hint}"

    def test_a_file_with_a_catalogued_root_is_that_root(self):
        root = catalog.load().get("starfield-g2")
        built = build(request(keys="ecc", files=(("my.der", root.der),)))
        assert ids(built) == ["amazon-root-ca-3", "starfield-g2"]
        assert not built.warnings

    def test_the_same_root_by_keys_and_by_file_is_refused(self):
        root = catalog.load().get("amazon-root-ca-3")
        with pytest.raises(InputError, match="given twice"):
            build(request(keys="ecc", files=(("my.der", root.der),)))

    def test_a_lookalike_is_named_loudly(self):
        der = Hierarchy.fresh().anchor("amazon-root-ca-3").public_bytes(Encoding.DER)
        built = build(request(keys="none", files=(("evil.der", der),)))
        assert ids(built) == [""]
        (warning,) = built.warnings
        assert "evil.der: NOT AMAZON'S AMAZON ROOT CA 3, ONLY ITS NAME" in warning

    def test_a_lookalike_in_other_letters_is_one_too(self):
        """MbedTLS and OpenSSL compare neither case nor the kind of string."""
        der = root_of(C="us", O="AMAZON", CN="amazon root ca 3")
        built = build(request(keys="none", files=(("evil.der", der),)))
        (warning,) = built.warnings
        assert "evil.der: NOT AMAZON'S AMAZON ROOT CA 3, ONLY ITS NAME" in warning

    @pytest.mark.parametrize(
        ("years", "words"),
        [((2001, 2020), "ended on 2020-01-01"), ((2030, 2040), "begins on 2030-01-01")],
    )
    def test_an_anchor_outside_its_dates_is_named(self, years, words):
        built = build(request(keys="none", files=(("our.der", root_of(years)),)))
        assert any(words in warning for warning in built.warnings)

    def test_roots_of_one_family_with_the_profile_of_both_are_named(self):
        built = build(request(keys="none", extra_ids=("amazon-root-ca-3",)))
        (warning,) = built.warnings
        assert "--profile ecdsa" in warning
        assert not build(
            request(keys="none", profile="ecdsa", extra_ids=("amazon-root-ca-3",))
        ).warnings
        assert not build(request(keys="none", extra_ids=("starfield-g2",))).warnings

    def test_no_anchor_at_all_is_refused(self):
        with pytest.raises(InputError, match="trusts nobody"):
            build(request(keys="none"))

    def test_a_profile_goes_with_no_keys_only(self):
        with pytest.raises(InputError, match="--profile goes with --keys none"):
            build(request(keys="rsa", profile="both"))


class TestTheBoard:
    @pytest.mark.parametrize(
        ("board", "form"), [("esp32", "tiny"), ("pico-w", "tiny"), ("linux-gateway", "strict")]
    )
    def test_implies_the_smallest_form_that_its_stack_takes(self, board, form):
        assert build(request(board)).form == form

    def test_refuses_a_form_that_its_stack_does_not_take(self):
        with pytest.raises(TrustError) as caught:
            build(request("linux-gateway", form="tiny"))
        assert "openssl" in caught.value.why
        assert caught.value.hint == "--form strict"

    def test_takes_a_larger_form_on_request(self):
        built = build(request(keys="ecc", form="full"))
        assert built.anchors[0][1] == 442

    @pytest.mark.parametrize("keys", ["rsa", "ecc"])
    def test_without_a_family_choice_refuses_one_family(self, keys):
        with pytest.raises(TrustError) as caught:
            build(request("virtual", keys))
        assert caught.value.code == "FAMILY"
        assert "--keys both" in caught.value.hint

    def test_takes_one_family_when_the_endpoint_stops_at_tls_1_2(self):
        assert build(request("virtual", "rsa", endpoint_tls12=True)).profile == RSA

    @pytest.mark.parametrize(
        ("section", "fact", "value", "lacks"),
        [
            ("tls", "families", ("rsa",), "ECDSA"),
            ("tls", "curves", ("secp384r1",), "secp256r1"),
        ],
    )
    def test_refuses_a_key_that_its_stack_does_not_do(self, section, fact, value, lacks):
        board = change(boards.load("esp32"), section, fact, value)
        with pytest.raises(TrustError) as caught:
            build(dataclasses.replace(request(keys="ecc"), board=board))
        assert lacks in caught.value.why

    @pytest.mark.parametrize("curve", [ec.SECP521R1(), ec.SECP256K1()])
    def test_refuses_a_curve_that_its_stack_lacks(self, curve):
        der = root_of(key=ec.generate_private_key(curve))
        with pytest.raises(TrustError) as caught:
            build(request(keys="none", files=(("our.der", der),)))
        assert curve.name in caught.value.why

    def test_refuses_what_does_not_fit_its_heap(self):
        board = change(boards.load("esp32"), "memory", "tls_heap_wifi", 20_000)
        with pytest.raises(TrustError, match="does not fit board esp32") as caught:
            build(dataclasses.replace(request(), board=board))
        assert caught.value.code == "HEAP"
        assert "20000" in caught.value.why.replace(",", "")

    def test_refuses_what_does_not_fit_its_flash(self):
        board = change(boards.load("esp32"), "flash", "fs_bytes", 100)
        with pytest.raises(TrustError, match="flash"):
            build(dataclasses.replace(request(), board=board))


def change(board, section, fact, value):
    old = getattr(board, section)
    new = dataclasses.replace(old, **{fact: boards.Fact(value, "this test")})
    return dataclasses.replace(board, **{section: new})


class TestCoverage:
    def covered(self, **options):
        return {row.chain.name: row.covered for row in build(request(**options)).covers}

    def test_rsa_covers_the_rsa_2048_series_and_no_ecdsa(self):
        found = self.covered(keys="rsa")
        assert found["RSA 2048 M01-M06, S00-S25"] == "yes"
        assert found["European Sovereign Cloud, RSA 2048"] == "cross-sign"
        assert {answer for name, answer in found.items() if "ECDSA" in name} == {"no"}

    def test_ecc_does_not_cover_the_p256_cas_of_2026_and_says_what_would(self):
        built = build(request(keys="ecc"))
        row = next(row for row in built.covers if "2026" in row.chain.name)
        assert (row.covered, row.because) == ("no", "add --with amazon-root-ca-4")

    def test_root_ca_4_covers_them(self):
        found = self.covered(keys="ecc", extra_ids=("amazon-root-ca-4",))
        assert found["ECDSA 256 S06-S13 (2026, under the P-384 root)"] == "yes"

    def test_starfield_alone_depends_on_the_cross_sign(self):
        found = self.covered(keys="none", extra_ids=("starfield-g2",))
        assert set(found.values()) == {"cross-sign"}


def test_the_same_request_gives_the_same_bytes():
    assert build(request()).data == build(request()).data
