"""DER: the bytes of one certificate, and nothing else (X.690, RFC 5280 section 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rootlet import x509
from rootlet.errors import InputError
from rootlet.export.anchors import Content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rootlet.export.anchors import Anchor

CARRIES_CERTIFICATES = True
LOSES = ""


def write(anchors: Sequence[Anchor]) -> bytes:
    """Return the certificate. Raises InputError for several.

    Readers of concatenated DER take the first and drop the rest without a word (measured
    2026-11-21 on mbedTLS 3.6.6).
    """
    if len(anchors) != 1:
        raise InputError(
            f"a DER file holds one certificate, the bundle has {len(anchors)}",
            why="most readers would take the first and say nothing of the others",
            hint="--format pem, or module, holds several",
        )
    return anchors[0].certificate.der


def read(data: bytes) -> list[Content]:
    """Read exactly one certificate."""
    one = x509.parse_der(data, "the file")
    return [Content(one.subject_der, one.spki_der, one.sha256)]
