"""Bringing up the Wi-Fi station: the one module that knows ``network``.

Loaded only on a board that has ``wifi.json``: ``{"ssid": ..., "password": ...}``, where an empty
password means an open network. The password is never part of an error.

An attempt ends when the station has an address, when the driver says why it has none, or after
15 seconds; then comes a pause, longer each time and never the same on two boards, so that a
fleet whose access point restarts does not come back at once. Once it is up, the driver keeps it
up. What ``status()`` says differs: an ESP32 counts its states from 1000 and passes on the reason
numbers of ESP-IDF below; others have negative numbers or small ones for failures. An ESP32 raises
OSError for the errors of ESP-IDF that it has a name for, RuntimeError for the others.
"""

import json
from os import urandom
from time import sleep

from .errors import Error, const

_TYPING = const(0)
if _TYPING:
    from typing import Any

FILE = "wifi.json"

_SSID = const(32)  # octets: IEEE 802.11-2020 9.4.2.2
_SHORTEST = const(8)  # octets of a passphrase: IEEE 802.11-2020 J.4.1
_LONGEST_WORD = const(63)
_MAX_SIZE = const(1024)  # more than both can take; the rest would not be JSON any more

# Times are tenths of a second.
_ATTEMPT = const(150)  # association and DHCP
_SHORTEST_ATTEMPT = const(10)  # in less no driver has said why, and "no answer" would mislead
_PAUSE = const(10)
_LAST_PAUSE = const(80)
_ESP_HANDSHAKE = const(15)  # ESP-IDF WIFI_REASON_4WAY_HANDSHAKE_TIMEOUT: as a wrong password does
_WORDS = (
    ("WRONG_PASSWORD", "wrong password"),
    ("HANDSHAKE_TIMEOUT", "wrong password"),
    ("NO_AP_FOUND", "no such network"),
    ("CONNECT_FAIL", "refused"),
)


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
    if sizes[1] and not _SHORTEST <= sizes[1] <= _LONGEST_WORD:
        raise Error("FORMAT", "password in " + FILE)
    return ssid, password


def join(folder: str, seconds: int = 30) -> None:
    """Bring the station up, by the file in ``folder``, unless it is; try for up to ``seconds``.

    Errors: FORMAT; NET with what the driver said last.
    """
    with open(folder + FILE, "rb") as file:
        ssid, password = load(file.read(_MAX_SIZE))
    try:
        import network

        station = network.WLAN(network.STA_IF)
        if station.isconnected():
            return
        station.active(True)
    except (ImportError, AttributeError):
        raise Error("NET", "no Wi-Fi in this firmware")
    except (OSError, RuntimeError) as error:  # not enough memory, for one
        raise Error("NET", "Wi-Fi: " + str(error))
    left, pause = seconds * 10, _PAUSE
    while True:
        took, why = _attempt(network, station, ssid, password, min(left, _ATTEMPT))
        if not why:
            _quietly(station.config, reconnects=-1)
            return
        wait = pause // 2 + (urandom(1)[0] * pause >> 9)
        left -= took + wait
        if left < _SHORTEST_ATTEMPT:
            raise Error("NET", "Wi-Fi %s: %s" % (ssid, why))
        sleep(wait / 10)
        pause = min(2 * pause, _LAST_PAUSE)


def _attempt(
    network: "Any", station: "Any", ssid: str, password: str, limit: int
) -> "tuple[int, str]":
    """Try once; return the tenths of a second that it took, and why it failed, or ``""``."""
    # An ESP32 refuses a new attempt while an old one runs.
    _quietly(station.disconnect)
    # It would try for ever and never say why.
    _quietly(station.config, reconnects=0)
    try:
        station.connect(ssid, password or None)
    except (OSError, RuntimeError) as error:
        return 1, str(error)
    for tenth in range(limit):
        if station.isconnected():
            return tenth, ""
        why = _why(network, station.status())
        if why:
            return tenth, why
        sleep(0.1)
    return limit, "no answer"


def _quietly(method: "Any", **options: int) -> None:
    """Call what some ports do not have, or not in every state."""
    try:
        method(**options)
    except (OSError, RuntimeError, TypeError, ValueError):
        return


def _why(network: "Any", status: int) -> str:
    """Return what a status means in words when it means failure, else ``""``."""
    for name, words in _WORDS:
        if status == getattr(network, "STAT_" + name, None):
            return words
    if status < 0 or status < network.STAT_IDLE:
        return "wrong password" if status == _ESP_HANDSHAKE else "status %d" % status
    return ""
