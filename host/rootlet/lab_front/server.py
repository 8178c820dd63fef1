"""The TLS front as a program of its own: it ends TLS, and carries the bytes to the broker.

Run by ``rootlet.lab.front`` as a file, with nothing but the standard library, in a process of
its own because two things hold for a whole process: ``OPENSSL_CONF``, the only way that Python
has to choose signature algorithms, and that its limits and its load stay apart from a test's.

Standard input is the lease: the first line holds the settings (``Settings`` as JSON), the line
``drain`` ends accepting and the process after its last connection, and end of file ends it at
once, so that it does not outlive whoever started it. Standard output is one JSON object a line
for each event: ``ready``, ``open``, ``spoke`` (the client's first bytes after the handshake),
``refused``, ``closed``, ``draining``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import ssl
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_Result = TypeVar("_Result")
_Subject = tuple[tuple[tuple[str, str], ...], ...]  # as SSLSocket.getpeercert gives it

_SETTINGS_LIMIT = 65_536  # bytes of the first line
_CHUNK = 65_536  # bytes carried at once; a reader reads ahead at most twice that
_HANDSHAKE_TIMEOUT = 15.0  # seconds; an ESP32 needs two for RSA
_BREATH = 0.05  # seconds
_CLOSE_TIMEOUT = 10.0  # seconds for the other side to end, once one side has


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


class Hello(ssl.SSLObject):
    """The TLS state of one connection, and what its client asked for."""

    sni: str | None = None
    refusal = ""


def tell(kind: str, **details: object) -> None:
    """Print one event as a line of JSON."""
    sys.stdout.write(json.dumps({"kind": kind, **details}) + "\n")
    sys.stdout.flush()


def context(settings: Settings) -> ssl.SSLContext:
    """Return the server's context: both chains, client certificate required, no tickets.

    A resumed session shows no certificate (RFC 5246 section 7.3), so a client would not notice
    that the server has changed.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.maximum_version = ssl.TLSVersion.TLSv1_3 if settings.tls13 else ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    made.num_tickets = 0
    made.set_ciphers(settings.ciphers)
    for chain, key in settings.chains:
        made.load_cert_chain(chain, key)
    made.load_verify_locations(settings.client_ca)
    made.verify_mode = ssl.CERT_REQUIRED
    made.sslobject_class = Hello
    made.sni_callback = _NameCheck(settings.domain)
    return made


