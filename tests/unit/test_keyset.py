"""Key sets: who may follow whom, and what a device takes under them.

The tables are in ``keyset_cases``; ``tests/device`` walks the same ones on MicroPython.
"""

import hashlib

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keyset_cases import CHAINS, OFFERS, Offer, Set, first, key_modulus, record
from signature_cases import DIGEST, Case, cases, private_key
from urootlet import keyset
from urootlet.bundle import Bundle
from urootlet.errors import Error
from urootlet.format_cpython import MAX_KEY_SET
from urootlet.keyset import KeySet


def answer(function, *arguments) -> str:
    """Return the code of the refusal, or nothing when it is taken."""
    try:
        function(*arguments)
    except Error as error:
        return error.code
    return ""


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_a_chain_of_key_sets(chain: list[Set]):
    current = None
    for one in chain:
        found = KeySet(one.encode())
        check = [current, found] if current else [found]
        assert answer(keyset.check_next if current else keyset.check_self, *check) == one.answer
        current = found


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
def test_a_bundle_under_a_key_set(offer: Offer):
    keys = KeySet(offer.under.encode())
    assert answer(keyset.check_bundle, keys, Bundle(offer.encode())) == offer.answer


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.name)
def test_a_signature(case: Case):
    assert keyset.verify(case.modulus, case.signature, case.digest) is case.good


@pytest.mark.parametrize(
    ("modulus", "fits"),
    [
        (b"\xff" * 384, True),
        (b"\x80" + bytes(382) + b"\x01", True),
        (b"\xff" * 383, False),
        (b"\xff" * 385, False),
        (b"\x7f" + b"\xff" * 383, False),
        (b"\xff" * 383 + b"\xfe", False),
        (b"", False),
    ],
    ids=["ones", "the smallest", "too short", "too long", "3071 bits", "even", "nothing"],
)
def test_a_modulus_is_an_odd_number_of_exactly_3072_bits(modulus: bytes, fits: bool):
    assert keyset.is_modulus(modulus) is fits


def test_each_byte_before_the_first_signature_is_signed():
    good = first(1, 0).encode()
    end = KeySet(good).signed_end
    for position in range(end):
        spoilt = bytearray(good)
        spoilt[position] ^= 1
        assert keyset.signers(bytes(spoilt), end, [memoryview(key_modulus(0))]) == 0


def test_the_same_signature_twice_counts_once_even_past_the_parser():
    signed = b"RLT1"
    twice = signed + record(0, signed) * 2
    assert keyset.signers(twice, len(signed), [memoryview(key_modulus(0))]) == 1


def test_the_key_id_is_that_of_the_public_key_info():
    for number in range(3):
        public = private_key(f"key-{number}").public_key()
        spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert keyset.key_id(key_modulus(number)) == hashlib.sha256(spki).digest()[:8]


def test_a_key_set_of_five_keys_and_ten_signatures_is_within_the_limit():
    (_, largest, _) = CHAINS["3-of-5: all keys rotated, all ten sign"]
    assert 5800 < len(largest.encode()) <= MAX_KEY_SET


def test_a_verification_takes_views_as_well_as_bytes():
    right = record(0, b"RLT1")[8:]
    assert keyset.verify(memoryview(key_modulus(0)), memoryview(right), DIGEST)
