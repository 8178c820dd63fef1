"""Writing bundles: one encoding per set, and limits."""

import hashlib
from typing import Any

import pytest

from rootlet import anchor, bundle, catalog
from rootlet.errors import InputError

CREATED = 1_790_000_000


def anchors(*ids, form="tiny"):
    found = [catalog.load().get(one) for one in ids]
    return [
        bundle.Anchor(anchor.package(one.der, form, one.name), bytes.fromhex(one.sha256))
        for one in found
    ]


def encode(made, **changes):
    values: dict[str, Any] = {"target": "pumps", "profile": 3, "created": CREATED} | changes
    return bundle.encode(made, **values)


def test_the_same_set_has_one_encoding_whatever_the_order():
    made = anchors("amazon-root-ca-1", "amazon-root-ca-3", "starfield-g2")
    assert encode(made) == encode(made[::-1])


def test_what_is_written_is_what_is_read():
    data = encode(anchors("amazon-root-ca-3"), profile=1, not_after=CREATED + 1)
    found = bundle.decode(data, "it")
    assert (found.target, found.profile, found.flags) == ("pumps", 1, 0)
    assert (found.created, found.not_after) == (CREATED, CREATED + 1)
    assert (found.key_set, found.sequence, found.signatures) == (0, 0, 0)
    original = catalog.load().get("amazon-root-ca-3").der
    assert found.original(0) == hashlib.sha256(original).digest()


@pytest.mark.parametrize(
    ("ids", "size"),
    [
        (("amazon-root-ca-3",), 232),
        (("amazon-root-ca-1",), 443),
        (("amazon-root-ca-1", "amazon-root-ca-3", "starfield-g2"), 1214),
    ],
)
def test_packaging_costs_35_bytes_an_anchor_and_24_and_the_target(ids, size):
    assert len(encode(anchors(*ids))) == 24 + len("pumps") + 35 * len(ids) + size


@pytest.mark.parametrize("target", ["", "x" * 33, "Pumps", "a b", "ü"])
def test_a_target_that_no_device_would_take_is_refused(target):
    with pytest.raises(InputError, match="is not a fleet name"):
        encode(anchors("amazon-root-ca-3"), target=target)


@pytest.mark.parametrize(
    ("created", "not_after"), [(0, 0), (-1, 0), (1 << 32, 0), (CREATED, -1), (CREATED, 1 << 32)]
)
def test_a_time_that_does_not_fit_is_refused(created, not_after):
    with pytest.raises(InputError, match="1970 to 2106"):
        encode(anchors("amazon-root-ca-3"), created=created, not_after=not_after)


def test_the_last_second_and_the_last_number_that_fit_are_taken():
    made = anchors("amazon-root-ca-3")
    last = (1 << 32) - 1
    found = bundle.decode(encode(made, created=last - 1, not_after=last), "it")
    assert (found.created, found.not_after) == (last - 1, last)
    assert bundle.decode(encode(made, created=last), "it").created == last
    assert encode(made, signing=bundle.Signing(1, last))


@pytest.mark.parametrize("not_after", [1, CREATED - 1, CREATED])
def test_a_bundle_that_is_over_before_it_begins_is_refused(not_after):
    with pytest.raises(InputError, match="over before it was created"):
        encode(anchors("amazon-root-ca-3"), not_after=not_after)


def test_over_one_flash_block_is_refused():
    roots = [one.id for one in catalog.load().anchors]
    with pytest.raises(InputError) as caught:
        encode(anchors(*roots, form="full"))
    assert "byte 4096: longer than" in caught.value.why


def test_the_same_anchor_twice_is_refused():
    with pytest.raises(InputError):
        encode(anchors("amazon-root-ca-3") * 2)
