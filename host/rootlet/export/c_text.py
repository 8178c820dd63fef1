"""Byte arrays as C text, and out of it again."""

from __future__ import annotations

import re

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_ARRAY = re.compile(r"\bunsigned char (\w+)\[\] = \{([^{}]*)\};")
_BYTE = re.compile(r"0x[0-9a-f]{2}")
_PER_LINE = 12


def identifier(label: str) -> str:
    """Return a label as the end of a C identifier: ``amazon_root_ca_1``."""
    return re.sub(r"[^a-z0-9]", "_", label)


def array(name: str, data: bytes) -> str:
    """Return the definition of a constant array."""
    lines = [
        "  " + ", ".join(f"0x{byte:02x}" for byte in data[at : at + _PER_LINE])
        for at in range(0, len(data), _PER_LINE)
    ]
    return f"static const unsigned char {name}[] = {{\n" + ",\n".join(lines) + "\n};\n"


def code(data: bytes) -> str:
    """Return the text without comments. Raises ValueError when it is not ASCII."""
    return _COMMENT.sub(" ", data.decode("ascii"))


def arrays(text: str) -> dict[str, bytes]:
    """Return every array by its name. Raises ValueError for a name or an element out of place."""
    found: dict[str, bytes] = {}
    for name, body in _ARRAY.findall(text):
        elements = [element.strip() for element in body.split(",")]
        if name in found or not all(_BYTE.fullmatch(element) for element in elements):
            raise ValueError(f"the array {name}")
        found[name] = bytes(int(element, 16) for element in elements)
    return found
