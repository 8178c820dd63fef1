"""One verified connection: bundle -> clock -> TLS context -> MQTT, or an error with a code."""

import gc
import socket

from . import clock
from .bundle import MAX_SIZE, Bundle
from .compat import MICROPYTHON
from .config import FILE, Config
from .config import load as load_config
from .errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

if MICROPYTHON and not TYPE_CHECKING:
    from .mqtt_micropython import connect as _connect
    from .tls_micropython import Context
else:
    from .mqtt_cpython import connect as _connect
    from .tls_cpython import Context

#: File names in the folder of a device: the bundle, its identity as DER.
BUNDLE = "ta"
CERTIFICATE = "cert.der"
KEY = "key.der"


def connect(folder: str = "") -> "Any":
    """Connect with the bundle, identity and settings in ``folder`` (a path with its slash).

    Returns a connected client with the methods of ``umqtt.simple.MQTTClient``; its ``session``
    is a :class:`urootlet.watch.Watch` that tells protocol, suite and anchor.
    Raises :class:`urootlet.errors.Error` and nothing else for what a device can meet.
    """
    bundle = Bundle(_read(folder + BUNDLE, MAX_SIZE, "NOROOTS"))
    client = Identity(folder).open(bundle, bundle.created)
    client.session.leaf = None
    return client


class Identity:
    """Who this device is and where it connects: the settings, certificate and key of a folder."""

    def __init__(self, folder: str) -> None:
        self.config = _settings(folder + FILE)
        self._cert = _read(folder + CERTIFICATE, 4096)
        self._key = _read(folder + KEY, 4096)

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
        """Set the clock, look up the server, and return a context for one connection."""
        if MICROPYTHON and self.config.port == 443:
            raise Error("PORT", "443 needs ALPN")
        if self.config.ntp:
            clock.sync(self.config.ntp)
        clock.raise_to(floor)
        self._resolve()  # so that a name that is unknown is told apart from a server that is down
        return self.context(bundle)

    def handshake(self, bundle: Bundle) -> bytes:
        """Do a handshake and nothing more; return the original's SHA-256 of the anchor used."""
        context = self.context(bundle)
        sock = socket.socket()
        try:
            sock.settimeout(self.config.timeout)
            sock.connect(self._resolve())
            context.wrap_socket(sock).close()
        except Exception as error:  # noqa: BLE001 - as above
            raise self.explain(error, bundle, context)
        finally:
            sock.close()
        return context.watch.anchor

    def context(self, bundle: Bundle) -> Context:
        """Return a verifying context for one connection."""
        gc.collect()
        try:
            return Context(
                bundle, self._cert, self._key, self.config.endpoint, self.config.timeout
            )
        except MemoryError:
            raise Error("HEAP", "no memory for the anchors")

    def explain(self, error: Exception, bundle: Bundle, context: Context) -> Error:
        """Return what an exception of a connection with ``context`` means."""
        if isinstance(error, Error):
            return error
        from . import diagnose

        if context.fault is not None:
            return diagnose.tls(context.fault, bundle, context.watch)
        if isinstance(error, (ImportError, TypeError)):
            return Error("UMQTT", str(error))
        if not context.entered:
            return diagnose.network(error, self.config.address)
        return diagnose.mqtt(error, context.watch.protocol)

    def _resolve(self) -> "Any":
        try:
            return socket.getaddrinfo(self.config.address, self.config.port)[0][-1]
        # ValueError: CPython cannot even encode the name. IndexError: a board found nothing.
        except (OSError, ValueError, IndexError):
            raise Error("DNS", self.config.address)


def _settings(path: str) -> Config:
    try:
        return load_config(path)
    except OSError:
        raise Error("FORMAT", path + " is missing")


def _read(path: str, limit: int, code: str = "FORMAT") -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except OSError:
        raise Error(code, path + " is missing")
    if len(data) > limit:
        raise Error("FORMAT", path + " is too large")
    return data
