"""A Python module for MicroPython: freeze it, compile it with mpy-cross, or copy it to a board."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from rootlet import x509
from rootlet.export.anchors import Content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rootlet.export.anchors import Anchor

CARRIES_CERTIFICATES = True
LOSES = ""
_NAME = "ANCHORS"
_PER_LINE = 20
_HEAD = """\
# Trust anchors as (name, DER). Load them one by one: concatenated, only the first would count.
# for name, der in ANCHORS: context.load_verify_locations(der)
"""


def write(anchors: Sequence[Anchor]) -> bytes:
    """Return ASCII source that binds ``ANCHORS`` to a tuple of ``(name, der)``.

    A tuple of constants stays in flash when the module is frozen into a firmware.
    """
    return f"{_HEAD}{_NAME} = (\n{''.join(map(_one, anchors))})\n".encode()


def _one(anchor: Anchor) -> str:
    der = anchor.certificate.der
    lines = [
        '        b"' + "".join(f"\\x{byte:02x}" for byte in der[at : at + _PER_LINE]) + '"\n'
        for at in range(0, len(der), _PER_LINE)
    ]
    return f'    (\n        "{anchor.label}",\n{"".join(lines)}    ),\n'


def read(data: bytes) -> list[Content]:
    """Read it with Python's own parser; nothing of it is run."""
    match ast.parse(data).body:
        case [ast.Assign(targets=[ast.Name(id=name)], value=value)] if name == _NAME:
            pairs = ast.literal_eval(value)
        case _:
            raise ValueError(f"it is not one assignment to {_NAME}")
    parsed = [x509.parse_der(der, name) for name, der in pairs]
    return [Content(one.subject_der, one.spki_der, one.sha256) for one in parsed]
