"""TLS on MicroPython: the built-in ``tls`` module, never ``ssl``, whose contexts trust anyone.

micropython-lib's ``ssl.SSLContext`` sets CERT_NONE by itself; ``tls.SSLContext`` verifies.
"""

import tls

from .bundle import ECDSA, RSA, Bundle
from .errors import Error
from .watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Certificate-authenticated ECDHE with AEAD, by family (IANA names without the prefix part).
_ECDSA = (
    "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256",
    "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384",
)
_RSA = ("TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256", "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384")
#: TLS 1.3 suites say nothing of the family, so only a bundle for both may offer them.
_BOTH = ("TLS1-3-AES-128-GCM-SHA256", "TLS1-3-AES-256-GCM-SHA384")


class Context:
    """A verifying client context with one bundle's anchors and one identity.

    It has the ``wrap_socket`` that ``umqtt.simple`` calls, in both of its conventions.
    """

    def __init__(self, bundle: Bundle, cert: bytes, key: bytes, name: str, timeout: int) -> None:
        self._bundle = bundle
        self._name = name
        self._timeout = timeout
        self.watch = Watch()
        self.fault: "Exception | None" = None
        self.entered = False
        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED
        context.set_ciphers(_suites(bundle.profile, context.get_ciphers()))
        # One call per anchor: concatenated DER loads only the first, without a word.
        for index in range(len(bundle.anchors)):
            try:
                context.load_verify_locations(bundle.der(index))
            except ValueError:
                raise Error("FORMAT", "anchor %d does not load" % index)
        try:
            context.load_cert_chain(cert, key)
        except ValueError:
            raise Error("FORMAT", "the device's certificate or key does not load")
        context.verify_callback = self.watch.observe
        self._context = context

    def wrap_socket(self, sock: "Any", **_convention: "Any") -> "Any":
        """Do the handshake on ``sock``; the name to verify is ours, not the caller's."""
        self.entered = True
        sock.settimeout(self._timeout)
        try:
            stream = self._context.wrap_socket(sock, server_hostname=self._name)
        except (OSError, ValueError, MemoryError) as error:
            self.fault = error
            raise
        suite, protocol = stream.cipher()
        self.watch.finish(self._bundle, suite, protocol)
        return stream


def _suites(profile: int, known: "list[str]") -> "list[str]":
    """Return the suites of ``profile`` that this firmware has."""
    wanted: "tuple[str, ...]" = ()
    if profile == ECDSA | RSA:
        wanted = _BOTH
    if profile & ECDSA:
        wanted += _ECDSA
    if profile & RSA:
        wanted += _RSA
    return [suite for suite in wanted if suite in known]
