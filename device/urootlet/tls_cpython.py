"""TLS on CPython: OpenSSL with the same rules as on a board."""

import ssl

from .anchors import Rooted
from .errors import Error
from .format_cpython import ECDSA, RSA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from .bundle import Bundle
    from .session import Config

_ECDSA = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
_RSA = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
_CERTIFICATE = 11  # RFC 8446 4, RFC 5246 7.4: handshake type of the server's Certificate
_ALERT = 21  # RFC 8446 5.1: content type
_FATAL = b"\x02"  # RFC 8446 6: the level that comes first
_TLS13 = 0x0304


class Context(ssl.SSLContext):
    """A verifying client context with one bundle's anchors and one identity.

    The name to verify is fixed here, because paho-mqtt would give the address it connects to.
    """

    _bundle: Rooted
    _name: str
    _timeout: int
    # As those of urootlet.tls_mpy.Context.
    fault: "Exception | None" = None
    top: "bytes | None" = None
    leaf: "bytes | None" = None
    protocol: str = ""  # type: ignore[assignment]  # of the session; ours is always TLS_CLIENT
    suite = ""
    anchor = b""
    #: Whether the server ended the session with a fatal alert.
    alerted = False

    def __new__(cls, *_parts: "Any") -> "Self":
        """Make a client context: :class:`ssl.SSLContext` wants the protocol here."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, bundle: "Bundle", cert: bytes, key: bytes, config: "Config") -> None:
        self._bundle = bundle
        self._name = config.endpoint
        self._timeout = config.timeout
        self.sslobject_class = _Object
        self.minimum_version = ssl.TLSVersion.TLSv1_2
        _offer(self, bundle.profile)
        for index in range(len(bundle.anchors)):
            _load_anchor(self, bundle, index)
        if self.cert_store_stats()["x509"] != len(bundle.anchors):
            raise Error("FORMAT", "not every anchor was loaded")
        _load_identity(self, cert, key)
        # Private, but the only view of what a refused server sent. Diagnosis alone uses it.
        self._msg_callback = self._message

    def _message(
        self, _conn: "Any", direction: str, version: int, content: int, kind: int, data: bytes
    ) -> None:
        if direction == "read" and content == _ALERT:
            # A warning is a goodbye (RFC 8446 6.1), also of a server that takes the certificate.
            self.alerted = self.alerted or data[:1] == _FATAL
        elif direction == "read" and kind == _CERTIFICATE:
            chain = _sent_chain(data, version)
            if chain:
                self.leaf, self.top = chain[0], chain[-1]

    def wrap_socket(self, sock: "Any", *_args: "Any", **_convention: "Any") -> "Any":
        """Do the handshake on ``sock``; the name to verify is ours, not the caller's."""
        sock.settimeout(self._timeout)
        try:
            stream = super().wrap_socket(sock, server_hostname=self._name)
        except (OSError, ValueError) as error:
            self.fault = error
            raise
        self.finish(stream)
        return stream

    def wrap_bio(
        self, incoming: "Any", outgoing: "Any", *_args: "Any", **_convention: "Any"
    ) -> "Any":
        """Return the TLS object that asyncio drives; the name to verify is ours."""
        return super().wrap_bio(incoming, outgoing, server_hostname=self._name)

    def finish(self, stream: "Any") -> None:
        """Note what a completed handshake showed. Raises NOVERIFY."""
        self.anchor = self._bundle.find(_verified_chain(stream)[-1])
        self.top = None
        self.suite = (stream.cipher() or ("",))[0]
        self.protocol = stream.version() or ""


class _Object(ssl.SSLObject):
    """The TLS object of a connection that asyncio drives."""

    def do_handshake(self) -> None:
        """Go on with the handshake; once it is complete, the context notes it."""
        context: "Any" = self.context
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except (OSError, ValueError) as error:
            context.fault = error
            raise
        context.finish(self)


def _offer(context: ssl.SSLContext, profile: int) -> None:
    """Offer the families of ``profile`` only.

    TLS 1.3 suites do not name one (RFC 8446 B.4), so one family alone means TLS 1.2.
    """
    if profile != ECDSA | RSA:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    wanted = ([_ECDSA] if profile & ECDSA else []) + ([_RSA] if profile & RSA else [])
    context.set_ciphers(":".join(wanted))


def _load_anchor(context: ssl.SSLContext, bundle: Rooted, index: int) -> None:
    try:
        context.load_verify_locations(cadata=bundle.der(index))
    except ssl.SSLError as error:
        raise Error("FORMAT", f"anchor {index} does not load") from error


def _load_identity(context: ssl.SSLContext, cert: bytes, key: bytes) -> None:
    """Load DER certificate and key; :mod:`ssl` reads only files, so they pass through memory."""
    import os

    if not hasattr(os, "memfd_create"):
        raise Error("FORMAT", "identity: this system has no memory files for the key")
    try:
        with os.fdopen(os.memfd_create("identity"), "wb", buffering=0) as memory:
            memory.write(_pem("CERTIFICATE", cert) + _pem(_key_label(key), key))
            context.load_cert_chain(f"/dev/fd/{memory.fileno()}")
    except (ssl.SSLError, Error) as error:
        raise Error("FORMAT", "identity: the certificate or key does not load") from error
    except OSError as error:  # too many open files, for one: no fault of the pair
        raise Error("HEAP", f"identity: {error}") from error


def _key_label(key: bytes) -> str:
    """Tell SEC1 (RFC 5915: version 1, then an OCTET STRING) from PKCS#8 (RFC 5958)."""
    from .der import element, expect

    start, end = expect(key, 0, len(key), 0x30)
    after = expect(key, start, end, 0x02)[1]
    tag = element(key, after, end)[0]
    return {0x04: "EC PRIVATE KEY", 0x02: "RSA PRIVATE KEY"}.get(tag, "PRIVATE KEY")


def _pem(label: str, der: bytes) -> bytes:
    import base64

    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n".encode()


def _verified_chain(stream: "Any") -> "list[bytes]":
    """Return the path that OpenSSL built, leaf first, as DER."""
    if hasattr(stream, "get_verified_chain"):  # public since Python 3.13
        return list(stream.get_verified_chain())
    chain = stream._sslobj.get_verified_chain()  # noqa: SLF001 - the same, before 3.13
    return [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in chain]


def _sent_chain(message: bytes, version: int) -> "list[bytes]":
    """Return the certificates of a Certificate message (RFC 5246 7.4.2, RFC 8446 4.4.2)."""
    pos = 4
    tls13 = version == _TLS13
    if tls13:
        pos += 1 + message[pos]
    pos += 3
    chain = []
    while pos + 3 <= len(message):
        size = int.from_bytes(message[pos : pos + 3], "big")
        chain.append(message[pos + 3 : pos + 3 + size])
        pos += 3 + size
        if tls13:
            pos += 2 + int.from_bytes(message[pos : pos + 2], "big")
    return chain
