"""Chains of any length, and a server of TLS and MQTT that shows one, on this machine only.

The lab's chains have 2 to 4 certificates, as AWS has; these have any number, each as long as one
of the lab's. The leaf's key is P-256, those above it are of the family asked for.
"""

from __future__ import annotations

import socket
import ssl
import tempfile
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from rootlet.lab import certificates
from rootlet.lab.authorities import ROOTS, Authority

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography import x509

    from rootlet.lab import Hierarchy
    from rootlet.lab.certificates import PrivateKey

ENDPOINT = "a1b2c3-ats.iot.eu-west-1.amazonaws.com"
_ROOT = {"ECC": "amazon-root-ca-3", "RSA": "amazon-root-ca-1"}
_CONNACK = b"\x20\x02\0\0"  # MQTT 3.1.1, 3.2: accepted
_YEAR = timedelta(days=365)


def make(family: str, length: int) -> tuple[bytes, bytes, bytes]:
    """Return the root as DER, and in PEM the chain (``length`` certificates) and its key."""
    issuer = ROOTS[_ROOT[family]]
    key: PrivateKey = certificates.new_key(issuer.key)
    top = root(issuer, key).public_bytes(Encoding.DER)
    sent = []
    for number in range(length - 1):
        subject = issuer._replace(
            id=f"bench-{number}",
            subject=(*issuer.subject[:2], ("CN", f"Amazon {family} 2048 B{number:02}")),
        )
        below = certificates.new_key(issuer.key)
        sent.append(_signed(subject, below, (issuer, key)))
        issuer, key = subject, below
    leaf = certificates.new_key("p256")
    extensions = certificates.leaf_extensions((ENDPOINT,), issuer, leaf)
    name = certificates.common_name(ENDPOINT)
    sent.append(certificates.sign(name, leaf, _dates(), extensions, by=(issuer, key)))
    pem = b"".join(certificates.pem(one) for one in reversed(sent))
    return top, pem, certificates.key_pem(leaf)


def root(authority: Authority, key: PrivateKey) -> x509.Certificate:
    """Return a certificate that an authority signs for itself."""
    return _signed(authority, key, (authority, key))


def _signed(
    subject: Authority, key: PrivateKey, by: tuple[Authority, PrivateKey]
) -> x509.Certificate:
    extensions = certificates.ca_extensions(
        "root" if subject == by[0] else "cross", subject, by[0]
    )
    name = certificates.name(subject.subject)
    return certificates.sign(name, key, _dates(), extensions, by=by)


def _dates() -> tuple[datetime, datetime]:
    now = datetime.now(UTC).replace(microsecond=0)
    return now - _YEAR, now + _YEAR


@contextmanager
def serving(chain: bytes, key: bytes, clients: Hierarchy) -> Iterator[tuple[str, int]]:
    """Serve TLS 1.2 with this chain to devices of ``clients``; each CONNECT is accepted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=certificates.pem(clients.client_ca.certificate).decode())
    with tempfile.TemporaryDirectory(prefix="rootlet-bench-") as folder:
        path = Path(folder) / "chain.pem"
        path.write_bytes(key + chain)
        context.load_cert_chain(path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_accept, args=(listener, context), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _accept(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return  # shut down
        with plain, context.wrap_socket(plain, server_side=True) as stream:
            stream.recv(1024)  # CONNECT
            stream.sendall(_CONNACK)
            while stream.recv(1024):
                pass
