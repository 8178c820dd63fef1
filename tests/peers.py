"""Small servers on loopback for clients to meet: TLS with any chain, mail, and hostile ones."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiosmtpd.smtp import SMTP

from rootlet.lab import certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from cryptography import x509

    from rootlet.lab.certificates import PrivateKey

    Serve = Callable[[socket.socket], None]


@contextmanager
def peer(serve: Serve) -> Iterator[int]:
    """Answer every connection with ``serve`` in a thread; yield the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    open_ones: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def handle(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            serve(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                open_ones.append(connection)
                threads.append(threading.Thread(target=handle, args=(connection,), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        for each in (listener, *open_ones):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)  # wakes its thread
        accepting.join()
        listener.close()
        for thread in threads:
            thread.join()


def says(words: bytes) -> Serve:
    """Say one thing as soon as somebody connects, and wait for them to go."""

    def serve(connection: socket.socket) -> None:
        connection.sendall(words)
        wait(connection)

    return serve


def endless(words: bytes) -> Serve:
    """Say the same thing for ever."""

    def serve(connection: socket.socket) -> None:
        while True:
            connection.sendall(words)

    return serve


def wait(connection: socket.socket) -> None:
    """Say nothing until the client goes."""
    while connection.recv(65_536):
        pass


def dialogue(*lines: tuple[bytes, bytes], context: ssl.SSLContext | None = None) -> Serve:
    """Say the first greeting, then answer each command that starts as given; then shake hands."""

    def serve(connection: socket.socket) -> None:
        for command, answer in lines:
            if command:
                heard = connection.recv(1024)
                assert heard.startswith(command), heard
            connection.sendall(answer)
        if context:
            with context.wrap_socket(connection, server_side=True) as tls:
                wait(tls)
        else:
            wait(connection)

    return serve


def over_tls(context: ssl.SSLContext) -> Serve:
    """Shake hands, and wait."""
    return dialogue(context=context)


@contextmanager
def smtp(context: ssl.SSLContext) -> Iterator[int]:
    """Serve SMTP with STARTTLS by aiosmtpd, in a thread; yield the port."""
    loop = asyncio.new_event_loop()

    async def start() -> asyncio.Server:
        def session() -> SMTP:
            return SMTP(object(), tls_context=context, require_starttls=True, loop=loop)

        return await loop.create_server(session, "127.0.0.1", 0)

    server = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def tls_context(
    folder: Path, chain: Sequence[x509.Certificate], key: PrivateKey
) -> ssl.SSLContext:
    """Return a server's context that sends exactly this chain, leaf first."""
    crt, secret = folder / "peer.crt.pem", folder / "peer.key.pem"
    crt.write_bytes(b"".join(certificates.pem(one) for one in chain))
    secret.write_bytes(certificates.key_pem(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, secret)
    return context
