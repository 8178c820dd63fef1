"""TLS on a board: the firmware's ``tls``, under our rules.

Never ``ssl``: micropython-lib's ``ssl.SSLContext`` sets CERT_NONE by itself.
"""

import tls

from .anchors import Rooted
from .errors import Error

_TYPING = const(0)  # type: ignore[name-defined]  # noqa: F821 - only the compiler reads this
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
        from .mqtt_mpy import suites

        part = "suites"
        try:
            context.set_ciphers(suites(bundle.profile, context))
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
        self.top = None  # of an attempt before
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
