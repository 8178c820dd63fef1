"""Write the test vectors of docs/format.md: ``make vectors``. The same bytes every time.

``vectors/NAME.rlt`` (bundles) and ``vectors/NAME.rlk`` (key sets), and ``vectors/index.json``:
for each file the code that a reader must refuse it with, or ``""`` where it must be read. They
are for any implementation of the format; signatures are by the test keys in ``keys/``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: E402
from cryptography.hazmat.primitives.hashes import SHA256  # noqa: E402

from rootlet import anchor, bundle, catalog, signing  # noqa: E402
from signature_cases import modulus, octets, private_key  # noqa: E402
from urootlet import keyset  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

CREATED = 1_790_000_000
TARGET = "pumps"
ROOTS = ("amazon-root-ca-1", "amazon-root-ca-3", "starfield-g2")
_HEADER = 6 + len(TARGET)
_BODY = _HEADER + 18
#: Serial number, algorithm, issuer, validity, subject and key, as short as DER takes them.
_FIELDS = bytes.fromhex("020101") + bytes.fromhex("3000") * 5


class Vector(NamedTuple):
    """A file, and the code it must be refused with; empty: it must be read."""

    name: str
    data: bytes
    code: str = "FORMAT"


def vectors() -> Iterator[Vector]:
    """Yield every vector, in a fixed order."""
    for one in _bundles():
        yield one._replace(name=f"{one.name}.rlt")
    for one in _key_sets():
        yield one._replace(name=f"{one.name}.rlk")


def _anchors(*ids: str, form: str = "tiny") -> list[bundle.Anchor]:
    found = [catalog.load().get(one) for one in ids]
    return [
        bundle.Anchor(anchor.package(one.der, form, one.name), bytes.fromhex(one.sha256))
        for one in found
    ]


def _built(*ids: str, form: str = "tiny", profile: int = 3, not_after: int = 0) -> bytes:
    made = _anchors(*ids, form=form)
    return bundle.encode(
        made, target=TARGET, profile=profile, created=CREATED, not_after=not_after
    )


def _signed(message: bytes, *keys: int) -> bytes:
    """Return ``message`` with a signature of each key, in the order of the key ids."""
    records = []
    for number in keys:
        key = private_key(f"key-{number}")
        name = keyset.key_id(octets(modulus(f"key-{number}")))
        records.append(name + key.sign(message, PKCS1v15(), SHA256()))
    return message + b"".join(sorted(records))


def _record(tag: int, value: bytes) -> bytes:
    return bytes((tag,)) + len(value).to_bytes(2, "big") + value


def _bundles() -> Iterator[Vector]:
    good = _built(*ROOTS)
    yield Vector("three-tiny-anchors", good, "")
    yield Vector("one-strict-anchor", _built(ROOTS[1], form="strict", profile=1), "")
    ends = _built(ROOTS[0], form="full", not_after=CREATED + 1)
    yield Vector("one-full-anchor-with-an-end", ends, "")
    numbers = bundle.Signing(1, 1, flags=3, room=2)
    message = bundle.encode(
        _anchors(ROOTS[1]), target=TARGET, profile=1, created=CREATED, signing=numbers
    )
    yield Vector("signed-by-two", _signed(message, 0, 1), "")
    yield Vector("signed-twice-by-one", _signed(message, 0, 0))
    both = _signed(message, 0, 1)
    yield Vector("signed-out-of-order", message + both[-392:] + both[-784:-392])
    yield Vector("half-a-signature", _signed(message, 0)[:-100])
    yield Vector("signed-by-six", _signed(message, 0, 1, 2, 3, 4, 5))
    yield Vector("numbered-but-unsigned", message)
    yield Vector("signed-without-a-number", _signed(good, 0))
    yield from _wrong_headers(good)
    yield from _wrong_records(good)


def _wrong_headers(good: bytes) -> Iterator[Vector]:
    def changed(pos: int, *values: int) -> bytes:
        return good[:pos] + bytes(values) + good[pos + len(values) :]

    yield Vector("empty", b"")
    yield Vector("over-4096-bytes", good + bytes(4097 - len(good)))
    yield Vector("trailing-byte", good + b"\x00")
    yield Vector("cut-by-a-byte", good[:-1])
    yield Vector("wrong-magic", changed(0, 0x50))
    yield Vector("type-0", changed(4, 0))
    yield Vector("type-3", changed(4, 3))
    yield Vector("no-target", changed(5, 0))
    yield Vector("target-of-33", changed(5, 33))
    yield Vector("target-in-capitals", changed(6, 0x41))
    # The characters beside the first and the last letter.
    yield Vector("target-with-a-backtick", changed(6, 0x60))
    yield Vector("target-with-a-brace", changed(6, 0x7B))
    for target in ("a", "az0123456789-_.bcdefghijklmnopqr"):
        made = bytes((len(target),)) + target.encode() + good[_HEADER:]
        yield Vector(f"target-of-{len(target)}", good[:5] + made, "")
    yield Vector("sequence-without-signature", changed(_HEADER + 5, 1))
    yield Vector("key-set-without-signature", changed(_HEADER + 1, 1))
    yield Vector("ends-before-it-begins", changed(_HEADER + 10, 0, 0, 0, 1))
    yield Vector("ends-as-it-begins", changed(_HEADER + 10, *CREATED.to_bytes(4, "big")))
    yield Vector("profile-0", changed(_HEADER + 14, 0))
    yield Vector("profile-4", changed(_HEADER + 14, 4))
    yield Vector("flags-4", changed(_HEADER + 15, 4))
    yield Vector("body-past-the-end", changed(_HEADER + 16, 0xFF, 0xFF))


def _wrong_records(good: bytes) -> Iterator[Vector]:
    def with_body(body: bytes) -> bytes:
        return good[: _BODY - 2] + len(body).to_bytes(2, "big") + body

    size = 3 + int.from_bytes(good[_BODY + 1 : _BODY + 3], "big")
    first, others = good[_BODY : _BODY + size], good[_BODY + size :]
    value = first[3:]
    strict = _built(ROOTS[1], form="strict")[_BODY + 3 :]
    yield Vector("no-anchors", with_body(b""), "NOROOTS")
    yield Vector("only-an-optional-record", with_body(_record(0x80, b"x")), "NOROOTS")
    yield Vector("optional-record", with_body(first + _record(0x80, b"x")), "")
    yield Vector("optional-record-twice", with_body(first + _record(0x80, b"x") * 2))
    yield Vector("anchor-twice", with_body(first * 2))
    yield Vector("anchors-out-of-order", with_body(others + first))
    longest = bytes(4096 - _BODY - size - 3)
    yield Vector("4096-bytes", with_body(first + _record(0x80, longest)), "")
    yield Vector("anchor-after-another-record", with_body(_record(0x80, b"x") + first))
    yield Vector("21-anchors", with_body(_many(21)))
    yield Vector("20-anchors", with_body(_many(20)), "")
    yield Vector("unknown-critical-record", with_body(first + _record(2, b"x")))
    yield Vector("critical-record-127", with_body(first + _record(0x7F, b"x")))
    yield Vector("record-0", with_body(_record(0, b"x") + first))
    yield Vector("record-cut-off", with_body(first + b"\x80"))
    yield Vector("record-past-the-body", with_body(first + b"\x80\x00\x01"))
    yield Vector("anchor-without-der", with_body(_record(1, value[:32])))
    yield Vector("anchor-is-not-der", with_body(_record(1, bytes(40))))
    yield Vector("anchor-with-a-trailing-byte", with_body(_record(1, value + b"\x00")))
    yield Vector("anchor-cut-by-a-byte", with_body(_record(1, value[:-1])))
    not_a_ca = strict.replace(bytes.fromhex("30030101ff"), bytes.fromhex("3003010100"))
    yield Vector("anchor-with-ca-false", with_body(_record(1, not_a_ca)))
    leaf = strict.replace(bytes.fromhex("0603551d13"), bytes.fromhex("0603551d12"))
    yield Vector("anchor-without-basic-constraints", with_body(_record(1, leaf)))
    for name, der, code in _wrong_certificates():
        yield Vector(name, with_body(_record(1, bytes(31) + b"\x01" + der)), code)


def _wrong_certificates() -> Iterator[Vector]:
    """Yield certificates that have every field and nothing in most, each with its code."""

    def certificate(version: int, *tail: bytes) -> bytes:
        begin = bytes((0xA0, 3, 2, 1, version))
        return _sequence(_sequence(begin + _FIELDS + b"".join(tail)))

    def basic(*value: int) -> bytes:
        constraints = (
            bytes.fromhex("0603551d13") + bytes((4, len(value) + 2)) + _sequence(bytes(value))
        )
        return bytes((0xA3, len(constraints) + 4)) + _sequence(_sequence(constraints))

    ca = basic(1, 1, 0xFF)
    yield Vector("anchor-of-version-2", certificate(1), "")
    yield Vector("anchor-of-version-3", certificate(2, ca), "")
    yield Vector("anchor-of-version-3-without-extensions", certificate(2))
    yield Vector("anchor-of-version-4", certificate(3, ca))
    two = bytes.fromhex("a00402020002")
    yield Vector("anchor-with-a-version-of-two-bytes", _sequence(_sequence(two + _FIELDS + ca)))
    unique = bytes.fromhex("81020001"), bytes.fromhex("82020001")
    yield Vector("anchor-with-unique-identifiers", certificate(2, *unique, ca), "")
    yield Vector("anchor-with-a-number-for-ca", certificate(2, basic(2, 1, 0xFF)))


def _many(count: int) -> bytes:
    """Return ``count`` anchors of a certificate that has every field and nothing in most.

    They differ in the hash of their original. What fits a TLS stack is not the reader's business.
    """
    der = _sequence(_sequence(_FIELDS))
    return b"".join(_record(1, bytes(31) + bytes((n,)) + der) for n in range(count))


def _sequence(content: bytes) -> bytes:
    return bytes((0x30, len(content))) + content


def _key_sets() -> Iterator[Vector]:
    moduli = [octets(modulus(f"key-{number}")) for number in range(6)]
    set_of_3 = signing.encode_key_set(TARGET, 1, 2, moduli[:3]).signed
    good = _signed(set_of_3, 0, 1)
    keys = _HEADER + 4

    def changed(pos: int, *values: int) -> bytes:
        return good[:pos] + bytes(values) + good[pos + len(values) :]

    yield Vector("two-of-three", good, "")
    yield Vector("not-signed-yet", set_of_3, "")
    yield Vector("version-0", changed(_HEADER, 0, 0))
    yield Vector("threshold-0", changed(_HEADER + 2, 0))
    yield Vector("threshold-over-the-keys", changed(_HEADER + 2, 4))
    yield Vector("no-keys", changed(_HEADER + 3, 0))
    yield Vector("six-keys", changed(_HEADER + 3, 6))
    yield Vector("keys-cut-off", good[: keys + 3 * 384 - 1])
    yield Vector("trailing-byte", good + b"\x00")
    yield Vector("over-6144-bytes", good + bytes(6145 - len(good)))
    yield Vector("is-a-bundle", _built(ROOTS[1]))
    yield Vector("even-modulus", changed(keys + 383, good[keys + 383] & 0xFE))
    yield Vector("modulus-of-3071-bits", changed(keys, good[keys] & 0x7F))
    one = good[keys : keys + 384]
    yield Vector("key-twice", good[:keys] + one * 2 + good[keys + 768 :])
    two = good[keys + 384 : keys + 768]
    yield Vector("keys-out-of-order", good[:keys] + two + one + good[keys + 768 :])
    yield Vector("signed-twice-by-one", _signed(set_of_3, 0, 0))


def write(folder: Path) -> None:
    """Write all vectors and their index into ``folder``, which holds nothing else."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    made = list(vectors())
    for one in made:
        (folder / one.name).write_bytes(one.data)
    index = {one.name: one.code for one in made}
    (folder / "index.json").write_text(json.dumps(index, indent=1) + "\n")


if __name__ == "__main__":
    write(HERE / "vectors")
