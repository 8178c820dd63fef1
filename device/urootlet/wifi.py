"""Bringing up the Wi-Fi station: the one module that knows ``network``.

Loaded only on a board that has ``wifi.json``: ``{"ssid": ..., "password": ...}``, where an empty
password means an open network. The password is never part of an error.
"""

import json

from .errors import Error, const

FILE = "wifi.json"

_SSID = const(32)  # octets: IEEE 802.11-2020 9.4.2.2
_SHORTEST = const(8)  # octets of a passphrase: IEEE 802.11-2020 J.4.1
_LONGEST = const(63)


def load(raw: bytes) -> "tuple[str, str]":
    """Read the bytes of the file; return SSID and password. Errors: FORMAT."""
    try:
        values = json.loads(raw)
        ssid, password = values["ssid"], values["password"]
        sizes = len(ssid.encode()), len(password.encode())
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Error("FORMAT", FILE)
    if not 1 <= sizes[0] <= _SSID:
        raise Error("FORMAT", "ssid in " + FILE)
    if sizes[1] and not _SHORTEST <= sizes[1] <= _LONGEST:
        raise Error("FORMAT", "password in " + FILE)
    return ssid, password
