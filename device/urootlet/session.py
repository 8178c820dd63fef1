"""One verified connection: bundle -> clock -> TLS context -> MQTT, or an error with a code.

Who a device is, and where it connects, is in the files of its folder: ``cert.der``, ``key.der``,
and its settings, ``rootlet.json``. The name to verify comes from those alone, never from a
bundle, a job or the network.
"""

import gc
import json

from . import clock
from .bundle import Bundle
from .errors import MICROPYTHON, Error, const

_TYPING = const(0)
if _TYPING:
    from typing import Any

if MICROPYTHON and not _TYPING:
    from .mqtt_mpy import dial
    from .tls_mpy import Context
else:
    from .session_cpython import Context, dial, open  # noqa: A004 - tells missing from refused

_SETTINGS = const("rootlet.json")
_MAX_SIZE = const(4096)


def connect(folder: str = "") -> "Any":
    """Connect with the bundle, identity and settings in ``folder`` (a path with its slash).

    Returns a connected client with the methods of ``umqtt.simple.MQTTClient``; its ``session``
    is the TLS context: it tells ``protocol``, ``suite`` and ``anchor`` (SHA-256 of the root).
    Raises :class:`urootlet.errors.Error` and nothing else for what a device can meet, but for a
    MemoryError where nothing is left even to read the files or to explain a failure.
    """
    # With a record, that says which set is in force; also when the flash has lost one of the two.
    if read(folder + "s0", _MAX_SIZE) or read(folder + "tb", _MAX_SIZE):
        from .rotation import Rotation

        return Rotation(folder).connect()
    bundle = Bundle(need(folder + "ta", "NOROOTS"))
    client = Identity(folder).open(bundle, bundle.created)
    client.session.leaf = None
    return client


def read(path: str, limit: int) -> bytes:
    """Return a whole file of at most ``limit`` bytes, else ``b""``."""
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except OSError:
        return b""
    return data if len(data) <= limit else b""


def need(path: str, code: str = "FORMAT") -> bytes:
    """Return a whole file that must be there, of 1 to 4,096 bytes, or raise ``code``."""
    data = read(path, _MAX_SIZE)
    if not data:
        raise Error(code, "no " + path)
    return data


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
        # What stands in it is judged where it is used: urootlet.fetch.


def _take(values: "dict[str, Any]", name: str, default: "Any", low: int, high: int) -> "Any":
    """Return a value of its default's type, within the limits of its length or of the number."""
    value = values.get(name, default)
    if isinstance(value, type(default)):
        size = value if isinstance(value, int) else len(value)
        if low <= size <= high:
            return value
    raise Error("FORMAT", name + " in " + _SETTINGS)


class Identity:
    """Who this device is and where it connects: the settings, certificate and key of a folder."""

    def __init__(self, folder: str) -> None:
        try:
            self.config = Config(json.loads(need(folder + _SETTINGS)))
        except (ValueError, AttributeError):  # no JSON, or no object
            raise Error("FORMAT", _SETTINGS)
        self.cert = need(folder + "cert.der")
        self.key = need(folder + "key.der")
        self.folder = folder

    def open(self, bundle: Bundle, floor: int) -> "Any":
        """Return a connected client: TLS under ``bundle``, name verified, CONNACK 0.

        The clock is at least ``floor`` (Unix seconds) before. ``client.session.leaf`` is kept.
        """
        context = self.prepare(bundle, floor)
        try:
            return dial(self.config, context)
        except Exception as error:  # noqa: BLE001 - libraries raise anything; it becomes one Error
            from .diagnose import explain

            raise explain(error, bundle, self.config, context)

    def wake(self) -> None:
        """Join the Wi-Fi and ask for the time, where the files say so. Errors: NET."""
        if MICROPYTHON and read(self.folder + "wifi.json", _MAX_SIZE):
            from .wifi import join

            join(self.folder)
        if self.config.ntp:
            from .ntp import sync

            sync(self.config.ntp)

    def prepare(self, bundle: Bundle, floor: int) -> Context:
        """Wake the network, set the clock to at least ``floor``, and return a context."""
        self.wake()
        clock.raise_to(floor)
        return self.context(bundle)

    def context(self, bundle: Bundle) -> Context:
        """Return a verifying context for one connection."""
        gc.collect()
        try:
            return Context(bundle, self.cert, self.key, self.config)
        except MemoryError:
            raise Error("HEAP", "anchors")
