"""Certificates out of the files that people really have, and back: PEM framing, nothing else.

RFC 7468 lets explanatory text stand between the blocks. That is where certificates get lost
without a word: a damaged marker line turns a block into "text". So whatever stands outside the
blocks is looked at too, and anything that could have been a certificate is an error.

Markers may follow each other on one line, as they do where files without a final newline were
joined with ``cat``.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, NoReturn

from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The largest file that is read at all, in bytes. Mozilla's whole list is about 300 KB.
MAX_FILE = 1024 * 1024

_MARKER = re.compile(r"-----(BEGIN|END) ([^-\r\n]*)-----")
# What a block leaves behind when its marker is damaged.
_DEBRIS = re.compile(
    r"(?i:--\s*(?:begin|end)\b)"  # half a marker
    r"|\b(?:BEGIN|END)\s+CERTIFICATE"  # a marker in typographic dashes
    r"|-(?:B|BE|BEG|BEGI)?\Z"  # a marker that the end of the file cut off
    r"|^[ \t]*MI[E-L][\w+/]{40}",  # base64 that starts like a DER certificate (30 81 or 30 82)
    re.MULTILINE,
)
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1f]")

_NOT_PEM = (
    (b"\xfe\xed\xfe\xed", "a Java key store (JKS)"),
    (b"\xce\xce\xce\xce", "a Java key store (JCEKS)"),
    (b"SQLite format 3", "an NSS certificate database"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"RLT", "a rootlet bundle"),
)
_CONVERT = "convert it to PEM with: openssl x509 -in FILE -out FILE.pem"
_LABELS = {
    "CERTIFICATE REQUEST": ("a certificate request", "give the certificate that the CA issued"),
    "NEW CERTIFICATE REQUEST": ("a certificate request", "give the certificate that it became"),
    "TRUSTED CERTIFICATE": ("an OpenSSL trust entry", _CONVERT),
    "X509 CERTIFICATE": ("a certificate under an old label", _CONVERT),
    "X509 CRL": ("a revocation list", "give CA certificates only"),
    "PKCS7": ("a PKCS#7 container", "openssl pkcs7 -print_certs -in FILE -out FILE.pem"),
    "CMS": ("a CMS container", "openssl pkcs7 -print_certs -in FILE -out FILE.pem"),
    "PUBLIC KEY": ("a bare public key", "give the certificate of that key"),
}


def refuse(what: str, why: str, hint: str = "") -> NoReturn:
    """Raise InputError with code FORMAT."""
    raise InputError(what, why=why, hint=hint, code="FORMAT")


def check_size(data: bytes, where: str) -> None:
    """Refuse more than ``MAX_FILE`` bytes before anything looks at them."""
    if len(data) > MAX_FILE:
        refuse(
            f"{where}: too large for a certificate file",
            f"{len(data)} bytes; the limit is {MAX_FILE}",
            "give the CA certificates alone",
        )


def is_binary(data: bytes) -> bool:
    """Tell DER from text: a SEQUENCE with a long-form length, as every certificate has.

    Or a short one that starts with an INTEGER, as a small private key does.
    """
    return data[:1] == b"\x30" and (data[1:2] >= b"\x80" or data[2:3] == b"\x02")


def blocks(data: bytes, where: str) -> list[bytes]:
    """Return the DER content of each CERTIFICATE block of PEM text, in order.

    ``where`` names the file in errors; blocks are counted from 1. CRLF, a UTF-8 BOM, indented
    lines, comments and ``openssl -text`` dumps are fine. Raises InputError (FORMAT) for
    everything else, also where a lenient reader would find fewer certificates.
    """
    check_size(data, where)
    text = _text(data, where)
    found = [_decode(body, f"{where}, block {n}") for n, body in _bodies(text, where)]
    if not found:
        refuse(
            f"{where}: no certificate in it",
            "there is no -----BEGIN CERTIFICATE----- line",
            "give a PEM or DER file of CA certificates",
        )
    return found


def armour(der: bytes) -> str:
    """Return one PEM block: LF, 64 columns, final newline (RFC 7468 section 2, strict form)."""
    text = base64.b64encode(der).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])


def _text(data: bytes, where: str) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"-\0-" in data:
        refuse(
            f"{where}: UTF-16 text, not PEM",
            "some editors and PowerShell redirections write it",
            "save it again as UTF-8 or ASCII",
        )
    for magic, kind in _NOT_PEM:
        if data.startswith(magic):
            refuse(f"{where}: {kind}", "not a file of certificates", "export it as PEM")
    # Latin-1 never fails, and only ASCII matters here: old lists have names in any encoding.
    return data.removeprefix(b"\xef\xbb\xbf").decode("latin-1")


def _bodies(text: str, where: str) -> Iterator[tuple[int, str]]:
    """Pair the markers, look at what stands between the pairs, yield (number, body)."""
    number, label, start, end = 0, None, 0, 0
    for marker in _MARKER.finditer(text):
        kind, name = marker.groups()
        if kind == "BEGIN":
            number += 1
            if label is not None:
                _unterminated(f"{where}, block {number - 1}")
            _check_label(name, f"{where}, block {number}")
            _check_between(text[end : marker.start()], where, number)
            label, start = name, marker.end()
        else:
            if label != name:
                refuse(
                    f"{where}: an END line without its BEGIN line",
                    f"after block {number}: -----END {name}-----",
                    "the file is damaged; get it again",
                )
            yield number, text[start : marker.start()]
            label, end = None, marker.end()
    if label is not None:
        _unterminated(f"{where}, block {number}")
    _check_between(text[end:], where, number + 1)


def _unterminated(where: str) -> NoReturn:
    refuse(
        f"{where}: the block does not end",
        "its -----END CERTIFICATE----- line is missing or damaged",
        "the file is cut off or damaged; get it again",
    )


def _check_label(label: str, where: str) -> None:
    if label == "CERTIFICATE":
        return
    if label.endswith("PRIVATE KEY"):
        refuse(
            f"{where}: a private key",
            "a trust anchor file holds public certificates only",
            "keep the key where it was and give the CA certificate",
        )
    kind, hint = _LABELS.get(label, (f"{label[:40]!r}", "give CA certificates only"))
    refuse(f"{where}: {kind}, not a certificate", f"its label is {label[:40]!r}", hint)


def _check_between(text: str, where: str, number: int) -> None:
    """Refuse text between blocks that may be a certificate someone wanted read."""
    hint = "repair the file or get it again"
    if _BINARY.search(text):
        refuse(
            f"{where}: binary data before block {number}",
            "PEM text and DER bytes in one file, or a damaged file",
            "keep one form per file",
        )
    if debris := _DEBRIS.search(text):
        piece = debris.group().strip()[:24]
        refuse(f"{where}: a damaged marker before block {number}", f"found {piece!r}", hint)


def _decode(body: str, where: str) -> bytes:
    try:
        return binascii.a2b_base64("".join(body.split()), strict_mode=True)
    except ValueError as error:  # binascii.Error, or a character beyond ASCII
        refuse(f"{where}: not base64", f"{error}", "the block is damaged; get it again")
