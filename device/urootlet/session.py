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
    config = _settings(folder + FILE)
    return open_session(
        bundle, config, _read(folder + CERTIFICATE, 4096), _read(folder + KEY, 4096)
    )


def open_session(bundle: Bundle, config: Config, cert: bytes, key: bytes) -> "Any":
    """Connect with parts that are already in memory; see :func:`connect`."""
    if MICROPYTHON and config.port == 443:
        raise Error("PORT", "443 needs ALPN")
    if config.ntp:
        clock.sync(config.ntp)
    clock.raise_to(bundle.created)
    _resolve(config)
    gc.collect()
    try:
        context = Context(bundle, cert, key, config.endpoint, config.timeout)
    except MemoryError:
        raise Error("HEAP", "no memory for the anchors")
    try:
        return _connect(config, context)
    except Exception as error:  # noqa: BLE001 - libraries raise anything; it becomes one Error
        raise _explain(error, bundle, config, context)


def _explain(error: Exception, bundle: Bundle, config: Config, context: Context) -> Error:
    if isinstance(error, Error):
        return error
    from . import diagnose

    if context.fault is not None:
        return diagnose.tls(context.fault, bundle, context.watch)
    if isinstance(error, (ImportError, TypeError)):
        return Error("UMQTT", str(error))
    if not context.entered:
        return diagnose.network(error, config.address)
    return diagnose.mqtt(error, context.watch.protocol)


def _resolve(config: Config) -> None:
    try:
        found = socket.getaddrinfo(config.address, config.port)
    except (OSError, ValueError):  # ValueError: CPython cannot even encode the name
        found = []
    if not found:
        raise Error("DNS", config.address)


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
