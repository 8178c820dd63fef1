"""One verified connection: bundle -> clock -> TLS context -> MQTT, or an error with a code."""

import gc
import os
import socket

from . import clock
from .bundle import Bundle
from .config import FILE, load
from .errors import MICROPYTHON, Error, const

_TYPING = const(0)
if _TYPING:
    from typing import Any

if MICROPYTHON and not _TYPING:
    from .tls_micropython import Context
    from .tls_micropython import connect as _connect
else:
    from .mqtt_cpython import connect as _connect
    from .tls_cpython import Context

#: File names in the folder of a device: the bundle, its identity as DER.
BUNDLE = "ta"
CERTIFICATE = "cert.der"
KEY = "key.der"
_MAX_SIZE = const(4096)


def connect(folder: str = "") -> "Any":
    """Connect with the bundle, identity and settings in ``folder`` (a path with its slash).

    Returns a connected client with the methods of ``umqtt.simple.MQTTClient``; its ``session``
    is a :class:`urootlet.watch.Watch` that tells protocol, suite and anchor.
    Raises :class:`urootlet.errors.Error` and nothing else for what a device can meet.
    """
    bundle = Bundle(_read(folder + BUNDLE, "NOROOTS"))
    client = Identity(folder).open(bundle, bundle.created)
    client.session.leaf = None
    return client


class Identity:
    """Who this device is and where it connects: the settings, certificate and key of a folder."""

    def __init__(self, folder: str) -> None:
        self.config = load(_read(folder + FILE))
        self.cert = _read(folder + CERTIFICATE)
        self.key = _read(folder + KEY)
        self.folder = folder

    def open(self, bundle: Bundle, floor: int) -> "Any":
        """Return a connected client: TLS under ``bundle``, name verified, CONNACK 0.

        The clock is at least ``floor`` (Unix seconds) before. ``client.session.leaf`` is kept.
        """
        context = self.prepare(bundle, floor)
        try:
            return _connect(self.config, context)
        except Exception as error:  # noqa: BLE001 - libraries raise anything; it becomes one Error
            raise self.explain(error, bundle, context)

    def prepare(self, bundle: Bundle, floor: int) -> Context:
        """Join the Wi-Fi, set the clock, look up the server, and return a context."""
        if MICROPYTHON and self.config.port == 443:
            raise Error("PORT", "443")
        if MICROPYTHON and "wifi.json" in os.listdir(self.folder):
            from .wifi import join

            join(self.folder)
        if self.config.ntp:
            clock.sync(self.config.ntp)
        clock.raise_to(floor)
        self.resolve()  # so that a name that is unknown is told apart from a server that is down
        return self.context(bundle)

    def handshake(self, bundle: Bundle) -> bytes:
        """Do a handshake and nothing more; return the original's SHA-256 of the anchor used."""
        from .control import handshake

        return handshake(self, bundle)

    def context(self, bundle: Bundle) -> Context:
        """Return a verifying context for one connection."""
        gc.collect()
        try:
            return Context(bundle, self.cert, self.key, self.config.endpoint, self.config.timeout)
        except MemoryError:
            raise Error("HEAP", "anchors")

    def explain(self, error: Exception, bundle: Bundle, context: Context) -> Error:
        """Return what an exception of a connection with ``context`` means."""
        from .diagnose import explain

        return explain(error, bundle, self.config.address, context)

    def resolve(self) -> "Any":
        """Return the address to connect to. Errors: DNS."""
        try:
            return socket.getaddrinfo(self.config.address, self.config.port)[0][-1]
        # ValueError: CPython cannot even encode the name. IndexError: a board found nothing.
        except (OSError, ValueError, IndexError):
            raise Error("DNS", self.config.address)


def _read(path: str, code: str = "FORMAT") -> bytes:
    """Return a whole file of at most 4 KB, the most that any of them may have."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_SIZE + 1)
    except OSError:
        raise Error(code, path + " is missing")
    if len(data) > _MAX_SIZE:
        raise Error("FORMAT", path)
    return data
