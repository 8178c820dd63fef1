"""A SOCKS5 proxy (RFC 1928) that leads every name to the lab.

Some clients verify the name that they connect to and nothing else, such as mosquitto_sub. Told
to go through this proxy, they ask it for the endpoint's real name and reach the lab: no name
server and no hosts file is touched.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self

_TIMEOUT = 10.0  # seconds for each step before the bytes flow
_CHUNK = 16_384
_VERSION, _NO_AUTH, _CONNECT = 5, 0, 1
#: Length of the address by its type: IPv4 and IPv6; a domain name says its own (section 5).
_ADDRESS = {1: 4, 4: 16}
_DOMAIN = 3
_GRANTED = bytes((_VERSION, 0, 0, 1, 0, 0, 0, 0, 0, 0))


class Socks:
    """A proxy on 127.0.0.1, alive inside ``with``; ``port`` is where it listens.

    Whatever a client asks for, it gets ``target``, the address and port of the lab.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread up
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, ValueError):
            client.settimeout(_TIMEOUT)
            _negotiate(client)
            with socket.create_connection(self._target, _TIMEOUT) as server:
                client.sendall(_GRANTED)
                client.settimeout(None)
                server.settimeout(None)
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join()


def _negotiate(client: socket.socket) -> None:
    """Read the greeting and the request (sections 3 and 4); ValueError for anything else."""
    version, methods = _exactly(client, 2)
    if version != _VERSION or _NO_AUTH not in _exactly(client, methods):
        raise ValueError("no SOCKS5 without authentication")
    client.sendall(bytes((_VERSION, _NO_AUTH)))
    version, command, _, kind = _exactly(client, 4)
    if version != _VERSION or command != _CONNECT or kind not in {*_ADDRESS, _DOMAIN}:
        raise ValueError("no SOCKS5 CONNECT")
    length = _exactly(client, 1)[0] if kind == _DOMAIN else _ADDRESS[kind]
    _exactly(client, length + 2)  # the address and the port, which lead to the lab anyway


def _exactly(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = client.recv(size - len(data))
        if not more:
            raise ValueError("ended early")
        data += more
    return data


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Carry bytes until they end, then pass on that they have; a reset ends both ways."""
    try:
        while data := source.recv(_CHUNK):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
