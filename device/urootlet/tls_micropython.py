"""TLS and MQTT on a board: the firmware's ``tls`` and ``umqtt.simple``, under our rules.

Never ``ssl``: micropython-lib's ``ssl.SSLContext`` sets CERT_NONE by itself. ``umqtt.simple`` has
two conventions: 1.3.4 imports ``ussl`` inside connect() and calls its ``wrap_socket``; from 1.4 on
``ssl=`` takes an object that has ``wrap_socket``. Our context is such an object, so it is given as
``ssl=`` and also stands for the module ``ussl`` while connect() runs.
"""

import sys

import tls

from .errors import Error, const

_TYPING = const(0)
if _TYPING:
    from typing import Any

    from .bundle import Bundle
    from .session import Config, Watch


class Context:
    """A verifying client context with one bundle's anchors and one identity.

    It has the ``wrap_socket`` that ``umqtt.simple`` calls, in both of its conventions.
    """

    entered = False
    fault: "Exception | None" = None

    def __init__(
        self, watch: "Watch", bundle: "Bundle", cert: bytes, key: bytes, config: "Config"
    ) -> None:
        self.watch = watch
        self.bundle = bundle
        self.config = config
        self.context = context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
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
        context.verify_callback = watch.observe

    def wrap_socket(self, sock: "Any", **_convention: "Any") -> "Any":
        """Do the handshake on ``sock``; the name to verify is ours, not the caller's."""
        self.entered = True
        sock.settimeout(self.config.timeout)
        try:
            stream = self.context.wrap_socket(sock, server_hostname=self.config.endpoint)
        except (OSError, ValueError, MemoryError) as error:
            self.fault = error
            raise
        self.watch.finish(self.bundle, *stream.cipher())
        return stream


def _suites(profile: int, known: "list[str]") -> "list[str]":
    """Return the suites of ``profile`` that this firmware has: ECDHE with AEAD, IANA names.

    TLS 1.3 suites say nothing of the family, so only a bundle for both may offer them.
    """
    families = ("TLS1-3", "TLS-ECDHE-ECDSA-WITH", "TLS-ECDHE-RSA-WITH")
    found = []
    # 1 is ECDSA, the second; 2 is RSA, the third; 3 is both: all of them.
    for family in families[profile % 3 : profile + 1]:
        for cipher in ("-AES-128-GCM-SHA256", "-AES-256-GCM-SHA384"):
            if family + cipher in known:
                found.append(family + cipher)  # noqa: PERF401 - a comprehension is larger
    return found


def dial(config: "Config", context: Context) -> "Any":
    """Return a connected ``umqtt.simple.MQTTClient``; what goes wrong propagates."""
    from umqtt.simple import MQTTClient

    client = MQTTClient(
        config.thing, config.address, config.port, keepalive=config.keepalive, ssl=context
    )
    sys.modules["ussl"] = context  # type: ignore[assignment]
    try:
        client.connect()
        client.session = context.watch
    finally:
        del sys.modules["ussl"]  # whoever imports it later gets the firmware's own
    return client