class _NameCheck:
    """Refuse a handshake for another name, as RFC 6066 section 3 lets a server do.

    The alert is ``unrecognized_name`` (112), fatal, for a missing name as well.
    """

    def __init__(self, domain: str) -> None:
        self._domain = domain.lower()

    def __call__(self, hello: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        hello = cast("Hello", hello)
        hello.sni = name
        label, _dot, domain = (name or "").lower().partition(".")
        if label and domain == self._domain:
            return None
        hello.refusal = "wrong-name" if name else "no-sni"
        return int(ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)


class Tls:
    """The server's side of TLS over a pair of asyncio streams.

    asyncio's own drops the alert of a handshake that fails, and the alert is what tells a
    client why; here ``close`` sends whatever OpenSSL has written.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, made: ssl.SSLContext
    ) -> None:
        self._reader, self._writer = reader, writer
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.hello = cast("Hello", made.wrap_bio(self._arrived, self._leaving, server_side=True))

    async def handshake(self) -> None:
        """Shake hands; ssl.SSLError, OSError or TimeoutError if that fails."""
        async with asyncio.timeout(_HANDSHAKE_TIMEOUT):
            await self._run(self.hello.do_handshake)

    async def read(self) -> bytes:
        """Return what has arrived, at most 64 KiB, or nothing after close_notify or the end."""
        try:
            return await self._run(lambda: self.hello.read(_CHUNK))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    async def write(self, data: bytes) -> None:
        """Send, waiting while the client does not take it."""
        self.hello.write(data)
        await self._flush()

    async def end(self) -> None:
        """Send close_notify and FIN: nothing more will come from here."""
        with contextlib.suppress(ssl.SSLError):
            self.hello.unwrap()  # raises that it would wait for the client's close_notify
        await self._flush()
        self._writer.write_eof()

    async def close(self) -> None:
        """Close the socket once the client has, or has had the time.

        Closing while its bytes are unread would reset the connection (RFC 1122 section
        4.2.2.13), and that would destroy the last words on their way to it.
        """
        with contextlib.suppress(OSError):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self.end()
                while await self._reader.read(_CHUNK):
                    pass
        await closed(self._writer)

    async def _run(self, step: Callable[[], _Result]) -> _Result:
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            else:
                await self._flush()
                return done

    async def _fill(self) -> None:
        if data := await self._reader.read(_CHUNK):
            self._arrived.write(data)
        else:
            self._arrived.write_eof()

    async def _flush(self) -> None:
        if data := self._leaving.read():
            self._writer.write(data)
            await self._writer.drain()


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
                task = loop.create_task(self._serve(accepted, f"{peer[0]}:{peer[1]}"))
                self._open.add(task)
                task.add_done_callback(self._open.discard)

    async def finish(self) -> None:
        """Wait until the last connection has gone."""
        while self._open:
            await asyncio.wait(self._open)

    async def _serve(self, accepted: socket.socket, peer: str) -> None:
        streams = await asyncio.open_connection(sock=accepted, limit=_CHUNK)
        client = Tls(*streams, self._context)
        try:
            await client.handshake()
        except OSError as error:  # TimeoutError and ssl.SSLError are OSErrors
            why = client.hello.refusal or reason(error)
            tell("refused", peer=peer, sni=client.hello.sni, reason=why)
        else:
            known = {"peer": peer, "sni": client.hello.sni, **negotiated(client.hello)}
            tell("open", **known)
            tell("closed", **known, reason=await self._carry(client, known))
        finally:
            await client.close()

    async def _carry(self, client: Tls, known: dict[str, str | None]) -> str:
        try:
            reader, writer = await asyncio.open_unix_connection(
                self._settings.broker, limit=_CHUNK
            )
        except OSError as error:
            return f"no broker: {error.strerror}"

        spoken = False

        async def to_broker(data: bytes) -> None:
            nonlocal spoken
            if not spoken:
                spoken = True
                tell("spoke", **known)
            writer.write(data)
            await writer.drain()

        async def end_broker() -> None:
            writer.write_eof()

        await both(
            pump(client.read, to_broker, end_broker),
            pump(lambda: reader.read(_CHUNK), client.write, client.end),
        )
        await closed(writer)
        return ""


async def pump(
    read: Callable[[], Awaitable[bytes]],
    write: Callable[[bytes], Awaitable[None]],
    end: Callable[[], Awaitable[None]],
) -> None:
    """Carry bytes in one direction until they end, then pass on that they have."""
    with contextlib.suppress(OSError):  # either side has gone, which ends this direction too
        while data := await read():
            await write(data)
    with contextlib.suppress(OSError):
        await end()


async def both(*directions: Awaitable[None]) -> None:
    """Run both directions; when one has ended, the other has 10 s to follow."""
    tasks = [asyncio.ensure_future(each) for each in directions]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait(tasks, timeout=_CLOSE_TIMEOUT)
    finally:
        for task in tasks:
            task.cancel()


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close a stream, whatever state it is in."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def negotiated(hello: ssl.SSLObject) -> dict[str, str | None]:
    """Return protocol, suite and the client's common name."""
    cipher = hello.cipher()
    subject = cast("_Subject", (hello.getpeercert() or {}).get("subject", ()))
    names = {key: value for part in subject for key, value in part}
    return {
        "tls": hello.version(),
        "cipher": cipher[0] if cipher else "",
        "thing": names.get("commonName"),
    }


def reason(error: OSError) -> str:
    """Return why a handshake failed, in OpenSSL's words: ``no-shared-cipher``."""
    if isinstance(error, TimeoutError):
        return "handshake-timeout"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate-verify-failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", "-")
    return error.strerror or type(error).__name__


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
    os._exit(0)  # nobody is left to wait for: the kernel closes what is still open


if __name__ == "__main__":
    asyncio.run(_main())
