"""The certificates of a PKCS#12 store, as far as the passwords open it that everyone uses."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Larger is no key store.
MAX_STORE = 8 << 20
#: A store of certificates is not kept secret: none, an empty one, and Java's.
PASSWORDS = (None, b"", b"changeit")


def is_pkcs12(head: bytes) -> bool:
    """Whether a file starts as one: SEQUENCE, version 3, SEQUENCE (RFC 7292 section 4)."""
    if head[:1] != b"\x30" or len(head) < 16 or not head[1] & 0x80:
        return False
    start = 2 + (head[1] & 0x7F)
    return head[start : start + 4] == b"\x02\x01\x03\x30"


def read(handle: int) -> Iterator[tuple[str, bytes]]:
    """Yield each certificate under the password that opened the store; runs in the child.

    Raises ValueError when none does.
    """
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - the child's own
        Encoding,
        pkcs12,
    )

    data = os.pread(handle, MAX_STORE, 0)
    for password in PASSWORDS:
        try:
            store = pkcs12.load_pkcs12(data, password)
        except ValueError:
            continue
        word = "no password" if password is None else f"password '{password.decode()}'"
        for one in filter(None, (store.cert, *store.additional_certs)):
            yield word, one.certificate.public_bytes(Encoding.DER)
        return
    raise ValueError("the password is another")
