"""TLS and MQTT on a board: the firmware's ``tls`` and ``umqtt.simple``, under our rules.

Never ``ssl``: micropython-lib's ``ssl.SSLContext`` sets CERT_NONE by itself. ``umqtt.simple`` has
two conventions: 1.3.4 imports ``ussl`` inside connect() and calls its ``wrap_socket``; from 1.4 on
``ssl=`` takes an object that has ``wrap_socket``. Our context is such an object, so it is given as
``ssl=`` and also stands for the module ``ussl`` while connect() runs.
"""

import sys

import tls

from .errors import Error, const
from .watch import Watch

_TYPING = const(0)
if _TYPING:
    from typing import Any

    from .bundle import Bundle
    from .config import Config

_ECDSA = const(1)
_RSA = const(2)


class Context:
    """A verifying client context with one bundle's anchors and one identity.

    It has the ``wrap_socket`` that ``umqtt.simple`` calls, in both of its conventions.
    """

    entered = False
    fault: "Exception | None" = None

    def __init__(self, bundle: "Bundle", cert: bytes, key: bytes, name: str, timeout: int) -> None:
        self._bundle = bundle
        self._name = name
        self._timeout = timeout
        self.watch = Watch()
        self._context = context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED
        context.set_ciphers(_suites(bundle.profile, context.get_ciphers()))
        part = "anchor"
        try:
            # One call per anchor: concatenated DER loads only the first, without a word.
            for index in range(len(bundle.anchors)):
                context.load_verify_locations(bundle.der(index))
            part = "identity"
            context.load_cert_chain(cert, key)
        except ValueError:
            raise Error("FORMAT", part)
        context.verify_callback = self.watch.observe

    def wrap_socket(self, sock: "Any", **_convention: "Any") -> "Any":
        """Do the handshake on ``sock``; the name to verify is ours, not the caller's."""
        self.entered = True
        sock.settimeout(self._timeout)
        try:
            stream = self._context.wrap_socket(sock, server_hostname=self._name)
        except (OSError, ValueError, MemoryError) as error:
            self.fault = error
            raise
        self.watch.finish(self._bundle, *stream.cipher())
        return stream


def _suites(profile: int, known: "list[str]") -> "list[str]":
    """Return the suites of ``profile`` that this firmware has: ECDHE with AEAD, IANA names.

    TLS 1.3 suites say nothing of the family, so only a bundle for both may offer them.
    """
    prefixes = ["TLS1-3"] if profile == _ECDSA | _RSA else []
    if profile & _ECDSA:
        prefixes.append("TLS-ECDHE-ECDSA-WITH")
    if profile & _RSA:
        prefixes.append("TLS-ECDHE-RSA-WITH")
    found = []
    for prefix in prefixes:
        for cipher in ("-AES-128-GCM-SHA256", "-AES-256-GCM-SHA384"):
            if prefix + cipher in known:
                found.append(prefix + cipher)  # noqa: PERF401 - a comprehension is larger
    return found


def connect(config: "Config", context: Context) -> "Any":
    """Return a connected ``umqtt.simple.MQTTClient``; what goes wrong propagates."""
    from umqtt.simple import MQTTClient

    client = MQTTClient(
        config.thing, config.address, config.port, keepalive=config.keepalive, ssl=context
    )
    before = sys.modules.get("ussl")
    sys.modules["ussl"] = context  # type: ignore[assignment]
    try:
        client.connect()
        client.session = context.watch
    finally:
        del sys.modules["ussl"]
        if before is not None:
            sys.modules["ussl"] = before
    return client
