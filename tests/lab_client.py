"""Clients of the lab for tests: one that shakes hands, one that reads the server's flight."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography import x509

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rootlet.lab import Lab
    from rootlet.lab.subscriber import ClientContext

_HANDSHAKE = 22  # content type
_CERTIFICATE, _SERVER_KEY_EXCHANGE, _SERVER_HELLO_DONE = 11, 12, 14  # handshake types


def connect(lab: Lab, context: ClientContext) -> ssl.SSLSocket:
    """Return a connection of ``context`` to the lab, after the handshake."""
    raw = socket.create_connection((lab.host, lab.port), timeout=5)
    return context.wrap_socket(raw)


def handshake(lab: Lab, *, ciphers: str = "", thing: str | None = "tester") -> tuple[Any, ...]:
    """Shake hands once as ``thing``; return suite, protocol and key bits."""
    context = lab.client_context(thing)
    if ciphers:
        context.set_ciphers(ciphers)
    with connect(lab, context) as client:
        client.settimeout(5)
        return client.cipher() or ()


class Flight(NamedTuple):
    """The chain as it was sent, and the signature scheme that the server chose."""

    certificates: list[x509.Certificate]
    signature_scheme: int


def first_flight(lab: Lab, ciphers: str) -> Flight:
    """Send a ClientHello that offers ``ciphers``; take the server's answer apart.

    In TLS 1.2 nothing of it is encrypted (RFC 5246 section 7.4).
    """
    context = lab.client_context(None)
    context.set_ciphers(ciphers)
    hello = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname=lab.endpoint)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    with socket.create_connection((lab.host, lab.port), timeout=5) as raw:
        raw.sendall(hello.read())
        messages = dict(_messages(raw))
    return Flight(_chain(messages[_CERTIFICATE]), _scheme(messages[_SERVER_KEY_EXCHANGE]))


def _messages(raw: socket.socket) -> Iterator[tuple[int, bytes]]:
    pending = b""
    with raw.makefile("rb") as stream:
        while True:
            kind, _, _, *length = stream.read(5)
            assert kind == _HANDSHAKE, f"an alert instead: {stream.read(2).hex()}"
            pending += stream.read(int.from_bytes(bytes(length), "big"))
            while len(pending) >= 4 and len(pending) >= (
                end := 4 + int.from_bytes(pending[1:4], "big")
            ):
                yield pending[0], pending[4:end]
                if pending[0] == _SERVER_HELLO_DONE:
                    return
                pending = pending[end:]


def _chain(message: bytes) -> list[x509.Certificate]:
    found, rest = [], message[3:]
    while rest:
        end = 3 + int.from_bytes(rest[:3], "big")
        found.append(x509.load_der_x509_certificate(rest[3:end]))
        rest = rest[end:]
    return found


def _scheme(message: bytes) -> int:
    # ServerECDHParams (RFC 8422 section 5.4): named_curve, its number, and a point; then
    # SignatureAndHashAlgorithm.
    assert message[0] == 3
    after = 4 + message[3]
    return int.from_bytes(message[after : after + 2], "big")
