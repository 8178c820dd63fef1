"""UF2 files, and the drive that a board in its boot mode shows.

A file is 512-byte blocks, numbered from 0, each with magic words, a target address, up to 476
bytes and the family of chips it is for (https://github.com/microsoft/uf2, README). The drive
holds ``INFO_UF2.TXT`` with a line ``Board-ID:``.

RP2350 files may begin with one block of the family "absolute", which its boot ROM ignores
(RP2350 datasheet, erratum E10).
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from rootlet.errors import InputError

INFO = "INFO_UF2.TXT"
MAX_BYTES = 1 << 25
_BLOCK = struct.Struct("<8I476sI")
_MAGICS = (0x0A324655, 0x9E5D5157, 0x0AB16F30)
_HAS_FAMILY = 0x2000
_ABSOLUTE = 0xE48BFF57
#: family -> (chip, Board-ID of its boot drive): microsoft/uf2 utils/uf2families.json, and the
#: boot ROM chapters of the RP2040 and RP2350 datasheets
_FAMILIES = {0xE48BFF56: ("RP2040", "RPI-RP2"), 0xE48BFF59: ("RP2350", "RP2350")}


class Uf2(NamedTuple):
    """A checked file: the chip it is for, and the Board-ID that its boot drive names."""

    data: bytes
    chip: str
    board_id: str


def read(data: bytes, where: str) -> Uf2:
    """Check a UF2 file. Raises InputError that names ``where``."""
    if not data or len(data) % _BLOCK.size:
        raise _bad(where, "its length is not a whole number of 512-byte blocks")
    families, expected = set(), 0
    for at in range(0, len(data), _BLOCK.size):
        first, second, flags, _, size, number, count, family, _, last = _BLOCK.unpack_from(
            data, at
        )
        if (first, second, last) != _MAGICS or size > 476:
            raise _bad(where, f"block {at // _BLOCK.size} is not a UF2 block")
        if flags & _HAS_FAMILY and family != _ABSOLUTE:
            families.add(family)
            if number != expected or count <= number:
                raise _bad(where, f"block {expected} is missing")
            expected += 1
            whole = expected == count
    if len(families) != 1 or not families <= _FAMILIES.keys():
        raise _bad(where, "it is not for one of: " + ", ".join(c for c, _ in _FAMILIES.values()))
    if not whole:
        raise _bad(where, "its end is missing")
    return Uf2(data, *_FAMILIES[families.pop()])


def board_id(info: str) -> str:
    """Return the Board-ID that an ``INFO_UF2.TXT`` names, or nothing."""
    found = re.search(r"^Board-ID: *([\w.-]{1,40})", info, re.MULTILINE)
    return found[1] if found else ""


def _bad(where: str, why: str) -> InputError:
    return InputError(
        f"{where}: not a UF2 firmware",
        why=why,
        hint="download the .uf2 of your board: https://micropython.org/download/",
        code="FORMAT",
    )
