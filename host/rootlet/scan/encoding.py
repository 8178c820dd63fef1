"""Elements out of bytes that may be anything: None where there is none, never an exception."""

from __future__ import annotations

import binascii
import hashlib
import warnings
from typing import TYPE_CHECKING

from rootlet import x509
from rootlet.errors import InputError

if TYPE_CHECKING:
    from rootlet.scan.source import Source

#: No certificate of a CA or device is longer; the largest known one has 1 911 bytes.
MAX_CERTIFICATE = 16 * 1024


def element(data: bytes, at: int = 0) -> tuple[int, int] | None:
    """Return where the content of a DER element starts and ends; the end is inside ``data``."""
    header = data[at : at + 6]
    if len(header) < 2:
        return None
    length, content = header[1], at + 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 3 or len(header) < 2 + count:
            return None
        length, content = int.from_bytes(header[2 : 2 + count], "big"), content + count
    return (content, content + length) if content + length <= len(data) else None


def sha256(data: bytes) -> str:
    """Return SHA-256 as lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def certificate(source: Source, at: int) -> x509.Certificate | None:
    """Return the certificate that starts at ``at``, if one does."""
    head = source.read(at, 4)
    if len(head) < 4 or head[0] != 0x30 or head[1] not in (0x81, 0x82):
        return None
    size = head[2] + 3 if head[1] == 0x81 else int.from_bytes(head[2:4], "big") + 4
    if size > MAX_CERTIFICATE:
        return None
    return parsed(source.read(at, size))


def parsed(der: bytes) -> x509.Certificate | None:
    """Return the certificate that ``der`` starts with, if it can be read."""
    span = element(der)
    if span is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's certificates, as they are
            return x509.parse_der(der[: span[1]], "")
    except InputError:
        return None


def base64_content(text: bytes) -> bytes:
    """Decode whole groups of four digits; b"" for what is not base64."""
    digits = text[: len(text) // 4 * 4]
    try:
        return binascii.a2b_base64(digits)
    except ValueError:
        return b""
