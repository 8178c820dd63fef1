"""The device's own settings, ``rootlet.json``: where to connect, and by which name.

The name to verify comes from here alone, never from a bundle, a job or the network.
"""

import json

from .errors import Error, const

FILE = "rootlet.json"

_TYPING = const(0)
if _TYPING:
    from typing import Any


class Config:
    """Settings of one device.

    ``endpoint`` is the host name to verify and to send as SNI; ``address``, if given, is where
    to connect instead (a gateway, a lab); ``thing`` is also the MQTT client id; ``ntp`` is asked
    for the time when given; ``keepalive`` and ``timeout`` are seconds; ``offers`` is a topic and
    ``recovery`` a list of base URLs where a newer bundle may be found.
    """

    def __init__(self, values: "dict[str, Any]") -> None:
        # 253: RFC 1035 2.3.4, in text form; 128 and 256: AWS IoT, thing name and topic.
        self.endpoint: str = _take(values, "endpoint", "", 1, 253)
        self.thing: str = _take(values, "thing", "", 1, 128)
        self.address: str = _take(values, "address", "", 0, 253) or self.endpoint
        self.offers: str = _take(values, "offers", "", 0, 256)
        self.ntp: str = _take(values, "ntp", "", 0, 253)
        self.port: int = _take(values, "port", 8883, 1, 65535)
        self.keepalive: int = _take(values, "keepalive", 300, 30, 1200)
        self.timeout: int = _take(values, "timeout", 20, 1, 300)
        self.recovery: "list[str]" = _take(values, "recovery", [], 0, 4)
        for url in self.recovery:
            _take({"recovery": url}, "recovery", "", 1, 253)
        check_endpoint(self.endpoint)


def _take(values: "dict[str, Any]", name: str, default: "Any", low: int, high: int) -> "Any":
    """Return a value of its default's type, within the limits of its length or of the number."""
    value = values.get(name, default)
    if isinstance(value, type(default)):
        size = value if isinstance(value, int) else len(value)
        if low <= size <= high:
            return value
    raise Error("FORMAT", name + " in " + FILE)


def check_endpoint(name: str) -> None:
    """Refuse a URL, a name with a port, and the legacy iot:Data name of an AWS endpoint."""
    for char in "/: ":
        if char in name:
            raise Error("DNS", name)
    labels = name.split(".")
    legacy = len(labels) > 3 and labels[1] == "iot" and not labels[0].endswith("-ats")
    if legacy and labels[3].startswith("amazonaws"):
        raise Error("ENDPOINT", name)


def load(raw: bytes) -> Config:
    """Read the bytes of the settings file. Errors: FORMAT, DNS, ENDPOINT."""
    try:
        values = json.loads(raw)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise Error("FORMAT", FILE)
    return Config(values)
