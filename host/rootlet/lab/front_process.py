"""The TLS front as a program of its own: it ends TLS, and carries the bytes to the broker.

Run by ``rootlet.lab.front`` as a file, with nothing but the standard library, in a process of
its own because two things hold for a whole process: ``OPENSSL_CONF``, the only way that Python
has to choose signature algorithms, and that its limits and its load stay apart from a test's.

Standard input is the lease: the first line holds the settings (``Settings`` as JSON), the line
``drain`` ends accepting and the process after its last connection, and end of file ends it at
once, so that it does not outlive whoever started it. Standard output is one JSON object a line
for each event: ``ready``, ``open``, ``refused``, ``closed``, ``draining``.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import socket
import ssl
import sys
from dataclasses import dataclass, field
from typing import Any

_SETTINGS_LIMIT = 65_536  # bytes of the first line
_CHUNK = 65_536  # bytes carried at once; also where a reader stops reading ahead
_HANDSHAKE_TIMEOUT = 15.0  # seconds; an ESP32 needs two for RSA
_BREATH = 0.05  # seconds
_CLOSE_TIMEOUT = 3.0  # seconds for the peer's close_notify (RFC 5246 section 7.2.1)


@dataclass(frozen=True)
class Settings:
    """What the front shows and where it leads."""

    listener: int  #: file descriptor of a listening TCP socket
    broker: str  #: path of the broker's Unix socket
    chains: list[tuple[str, str]]  #: certificate chain and key, paths of PEM files
    client_ca: str  #: path of the CA that signs clients, PEM
    domain: str  #: one label in front of it is the name that clients must ask for
    ciphers: str  #: TLS 1.2 suites in the order of preference, OpenSSL names
    tls13: bool  #: offer TLS 1.3 too


@dataclass
class Connection:
    """What is known about one connection; its fields are those of an event."""

    peer: str
    sni: str | None = None
    reason: str = ""
    known: dict[str, Any] = field(default_factory=dict)

    def tell(self, kind: str) -> None:
        """Print one event."""
        tell(kind, peer=self.peer, sni=self.sni, reason=self.reason, **self.known)


#: The connection whose handshake is running: OpenSSL's SNI callback is not told.
_handshaking: contextvars.ContextVar[Connection] = contextvars.ContextVar("_handshaking")


def tell(kind: str, **details: object) -> None:
    """Print one event as a line of JSON."""
    sys.stdout.write(json.dumps({"kind": kind, **details}) + "\n")
    sys.stdout.flush()


def context(settings: Settings) -> ssl.SSLContext:
    """Return the server's context: both chains, client certificate required, no resumption.

    A resumed session shows no certificate (RFC 5246 section 7.3), so a client would not notice
    that the server has changed; tickets are therefore off.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.maximum_version = ssl.TLSVersion.TLSv1_3 if settings.tls13 else ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_TICKET
    made.num_tickets = 0
    made.set_ciphers(settings.ciphers)
    for chain, key in settings.chains:
        made.load_cert_chain(chain, key)
    made.load_verify_locations(settings.client_ca)
    made.verify_mode = ssl.CERT_REQUIRED
    made.sni_callback = _NameCheck(settings.domain)
    return made


class _NameCheck:
    """Refuse a handshake for another name, as RFC 6066 section 3 lets a server do.

    The alert is ``unrecognized_name`` (112), fatal, for a missing name as well.
    """

    def __init__(self, domain: str) -> None:
        self._domain = domain.lower()

    def __call__(self, _: object, name: str | None, __: ssl.SSLContext) -> int | None:
        connection = _handshaking.get()
        connection.sni = name
        label, _dot, domain = (name or "").lower().partition(".")
        if label and domain == self._domain:
            return None
        connection.reason = "wrong-name" if name else "no-sni"
        return int(ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)


class Front:
    """Accept, shake hands, and splice each connection to one of its own at the broker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._context = context(settings)
        self._open: set[asyncio.Task[None]] = set()

    async def accept(self) -> None:
        """Accept until cancelled. Other processes may accept from the same socket."""
        loop = asyncio.get_running_loop()
        with socket.socket(fileno=self._settings.listener) as listener:
            listener.setblocking(False)
            while True:
                try:
                    accepted, peer = await loop.sock_accept(listener)
                except OSError:  # out of descriptors: who knocks waits in the kernel's queue
                    await asyncio.sleep(_BREATH)
                    continue
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                task = loop.create_task(self._serve(accepted, f"{peer[0]}:{peer[1]}"))
                self._open.add(task)
                task.add_done_callback(self._open.discard)

    async def finish(self) -> None:
        """Wait until the last connection has gone."""
        while self._open:
            await asyncio.wait(self._open)

    async def _serve(self, accepted: socket.socket, peer: str) -> None:
        connection = Connection(peer)
        _handshaking.set(connection)
        try:
            client = await self._handshake(accepted)
        except (OSError, ssl.SSLError) as error:
            connection.reason = connection.reason or reason(error)
            connection.tell("refused")
            return
        connection.known = negotiated(client[1])
        connection.tell("open")
        try:
            connection.reason = await self._carry(client)
        finally:
            connection.tell("closed")

    async def _handshake(self, accepted: socket.socket) -> _Stream:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_CHUNK)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol,
            accepted,
            ssl=self._context,
            ssl_handshake_timeout=_HANDSHAKE_TIMEOUT,
            ssl_shutdown_timeout=_CLOSE_TIMEOUT,
        )
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def _carry(self, client: _Stream) -> str:
        try:
            broker = await asyncio.open_unix_connection(self._settings.broker, limit=_CHUNK)
        except OSError as error:
            client[1].close()
            return f"no broker: {error.strerror}"
        try:
            await asyncio.gather(pump(client[0], broker[1]), pump(broker[0], client[1]))
        finally:
            broker[1].close()
            client[1].close()
        return ""


_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Carry bytes until the source ends, then end the sink; never more than it can take.

    A Unix socket is closed in this direction only. TLS has no half-close (RFC 5246 section
    7.2.1: the other side answers close_notify at once), so there the connection is closed.
    """
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := await source.read(_CHUNK):
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
            return
    sink.close()
    with contextlib.suppress(OSError, ssl.SSLError):
        await sink.wait_closed()


def negotiated(writer: asyncio.StreamWriter) -> dict[str, Any]:
    """Return protocol, suite and the client's common name."""
    cipher, version, _ = writer.get_extra_info("cipher")
    subject = writer.get_extra_info("peercert")["subject"]
    names = {key: value for part in subject for key, value in part}
    return {"tls": version, "cipher": cipher, "thing": names.get("commonName")}


def reason(error: BaseException) -> str:
    """Return why a handshake failed, in OpenSSL's words: ``no-shared-cipher``."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate-verify-failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", "-")
    return str(error) or type(error).__name__


async def run(settings: Settings, commands: asyncio.StreamReader) -> None:
    """Serve until told to drain, or until nobody holds the other end of ``commands``."""
    front = Front(settings)
    accepting = asyncio.create_task(front.accept())
    tell("ready")
    if not await commands.readline():
        return
    accepting.cancel()
    await asyncio.wait([accepting])
    tell("draining")
    finished = asyncio.create_task(front.finish())
    gone = asyncio.create_task(commands.read())
    await asyncio.wait([finished, gone], return_when=asyncio.FIRST_COMPLETED)


async def _main() -> None:
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader(limit=_SETTINGS_LIMIT)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    await run(Settings(**json.loads(await commands.readline())), commands)


if __name__ == "__main__":
    asyncio.run(_main())
