"""A C header: an array and its length for each certificate, as mbedTLS and wolfSSL load them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rootlet import x509
from rootlet.export import c_text
from rootlet.export.anchors import Content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rootlet.export.anchors import Anchor

CARRIES_CERTIFICATES = True
LOSES = ""
_LENGTH = re.compile(r"\bunsigned int (\w+)_len = (\d+);")


def write(anchors: Sequence[Anchor]) -> bytes:
    """Return ASCII text for C99 and C++."""
    parts = [_one(one) for one in anchors]
    guard = "ROOTLET_ANCHORS_H"
    text = "\n".join([f"#ifndef {guard}\n#define {guard}\n", *parts, f"#endif /* {guard} */\n"])
    return text.encode()


def _one(anchor: Anchor) -> str:
    name = f"rootlet_{c_text.identifier(anchor.label)}"
    der = anchor.certificate.der
    return (
        f"/* {anchor.label}: SHA-256 of the original {anchor.original} */\n"
        f"{c_text.array(name, der)}static const unsigned int {name}_len = {len(der)};\n"
    )


def read(data: bytes) -> list[Content]:
    """Read the arrays, each of the length that stands beside it."""
    text = c_text.code(data)
    arrays = c_text.arrays(text)
    lengths = {name: int(length) for name, length in _LENGTH.findall(text)}
    if lengths != {name: len(der) for name, der in arrays.items()}:
        raise ValueError("an array and its length differ")
    parsed = [x509.parse_der(der, name) for name, der in arrays.items()]
    return [Content(one.subject_der, one.spki_der, one.sha256) for one in parsed]
