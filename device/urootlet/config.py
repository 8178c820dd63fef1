"""The device's own settings, ``rootlet.json``: where to connect, and by which name.

The name to verify comes from here alone, never from a bundle, a job or the network.
"""

import json

from .compat import const
from .errors import Error

FILE = "rootlet.json"
_MAX_SIZE = const(2048)
_MAX_NAME = const(253)  # RFC 1035 2.3.4, in text form
_MAX_TOPIC = const(256)  # AWS IoT: topic
_MAX_THING = const(128)  # AWS IoT: thing name and client id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Config:
    """Settings of one device.

    ``endpoint`` is the host name to verify and to send as SNI; ``address``, if given, is where
    to connect instead (a gateway, a lab); ``thing`` is also the MQTT client id; ``ntp`` is asked
    for the time when given; ``keepalive`` and ``timeout`` are seconds; ``offers`` is a topic and
    ``recovery`` a list of base URLs where a newer bundle may be found.
    """

    def __init__(self, values: "dict[str, Any]") -> None:
        self.endpoint = _text(values, "endpoint", _MAX_NAME)
        self.thing = _text(values, "thing", _MAX_THING)
        self.address = _text(values, "address", _MAX_NAME, self.endpoint)
        self.offers = _text(values, "offers", _MAX_TOPIC, "")
        self.recovery = _urls(values)
        self.ntp = _text(values, "ntp", _MAX_NAME, "")
        self.port = _number(values, "port", 1, 65535, 8883)
        self.keepalive = _number(values, "keepalive", 30, 1200, 300)
        self.timeout = _number(values, "timeout", 1, 300, 20)
        check_endpoint(self.endpoint)


def check_endpoint(name: str) -> None:
    """Refuse a URL, a name with a port, and the legacy iot:Data name of an AWS endpoint."""
    if "/" in name or ":" in name or " " in name:
        raise Error("DNS", "endpoint is not a bare host name: " + name)
    labels = name.split(".")
    legacy = len(labels) > 3 and labels[1] == "iot" and not labels[0].endswith("-ats")
    if legacy and labels[3].startswith("amazonaws"):
        raise Error("ENDPOINT", name)


def load(path: str) -> Config:
    """Read the settings file at ``path``. Errors: FORMAT, DNS, ENDPOINT."""
    with open(path, "rb") as file:
        raw = file.read(_MAX_SIZE + 1)
    if len(raw) > _MAX_SIZE:
        raise Error("FORMAT", path + " is over 2 KB")
    try:
        values = json.loads(raw)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise Error("FORMAT", path + " is not a JSON object")
    return Config(values)


def _urls(values: "dict[str, Any]") -> "list[str]":
    """Return where a device without working roots looks for a newer bundle, at most 4 URLs."""
    found = values.get("recovery", [])
    if not isinstance(found, list) or len(found) > 4:
        raise Error("FORMAT", "recovery in " + FILE)
    return [_text({"recovery": one}, "recovery", _MAX_NAME) for one in found]


def _text(values: "dict[str, Any]", name: str, limit: int, default: "str | None" = None) -> str:
    value = values.get(name, default)
    if not isinstance(value, str) or len(value) > limit or (value == "" and default is None):
        raise Error("FORMAT", name + " in " + FILE)
    return value


def _number(values: "dict[str, Any]", name: str, low: int, high: int, default: int) -> int:
    value = values.get(name, default)
    if not isinstance(value, int) or not low <= value <= high:
        raise Error("FORMAT", name + " in " + FILE)
    return value
