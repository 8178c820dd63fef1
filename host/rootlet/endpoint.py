"""Whom to ask, from what people type: HOST, HOST:PORT, [IPv6]:PORT."""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from rootlet.errors import InputError
from rootlet.words import plain

#: What MQTT with a client certificate is called on port 443 (AWS IoT developer guide, protocols).
MQTT_ALPN = "x-amzn-mqtt-ca"
_PORTS = {"smtp": 587, "imap": 143, "": 443}
_MQTT_PORT, _HTTPS_PORT = 8883, 443
# As describe-endpoint gives them, in every partition.
_IOT = re.compile(r"\.iot\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|amazonaws\.eu)$", re.IGNORECASE)
_FORM = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\s\[\]/@]+))(?::(?P<port>\d{1,5}))?"
)
_MAX_NAME = 253  # RFC 1035 section 2.3.4, without the final dot


class Endpoint(NamedTuple):
    """A host and a port; ``str()`` gives the form that people type."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return HOST:PORT."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def protocols(self) -> tuple[str, ...]:
        """The ALPN protocols that this endpoint takes, beside none."""
        is_mqtt_on_https = is_iot(self.host) and self.port == _HTTPS_PORT
        return (MQTT_ALPN,) if is_mqtt_on_https else ()


def is_iot(host: str) -> bool:
    """Whether the name is that of an AWS IoT endpoint."""
    return bool(_IOT.search(host))


def parse(text: str, starttls: str = "") -> Endpoint:
    """Read HOST[:PORT]; without a port it is that of the service. Raises InputError."""
    found = _FORM.fullmatch(text)
    if not found or len(text) > _MAX_NAME + 8:
        _refuse(text)
    host = (found["v6"] or found["host"]).rstrip(".")
    default = _MQTT_PORT if not starttls and is_iot(host) else _PORTS[starttls]
    port = int(found["port"] or default)
    if not host or host.startswith((".", "-")) or not 0 < port < 1 << 16:
        _refuse(text)
    return Endpoint(host, port)


def _refuse(text: str) -> NoReturn:
    raise InputError(
        f"{plain(text[:80])!r} is not HOST[:PORT]",
        why="it takes a bare host name or address, and a port from 1 to 65535",
        hint="rootlet probe a1b2c3-ats.iot.eu-west-1.amazonaws.com:8883",
    )
