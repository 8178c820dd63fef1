"""A writer of UF2 files, after the specification and not after our reader."""

from __future__ import annotations


def blocks_of_uf2(data: bytes, address: int, payload: int = 256) -> list[bytes]:
    """Write UF2 after the specification (github.com/microsoft/uf2), not after our reader."""
    pieces = [data[at : at + payload] for at in range(0, len(data), payload)]
    made = []
    for number, piece in enumerate(pieces):
        head = b"UF2\n" + bytes.fromhex("57515d9e") + (0x2000).to_bytes(4, "little")
        for value in (address + number * payload, len(piece), number, len(pieces), 0xE48BFF56):
            head += value.to_bytes(4, "little")
        made.append(head + piece.ljust(476, b"\0") + bytes.fromhex("306fb10a"))
    return made
