"""An MQTT 3.1.1 client for load: thousands in one process, over mutual TLS.

asyncio's TLS is OpenSSL over memory buffers, and its selector is epoll; paho-mqtt uses select(2),
which ends at descriptor 1,023: about 340 clients.
"""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    import ssl

_CONNACK, _PUBLISH, _PUBACK, _SUBACK = 2, 3, 4, 9  # packet types, section 2.2.1
_FAILURE = 0x80  # return code of SUBACK, section 3.9.3
_KEEP_ALIVE = 600  # seconds: nothing is pinged during a run


class Message(NamedTuple):
    """What arrived, and where."""

    topic: bytes
    payload: bytes


class Client:
    """One connection."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._received: asyncio.Queue[Message | None] = asyncio.Queue()
        self._acknowledged: asyncio.Queue[bytes] = asyncio.Queue()
        self._listening: asyncio.Task[None] | None = None

    async def connect(self, address: tuple[str, int], context: ssl.SSLContext, sni: str) -> Self:
        """Shake hands and CONNECT; ConnectionError unless CONNACK says 0."""
        self._reader, self._writer = await asyncio.open_connection(
            *address, ssl=context, server_hostname=sni, ssl_handshake_timeout=120
        )
        try:
            await self._greet()
        except BaseException:
            self._writer.close()
            raise
        return self

    async def _greet(self) -> None:
        variable = b"\0\4MQTT\4\2" + struct.pack("!H", _KEEP_ALIVE)
        self._writer.write(_packet(0x10, variable + _text(self.name)))
        first, body = await self._read()
        if first >> 4 != _CONNACK or body != b"\0\0":
            raise ConnectionError(f"{self.name}: no CONNACK 0: {body.hex()}")

    async def subscribe(self, *filters: str) -> None:
        """Subscribe to all at once at QoS 1, once, and read what comes from then on."""
        wanted = b"".join(_text(each) + b"\1" for each in filters)
        self._writer.write(_packet(0x82, b"\0\1" + wanted))
        while True:
            first, body = await self._read()
            if first >> 4 == _SUBACK:
                break
            self._take(first, body)  # a message may come before it: section 3.8.4
        if _FAILURE in body[2:]:
            raise ConnectionError(f"{self.name}: no SUBACK: {body.hex()}")
        self._listening = asyncio.create_task(self._listen())

    async def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        """Publish; at QoS 1 wait for the acknowledgement."""
        number = b"\0\1" if qos else b""
        self._writer.write(_packet(0x30 | qos << 1, _text(topic) + number + payload))
        await (self._acknowledged.get() if qos else self._writer.drain())

    async def message(self) -> Message:
        """Return the next message; ConnectionError once the connection has ended."""
        found = await self._received.get()
        if found is None:
            self._received.put_nowait(None)  # for whoever asks next
            raise ConnectionError(f"{self.name}: the connection has ended")
        return found

    async def close(self) -> None:
        """DISCONNECT, and close."""
        self._writer.write(b"\xe0\0")
        self._writer.close()
        if self._listening:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    def abort(self) -> None:
        """End the connection without a word, as a power cut does."""
        self._writer.transport.abort()

    async def _listen(self) -> None:
        try:
            while True:
                self._take(*await self._read())
        except (OSError, EOFError):
            self._received.put_nowait(None)

    def _take(self, first: int, body: bytes) -> None:
        if first >> 4 == _PUBACK:
            self._acknowledged.put_nowait(body)
        elif first >> 4 == _PUBLISH:
            end = 2 + struct.unpack("!H", body[:2])[0]
            begin = end
            if first & 6:  # QoS 1: section 3.3.1.2
                begin += 2
                self._writer.write(b"\x40\2" + body[end:begin])
            self._received.put_nowait(Message(body[2:end], body[begin:]))

    async def _read(self) -> tuple[int, bytes]:
        first = (await self._reader.readexactly(1))[0]
        length = shift = 0
        while True:
            byte = (await self._reader.readexactly(1))[0]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return first, await self._reader.readexactly(length)


def _packet(first: int, body: bytes) -> bytes:
    length, encoded = len(body), bytearray()
    while True:
        length, digit = divmod(length, 128)
        encoded.append(digit | (128 if length else 0))
        if not length:
            return bytes([first, *encoded]) + body


def _text(value: str) -> bytes:
    return struct.pack("!H", len(value)) + value.encode()
