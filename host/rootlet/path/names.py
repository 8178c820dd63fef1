"""How TLS stacks compare names: of certificates with each other, and of a host with the leaf."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

from urootlet.der import element
from urootlet.errors import Error

if TYPE_CHECKING:
    from rootlet.path.link import Link

_SEQUENCE = 0x30
_SET = 0x31
# UTF8String, PrintableString; then also T61String, IA5String, VisibleString.
_MBEDTLS_TEXT = {0x0C, 0x13}
_OPENSSL_TEXT = {0x0C, 0x13, 0x14, 0x16, 0x1A}

Folded = bytes | tuple[tuple[bytes, int, bytes], ...]


def exact(name: bytes) -> Folded:
    """Compare byte by byte: esp_crt_bundle.c (memcmp), wolfSSL (a hash of the encoding)."""
    return name


@lru_cache(maxsize=256)
def ignoring_case(name: bytes) -> Folded:
    """Compare as mbedTLS 3.6 ``x509_name_cmp``: ASCII case, UTF8String as PrintableString."""
    return _fold(name, _MBEDTLS_TEXT, bytes.lower)


@lru_cache(maxsize=256)
def canonical(name: bytes) -> Folded:
    """Compare as OpenSSL ``X509_NAME_cmp``: case, kinds of text and runs of blanks are alike."""
    return _fold(name, _OPENSSL_TEXT, lambda value: b" ".join(value.lower().split()))


def _fold(name: bytes, text: set[int], fold: object) -> Folded:
    """Return (attribute type, tag or 0, value) for each attribute; the bytes if it is no Name."""
    try:
        return tuple(
            (oid, 0, fold(value)) if tag in text else (oid, tag, value)  # type: ignore[operator]
            for oid, tag, value in _attributes(name)
        )
    except Error:
        return name


def _attributes(name: bytes) -> list[tuple[bytes, int, bytes]]:
    """Walk a Name: SEQUENCE OF SET OF SEQUENCE of type and value (RFC 5280 4.1.2.4)."""
    found = []
    for start, stop in _inside(name, 0, len(name)):
        for first, last in _inside(name, start, stop):
            for pos, end in _inside(name, first, last):
                _, oid, after = element(name, pos, end)
                tag, value, done = element(name, after, end)
                found.append((name[oid:after], tag, name[value:done]))
    return found


def _inside(buf: bytes, pos: int, end: int) -> list[tuple[int, int]]:
    """Return the span inside each element of ``buf[pos:end]``."""
    spans = []
    while pos < end:
        _, start, pos = element(buf, pos, end)
        spans.append((start, pos))
    return spans


def matches(leaf: Link, host: str, *, empty_counts: bool, dots: int, parts: bool) -> bool:
    """Whether ``host`` is a name in ``leaf`` (RFC 9525 section 6).

    Without subjectAltName the common name counts; ``empty_counts``: one without a DNS name in it
    is as good as none (OpenSSL, ``do_x509_check``), while mbedTLS then looks no further.
    ``dots``: how many a wildcard needs, 2 in OpenSSL (``valid_star``), else 1; ``parts``: a star
    may stand for a part of the first label, as in wolfSSL (``MatchDomainName``).
    """
    try:
        return str(ipaddress.ip_address(host)) in leaf.addresses
    except ValueError:
        pass
    presented = leaf.dns
    if presented is None or (empty_counts and not presented):
        presented = leaf.common_names
    return any(_is_match(one.lower(), host.lower(), dots, parts=parts) for one in presented)


def _is_match(presented: str, host: str, dots: int, *, parts: bool) -> bool:
    if presented == host:
        return True
    label, dot, rest = host.partition(".")
    pattern, _, domain = presented.partition(".")
    before, star, after = pattern.partition("*")
    fits = parts or pattern == "*"
    fits = fits and label.removeprefix(before).removesuffix(after) != "" and bool(dot and star)
    ends = label.startswith(before) and label.endswith(after)
    return fits and ends and domain == rest and presented.count(".") >= dots
