"""TLS and MQTT on a board: the firmware's ``tls`` and ``umqtt.simple``, under our rules.

Never ``ssl``: micropython-lib's ``ssl.SSLContext`` sets CERT_NONE by itself. ``umqtt.simple`` has
two conventions: 1.3.4 imports ``ussl`` inside connect() and calls its ``wrap_socket``; from 1.4 on
``ssl=`` takes an object that has ``wrap_socket``. Our context is such an object, so it is given as
``ssl=`` and also stands for the module ``ussl`` while connect() runs.
"""

import sys

import tls

from .anchors import Rooted
from .errors import Error, const

_TYPING = const(0)
if _TYPING:
    from typing import Any

    from .bundle import Bundle
    from .session import Config


class Context(Rooted):
    """A verifying client context with one bundle's anchors and one identity.

    It has the ``wrap_socket`` that ``umqtt.simple`` calls, in both of its conventions. ``top`` is
    the highest certificate of the path (dropped on success) and ``leaf`` the server's own, DER or
    ``None``. On success ``protocol`` and ``suite`` are set, and ``anchor`` is the SHA-256 of the
    original root, 32 bytes.
    """

    entered = False
    fault: "Exception | None" = None
    top: "bytes | None" = None
    leaf: "bytes | None" = None
    protocol = suite = ""
    anchor = b""

    def __init__(self, bundle: "Bundle", cert: bytes, key: bytes, config: "Config") -> None:
        # No more than these is held while the connection lasts: see urootlet.unload.
        self.data = bundle.data
        self.anchors = bundle.anchors
        self.name = config.endpoint
        self.timeout = config.timeout
        self.context = context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED
        part = "suites"
        try:
            context.set_ciphers(_suites(bundle.profile, context.get_ciphers()))
            part = "anchor"
            # One call per anchor: concatenated DER loads only the first, without a word.
            for index in range(len(self.anchors)):
                context.load_verify_locations(self.der(index))
            part = "identity"
            context.load_cert_chain(cert, key)
        except (ValueError, OSError):  # OSError: this firmware has none of these suites
            raise Error("FORMAT", part)
        context.verify_callback = self.observe

    def observe(self, der: bytes, depth: int) -> int:
        """Note a certificate: mbedTLS calls this from the top of the path down to the leaf, 0.

        The return value 0 vetoes nothing; it cannot turn a refusal into a success either.
        """
        self.top = self.top or bytes(der)
        if not depth:
            self.leaf = bytes(der)
        return 0

    def wrap_socket(self, sock: "Any", **_convention: "Any") -> "Any":
        """Do the handshake on ``sock``; the name to verify is ours, not the caller's."""
        self.entered = True
        sock.settimeout(self.timeout)
        try:
            stream = self.context.wrap_socket(sock, server_hostname=self.name)
        except (OSError, ValueError, MemoryError) as error:
            self.fault = error
            raise
        self.anchor = self.find(self.top)
        self.top = None
        self.suite, self.protocol = stream.cipher()
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
        client.session = context
    finally:
        del sys.modules["ussl"]  # whoever imports it later gets the firmware's own
    return client
