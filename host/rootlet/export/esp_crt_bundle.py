"""ESP-IDF's ``x509_crt_bundle``, the layout that 5.4 and later read.

Little-endian: for each anchor the offset of its record from the start of the file (u32), so the
first offset divided by 4 is their number; then for each anchor the length of the name (u16), the
length of the key (u16), the name and the SubjectPublicKeyInfo as DER. Records ascend by name: the
device searches them in halves (espressif/esp-idf v5.5.1, components/mbedtls/esp_crt_bundle).
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
    """Return the bytes that Espressif's generator makes of the same roots."""
    records = [
        struct.pack("<HH", len(name), len(key)) + name + key for name, key in in_order(anchors)
    ]
    offsets, at = [], 4 * len(records)
    for record in records:
        offsets.append(at)
        at += len(record)
    return struct.pack(f"<{len(offsets)}I", *offsets) + b"".join(records)


def read(data: bytes) -> list[Content]:
    """Walk the table as the device does; records must fill the file, one behind the other."""
    if len(data) < 8 or data[0] % 4 or data[1:4] != b"\0\0\0":
        raise ValueError("no table of offsets")
    table = [int.from_bytes(data[at : at + 4], "little") for at in range(0, data[0], 4)]
    found = []
    for start, end in zip(table, [*table[1:], len(data)], strict=True):
        key = start + 4 + int.from_bytes(data[start : start + 2], "little")
        if key + int.from_bytes(data[start + 2 : start + 4], "little") != end:
            raise ValueError(f"the record at byte {start}")
        found.append(Content(data[start + 4 : key], data[key:end], ""))
    return found
