"""The server's side of TLS over a pair of asyncio streams, with alerts and with faults."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from rootlet.lab_front.faults import Fault
    from rootlet.lab_front.settings import Settings

_Result = TypeVar("_Result")

_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
CHUNK = 65_536  # bytes carried at once; a reader reads ahead at most twice that
_HANDSHAKE_TIMEOUT = 15.0  # seconds; an ESP32 needs two for RSA
_CLOSE_TIMEOUT = 10.0  # seconds for the other side to end, once one side has


class Hello(ssl.SSLObject):
    """The TLS state of one connection, and what its client asked for."""

    sni: str | None = None
    refusal = ""


def context(settings: Settings, alpn: str) -> ssl.SSLContext:
    """Return the server's context: both chains, client certificate required, no tickets.

    ``alpn`` is the protocol that clients must name, or nothing.
    A resumed session shows no certificate (RFC 5246 section 7.3), so a client would not notice
    that the server has changed.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version, made.maximum_version = (_VERSIONS[each] for each in settings.versions)
    made.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    made.num_tickets = 0
    made.set_ciphers(settings.ciphers)
    for chain, key in settings.chains:
        made.load_cert_chain(chain, key)
    made.load_verify_locations(settings.client_ca)
    made.verify_mode = ssl.CERT_REQUIRED if settings.asks_client else ssl.CERT_NONE
    made.sslobject_class = Hello
    made.sni_callback = _NameCheck(settings.domain if settings.knows_name else "")
    if alpn:
        made.set_alpn_protocols([alpn])
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
        if label and domain and domain == self._domain:
            return None
        hello.refusal = "wrong-name" if name else "no-sni"
        return int(ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)


class Tls:
    """The server's side of TLS over a pair of asyncio streams.

    asyncio's own drops the alert of a handshake that fails, and the alert is what tells a
    client why; here ``close`` sends whatever OpenSSL has written.
    """

    def __init__(
        self,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        made: ssl.SSLContext,
        fault: Fault,
    ) -> None:
        self._reader, self._writer = streams
        self._fault = fault
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.hello = cast("Hello", made.wrap_bio(self._arrived, self._leaving, server_side=True))

    async def handshake(self) -> None:
        """Shake hands; ssl.SSLError, OSError or TimeoutError if that fails."""
        async with asyncio.timeout(_HANDSHAKE_TIMEOUT):
            await self._run(self.hello.do_handshake)

    async def read(self) -> bytes:
        """Return what has arrived, at most 64 KiB, or nothing after close_notify or the end."""
        try:
            return await self._run(lambda: self.hello.read(CHUNK))
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
                while await self._reader.read(CHUNK):
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
        if data := await self._reader.read(CHUNK):
            self._arrived.write(data)
        else:
            self._arrived.write_eof()

    async def _flush(self) -> None:
        if data := self._leaving.read():
            await self._fault.send(self._writer, data)

    # What a fault does to the connection below TLS.

    @property
    def socket(self) -> socket.socket:
        """The TCP socket."""
        found: socket.socket = self._writer.get_extra_info("socket")
        return found

    def abort(self) -> None:
        """Close at once, whatever has not been sent."""
        self._writer.transport.abort()

    async def say(self, words: bytes) -> None:
        """Send bytes that are no TLS."""
        self._writer.write(words)
        await self._writer.drain()

    async def gone(self) -> None:
        """Return when the client has ended the connection; what it says is dropped."""
        with contextlib.suppress(OSError):
            while await self._reader.read(CHUNK):
                pass


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close a stream, whatever state it is in."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
