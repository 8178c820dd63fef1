"""PEM: the certificates one after another, each under a line that names it (RFC 7468)."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING

from rootlet import pem, x509
from rootlet.export.anchors import Content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rootlet.export.anchors import Anchor

CARRIES_CERTIFICATES = True
LOSES = ""
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----\n.*?-----END CERTIFICATE-----\n", re.DOTALL)


def write(anchors: Sequence[Anchor]) -> bytes:
    """Return ASCII text with LF; explanatory text before a block is RFC 7468 section 2."""
    return "".join(f"# {one.label}\n{pem.armour(one.certificate.der)}" for one in anchors).encode()


def read(data: bytes) -> list[Content]:
    """Read it with Python's own PEM reader."""
    found = [ssl.PEM_cert_to_DER_cert(block) for block in _BLOCK.findall(data.decode("ascii"))]
    parsed = [x509.parse_der(one, "the file") for one in found]
    return [Content(one.subject_der, one.spki_der, one.sha256) for one in parsed]
