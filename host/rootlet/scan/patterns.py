"""Everything that is searched for, as one automaton that goes over the bytes once.

Patterns are starts: six or eight bytes of a hash, a key or a marker are rare enough, and each hit
is then compared whole. A certificate's own start is too common for that and is a regular
expression beside it.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from rootlet.scan import index

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ahocorasick_rs import BytesAhoCorasick

    from rootlet.scan.seen import Digest

#: The longest pattern and the most of a certificate's start that a hit needs, in bytes.
REACH = 40
PEM = tuple(b"-----BEGIN %sCERTIFICATE-----" % kind for kind in (b"", b"X509 ", b"TRUSTED "))
#: ``03 02 01`` of ``[0] { INTEGER 2 }``, at byte 9 of a certificate: 12 digits into its base64.
BASE64 = b"AwIB"
#: The algorithm identifiers of RSA and elliptic curve keys, from their OBJECT IDENTIFIER on.
KEY_OIDS = (bytes.fromhex("06092a864886f70d010101"), bytes.fromhex("06072a8648ce3d0201"))
#: The magic of a littlefs superblock, 8 bytes into its block (littlefs SPEC.md).
LITTLEFS = b"littlefs"
#: What compiled code is called: MicroPython's constant, a method of Arduino's WiFiClientSecure.
NAMES = {b"CERT_NONE": "CERT_NONE", b"11setInsecureEv": "setInsecure()"}
#: SEQUENCE, SEQUENCE, then [0] version or a serial number (RFC 5280 4.1): looked at from each 30.
CERTIFICATE = re.compile(
    rb"\x30(?=(?:\x82..|\x81.)\x30(?:\x82..|\x81.)(?:\xa0\x03\x02\x01[\x00-\x02])?\x02)",
    re.DOTALL,
)


class Pattern(NamedTuple):
    """``start`` is searched for; ``kind`` is pem, base64, key, littlefs, name, modulus or pin.

    A ``pin`` is there when all of ``whole`` follows; ``form`` says how it is written. A
    ``modulus`` is the start of the key of ``spki_sha256``, of ``size`` bytes.
    """

    kind: str
    start: bytes
    whole: bytes = b""
    form: str = ""
    digest: Digest | None = None
    spki_sha256: str = ""
    size: int = 0


@cache
def automaton() -> tuple[BytesAhoCorasick, tuple[Pattern, ...]]:
    """Return the automaton, and the pattern of each of its numbers."""
    from ahocorasick_rs import BytesAhoCorasick, Implementation  # noqa: PLC0415 - only here

    patterns = tuple(_patterns())
    starts = [one.start for one in patterns]
    return BytesAhoCorasick(starts, implementation=Implementation.DFA), patterns


def _patterns() -> Iterator[Pattern]:
    yield from (Pattern("pem", marker) for marker in PEM)
    yield Pattern("base64", BASE64)
    yield from (Pattern("key", oid) for oid in KEY_OIDS)
    yield Pattern("littlefs", LITTLEFS)
    yield from (Pattern("name", name, form=text) for name, text in NAMES.items())
    for one in {known.spki_sha256: known for known in index.ranked()}.values():
        size = int(one.key[4:]) // 8 if one.key.startswith("rsa-") else 2 * int(one.key[4:]) // 8
        start = bytes.fromhex(one.key_start)
        yield Pattern("modulus", start, spki_sha256=one.spki_sha256, size=size)
    for value, digest in index.digests().items():
        for form, length, whole in _writings(value):
            yield Pattern("pin", whole[:length], whole, form, digest)


def _writings(value: bytes) -> Iterator[tuple[str, int, bytes]]:
    """Yield how a hash is written, and how much of that to search for."""
    yield "raw bytes", 8, value
    for separator in (b"", b":", b" "):
        for text in (value.hex(), value.hex().upper()):
            pairs = (text[at : at + 2].encode() for at in range(0, len(text), 2))
            yield "hex", 12 + 5 * len(separator), separator.join(pairs)
    digits = base64.b64encode(value).rstrip(b"=")
    for written in {digits, digits.replace(b"+", b"-").replace(b"/", b"_")}:
        yield "base64", 10, written
