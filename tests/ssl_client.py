"""A TLS client for the matrix: sends what it is given, verifies unless it is told not to.

Arguments: host, port, name, CA file, certificate and key, then any of ``anyone`` (verify nobody),
``anonymous`` (show no certificate) and ``through=ADDRESS:PORT`` (a SOCKS5 proxy).
"""

from __future__ import annotations

import os
import socket
import ssl
import sys


def connect(host: str, port: str, name: str, flags: list[str]) -> socket.socket:
    """Connect directly, or by name through the proxy (RFC 1928)."""
    proxies = [flag.removeprefix("through=") for flag in flags if flag.startswith("through=")]
    if not proxies:
        return socket.create_connection((host, int(port)))
    address, _, at = proxies[0].rpartition(":")
    raw = socket.create_connection((address, int(at)))
    raw.sendall(b"\x05\x01\x00")
    assert raw.recv(2) == b"\x05\x00"
    wanted = name.encode()
    raw.sendall(b"\x05\x01\x00\x03" + bytes([len(wanted)]) + wanted + int(port).to_bytes(2, "big"))
    assert raw.recv(10)[1] == 0
    return raw


def main() -> None:
    """Connect, send, and wait for the end."""
    host, port, name, cafile, cert, key, *flags = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile)
    if "anyone" in flags:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if "anonymous" not in flags:
        context.load_cert_chain(cert, key)
    with context.wrap_socket(connect(host, port, name, flags), server_hostname=name) as stream:
        stream.sendall(os.read(0, 4096))
        stream.recv(1)


main()
