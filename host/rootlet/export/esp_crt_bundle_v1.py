"""ESP-IDF's ``x509_crt_bundle``, the layout that 5.3 and earlier read, and CircuitPython.

Big-endian: the number of anchors (u16); then for each the length of the name (u16), the length of
the key (u16), the name and the SubjectPublicKeyInfo as DER. Records ascend by name
(espressif/esp-idf, release/v5.3, components/mbedtls/esp_crt_bundle/gen_crt_bundle.py).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from rootlet.export.anchors import Content
from rootlet.export.esp_names import in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rootlet.export.anchors import Anchor

CARRIES_CERTIFICATES = False
LOSES = "dates and constraints: an expired anchor still counts"


def write(anchors: Sequence[Anchor]) -> bytes:
    """Return the bytes that Espressif's generator made of the same roots."""
    records = in_order(anchors)
    return struct.pack(">H", len(records)) + b"".join(
        struct.pack(">HH", len(name), len(key)) + name + key for name, key in records
    )


def read(data: bytes) -> list[Content]:
    """Walk the records, which must be as many as the file says and fill it."""
    found, at = [], 2
    while at < len(data):
        name = at + 4
        key = name + int.from_bytes(data[at : at + 2], "big")
        end = key + int.from_bytes(data[at + 2 : name], "big")
        if end > len(data) or end <= name:
            raise ValueError(f"the record at byte {at}")
        found.append(Content(data[name:key], data[key:end], ""))
        at = end
    if len(found) != int.from_bytes(data[:2], "big"):
        raise ValueError("the number of records")
    return found
