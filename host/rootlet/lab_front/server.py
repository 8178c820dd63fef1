"""Accept, shake hands, and splice each connection to one of its own at the broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import socket
import ssl
import sys
from typing import TYPE_CHECKING, cast

from rootlet.lab_front.faults import Fault, Misbehaved
from rootlet.lab_front.packets import Packets
from rootlet.lab_front.tls import CHUNK, Tls, closed, context

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rootlet.lab_front.settings import Settings

_Subject = tuple[tuple[tuple[str, str], ...], ...]  # as SSLSocket.getpeercert gives it

_CONNECT_TIMEOUT = 30.0  # seconds from the handshake to MQTT's CONNECT
_BREATH = 0.05  # seconds
_CLOSE_TIMEOUT = 10.0  # seconds for the other side to end, once one side has


def tell(kind: str, **details: object) -> None:
    """Print one event as a line of JSON."""
    sys.stdout.write(json.dumps({"kind": kind, **details}) + "\n")
    sys.stdout.flush()


class Front:
    """One process of the front; others may accept from the same sockets."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: set[asyncio.Task[None]] = set()
        self._full = False

    async def accept(self) -> None:
        """Accept on every listener until cancelled."""
        await asyncio.gather(*(self._accept(*each) for each in self._settings.listeners))

    async def _accept(self, descriptor: int, alpn: str) -> None:
        loop, made = asyncio.get_running_loop(), context(self._settings, alpn)
        with socket.socket(fileno=descriptor) as listener:
            listener.setblocking(False)
            while True:
                try:
                    accepted, peer = await loop.sock_accept(listener)
                except OSError as error:  # who knocks waits in the kernel's queue
                    self._tell_full(error)
                    await asyncio.sleep(_BREATH)
                    continue
                task = loop.create_task(self._serve(accepted, f"{peer[0]}:{peer[1]}", made, alpn))
                self._open.add(task)
                task.add_done_callback(self._open.discard)

    def _tell_full(self, error: OSError) -> None:
        if not self._full:
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            why = f"{error.strerror}; the limit is {limit}, and each client takes two (ulimit -n)"
            tell("full", reason=why)
        self._full = True

    async def finish(self) -> None:
        """Wait until the last connection has gone."""
        while self._open:
            await asyncio.wait(self._open)

    async def _serve(
        self, accepted: socket.socket, peer: str, made: ssl.SSLContext, alpn: str
    ) -> None:
        fault = Fault(**self._settings.fault)
        client = Tls(await asyncio.open_connection(sock=accepted, limit=CHUNK), made, fault)
        try:
            fault.reach("accept")
            await client.handshake()
        except Misbehaved:
            tell("fault", peer=peer, sni=client.hello.sni, reason=fault.words)
            await fault.act(client)
        except OSError as error:  # TimeoutError and ssl.SSLError are OSErrors
            why = client.hello.refusal or reason(error)
            tell("refused", peer=peer, sni=client.hello.sni, reason=why)
        else:
            if alpn and client.hello.selected_alpn_protocol() != alpn:
                tell("refused", peer=peer, sni=client.hello.sni, reason="no-alpn")
            else:
                known = {"peer": peer, "sni": client.hello.sni, **negotiated(client.hello)}
                tell("open", **known)
                tell("closed", **known, reason=await self._carry(client, fault, known))
        finally:
            await client.close()

    async def _carry(self, client: Tls, fault: Fault, known: dict[str, str | None]) -> str:
        """Carry both ways until the end; return what was wrong with that, or nothing."""
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                first = await client.read()
        except OSError as error:
            return reason(error)
        if first:
            tell("spoke", **known)
        if fault.at == "connack":
            await fault.act(client)
            return fault.words
        try:
            reader, writer = await to_unix(self._settings.broker)
        except OSError as error:
            return f"no broker: {error.strerror}"

        async def to_broker(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        async def end_broker() -> None:
            writer.write_eof()

        packets = Packets()

        async def from_client() -> bytes:
            data = await client.read()
            if fault.at not in packets.begun(data):
                return data
            tell("fault", **known, reason=fault.words)
            await fault.act(client)
            return b""

        packets.begun(first)
        writer.write(first)
        await both(
            pump(from_client, to_broker, end_broker),
            pump(lambda: reader.read(CHUNK), client.write, client.end),
        )
        await closed(writer)
        return ""


async def to_unix(path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a Unix socket, waiting while its queue is full.

    The kernel then says EAGAIN and nothing is under way (connect(2)); asyncio would take the
    socket for one that connects soon, and its first write would fail.
    """
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    try:
        while True:
            try:
                connection.connect(path)
            except BlockingIOError:
                await asyncio.sleep(_BREATH)
            else:
                return await asyncio.open_connection(sock=connection, limit=CHUNK)
    except BaseException:
        connection.close()
        raise


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
