"""The verifier models as rules: limits, names, codes, and that no answer is ever unsound."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minted import DOMAIN, HOST, Mint, der
from rootlet import catalog, path
from rootlet.errors import InputError, TrustError
from rootlet.path import described, names

if TYPE_CHECKING:
    from rootlet.lab import Hierarchy

NOW = datetime(2026, 11, 21, tzinfo=UTC)
EVERY_MODEL = pytest.mark.parametrize("stack", path.MODELS)


def issuing(name: str) -> catalog.KnownCertificate:
    return next(one for one in catalog.known() if one.name == name)


def anchor(name: str) -> path.Link:
    return described.link(issuing(name))


def question(count: int, *anchors: str, of: str = "amazon-ecdsa-256-m01") -> path.Question:
    chain = described.longest(issuing(of))[:count]
    return path.Question(tuple(anchor(one) for one in anchors), chain, NOW)


def answer(stack: str, asked: path.Question) -> path.Answer:
    return path.verify(path.MODELS[stack], asked)


@EVERY_MODEL
class TestEveryModel:
    def test_takes_leaf_and_issuing_ca_under_their_root(self, stack: str) -> None:
        found = answer(stack, question(2, "amazon-root-ca-3"))
        assert found.accepted
        assert [link.title for link in found.path[1:]] == [
            "Amazon ECDSA 256 M01",
            "Amazon Root CA 3",
        ]
        assert found.anchor is found.path[-1]

    def test_names_the_root_that_is_missing(self, stack: str) -> None:
        found = answer(stack, question(2, "amazon-root-ca-4"))
        assert found.code == "ROOT"
        assert found.anchor is None
        assert "Amazon Root CA 3" in found.reason

    def test_says_family_where_no_anchor_has_the_key_type(self, stack: str) -> None:
        found = answer(stack, question(2, "amazon-root-ca-1"))
        assert found.code == "FAMILY"
        assert "ECDSA" in found.reason
        assert "Amazon Root CA 3" in found.reason

    def test_says_family_where_the_cipher_profile_does_not_offer_it(self, stack: str) -> None:
        asked = replace(question(2, "amazon-root-ca-3"), families=frozenset({"rsa"}))
        found = answer(stack, asked)
        assert found.code == "FAMILY"
        assert "cipher profile offers RSA" in found.reason

    def test_says_clock_in_the_year_2000(self, stack: str) -> None:
        asked = replace(question(2, "amazon-root-ca-3"), at=datetime(2000, 1, 1, tzinfo=UTC))
        assert answer(stack, asked).code == "CLOCK"

    def test_says_expired_when_the_issuing_ca_has_ended(self, stack: str) -> None:
        asked = replace(question(2, "amazon-root-ca-3"), at=datetime(2031, 1, 1, tzinfo=UTC))
        assert answer(stack, asked).code == "EXPIRED"

    def test_takes_dates_to_the_second(self, stack: str) -> None:
        end = issuing("amazon-ecdsa-256-m01").not_after
        asked = replace(question(2, "amazon-root-ca-3"), at=end)
        assert answer(stack, asked).accepted
        late = replace(asked, at=end + timedelta(seconds=1))
        assert answer(stack, late).code == "EXPIRED"

    def test_can_be_told_to_ignore_dates(self, stack: str) -> None:
        timeless = replace(path.MODELS[stack], checks_dates=False)
        asked = replace(question(2, "amazon-root-ca-3"), at=datetime(2000, 1, 1, tzinfo=UTC))
        assert path.verify(timeless, asked).accepted

    @pytest.mark.parametrize("count", [0, path.MAX_CHAIN + 1])
    def test_looks_at_1_to_16_certificates(self, stack: str, count: int) -> None:
        leaf = described.longest(issuing("amazon-ecdsa-256-m01"))[0]
        asked = path.Question((anchor("amazon-root-ca-3"),), (leaf,) * count, NOW)
        with pytest.raises(InputError, match=f"{count} certificates"):
            answer(stack, asked)

    @pytest.mark.parametrize("count", [0, path.MAX_ANCHORS + 1])
    def test_looks_at_1_to_20_anchors(self, stack: str, count: int) -> None:
        asked = replace(question(2), anchors=(anchor("amazon-root-ca-3"),) * count)
        with pytest.raises(InputError, match=f"{count} anchors"):
            answer(stack, asked)


@pytest.mark.parametrize(
    ("stack", "passing"),
    {"mbedtls": {2, 3, 4}, "openssl": {2, 3, 4}, "openssl-strict": {2, 3, 4}}.items(),
)
def test_path_building_stacks_stop_at_the_own_root(stack: str, passing: set[int]) -> None:
    found = {n for n in (2, 3, 4) if answer(stack, question(n, "amazon-root-ca-3")).accepted}
    assert found == passing


@pytest.mark.parametrize("stack", ["mbedtls", "openssl", "openssl-strict"])
def test_path_building_stacks_name_every_root_that_would_do(stack: str) -> None:
    found = answer(stack, question(3, "amazon-root-ca-4"))
    assert "no anchor is Amazon Root CA 3 or Starfield Services Root" in found.reason


@pytest.mark.parametrize("stack", ["esp-idf", "wolfssl"])
def test_stacks_that_look_at_the_tail_want_its_root_too(stack: str) -> None:
    found = answer(stack, question(3, "amazon-root-ca-3"))
    assert found.code == "CROSS"
    assert "Starfield Services Root Certificate Authority - G2" in found.reason
    assert answer(stack, question(3, "amazon-root-ca-3", "starfield-g2")).accepted


class TestWork:
    def test_a_pair_is_checked_once(self) -> None:
        asked = question(2, "amazon-root-ca-3")
        asked = replace(asked, signatures=path.Signatures(limit=2))
        for stack in ("mbedtls", "openssl", "esp-idf"):
            assert answer(stack, asked).accepted

    def test_there_is_an_end_to_it(self) -> None:
        asked = replace(question(2, "amazon-root-ca-3"), signatures=path.Signatures(limit=1))
        with pytest.raises(TrustError, match="too much work") as caught:
            answer("mbedtls", asked)
        assert caught.value.code == "FORMAT"


def name(*attributes: tuple[str, int, bytes]) -> bytes:
    """Return a Name of (last byte of the 2.5.4 type, string tag, value)."""
    sets = b""
    for kind, tag, value in attributes:
        pair = b"\x06\x03\x55\x04" + bytes.fromhex(kind) + bytes((tag, len(value))) + value
        one = bytes((0x30, len(pair))) + pair
        sets += bytes((0x31, len(one))) + one
    return bytes((0x30, len(sets))) + sets


UTF8, PRINTABLE, IA5, BMP = 0x0C, 0x13, 0x16, 0x1E
PLAIN = name(("03", PRINTABLE, b"Root CA"))


class TestNames:
    @pytest.mark.parametrize(
        ("other", "mbedtls", "openssl"),
        [
            (name(("03", UTF8, b"Root CA")), True, True),
            (name(("03", PRINTABLE, b"ROOT ca")), True, True),
            (name(("03", PRINTABLE, b"Root  CA")), False, True),
            (name(("03", PRINTABLE, b" Root CA ")), False, True),
            (name(("03", IA5, b"Root CA")), False, True),
            (name(("03", BMP, b"Root CA")), False, False),
            (name(("0a", PRINTABLE, b"Root CA")), False, False),
            (name(("03", PRINTABLE, b"Root CB")), False, False),
            (name(("03", PRINTABLE, b"Root CA"), ("0a", PRINTABLE, b"x")), False, False),
            (b"", False, False),
            (PLAIN[:-1], False, False),
            (b"\xff" * 9, False, False),
        ],
    )
    def test_stacks_differ_in_what_they_call_equal(
        self, other: bytes, mbedtls: bool, openssl: bool
    ) -> None:
        assert (names.ignoring_case(PLAIN) == names.ignoring_case(other)) == mbedtls
        assert (names.canonical(PLAIN) == names.canonical(other)) == openssl
        assert names.exact(PLAIN) != names.exact(other)

    @given(st.binary(max_size=40))
    def test_any_bytes_are_compared_and_equal_themselves(self, given_name: bytes) -> None:
        assert names.ignoring_case(given_name) == names.ignoring_case(given_name)
        assert names.canonical(given_name) == names.canonical(given_name)


# A pool of certificates that fit each other in many wrong ways.
POOL = [
    ("p256", 0),
    ("p256", 1),
    ("p256", 2),
    ("p256 under p384", 0),
    ("p256 under p384", 1),
    ("p256 under p384", 2),
    ("p256", 3),
]


@pytest.fixture(scope="module")
def pool(lab_pki: Hierarchy) -> list[path.Link]:
    """Chains of the lab, their roots, and a look-alike's, which fit by name alone."""
    mint = Mint(lab_pki)
    fake = lab_pki.lookalike()
    ders = [der(mint.chain(family)[at]) for family, at in POOL]
    for pki in (lab_pki, fake):
        ders += [der(pki.anchor(one)) for one in ("amazon-root-ca-3", "amazon-root-ca-4")]
        ders.append(der(pki.issuing("Amazon ECDSA 256 M01")))
    return [path.read(one, "pool") for one in ders]


@EVERY_MODEL
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_accepted_is_a_signed_path_to_an_anchor(
    pool: list[path.Link], stack: str, data: st.DataObject
) -> None:
    """Any chain in any order, with any anchors: never an error, never an unsigned step."""
    picks = st.integers(0, len(pool) - 1)
    chain = data.draw(st.lists(picks, min_size=1, max_size=path.MAX_CHAIN))
    anchors = data.draw(st.lists(picks, min_size=1, max_size=4, unique=True))
    asked = path.Question(
        tuple(pool[at] for at in anchors), tuple(pool[at] for at in chain), datetime.now(UTC)
    )
    found = answer(stack, replace(asked, host=HOST))
    if not found.accepted:
        assert found.reason
        return
    assert found.path[0] is asked.leaf
    assert found.anchor in asked.anchors
    for child, parent in zip(found.path, found.path[1:], strict=False):
        assert child.issuer == parent.subject
        assert child.is_signed_by(parent)
    assert f"*.{DOMAIN}" in (asked.leaf.dns or ())
