"""An MQTT 3.1.1 client for load: thousands in one process, over mutual TLS.

asyncio's TLS is OpenSSL over memory buffers, and its selector is epoll; paho-mqtt uses select(2),
which ends at descriptor 1,023: about 340 clients.
"""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl

_CONNACK, _PUBLISH, _PUBACK, _SUBACK = 2, 3, 4, 9  # packet types, section 2.2.1
_KEEP_ALIVE = 600  # seconds: nothing is pinged during a run


class Client:
    """One connection. ``received`` holds the payloads that have arrived."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.received: asyncio.Queue[bytes] = asyncio.Queue()
        self._acknowledged: asyncio.Queue[bytes] = asyncio.Queue()

    async def connect(self, address: tuple[str, int], context: ssl.SSLContext, sni: str) -> Self:
        """Shake hands and CONNECT; ConnectionError unless CONNACK says 0."""
        self._reader, self._writer = await asyncio.open_connection(
            *address, ssl=context, server_hostname=sni, ssl_handshake_timeout=120
        )
        variable = b"\0\4MQTT\4\2" + struct.pack("!H", _KEEP_ALIVE)
        self._writer.write(_packet(0x10, variable + _text(self.name)))
        kind, body = await self._read()
        if kind != _CONNACK or body != b"\0\0":
            raise ConnectionError(f"{self.name}: no CONNACK 0: {body.hex()}")
        return self

    async def subscribe(self, topic: str) -> None:
        """Subscribe at QoS 1, and read what comes from then on."""
        self._writer.write(_packet(0x82, b"\0\1" + _text(topic) + b"\1"))
        kind, _ = await self._read()
        if kind != _SUBACK:
            raise ConnectionError(f"{self.name}: no SUBACK")
        self._listening = asyncio.create_task(self._listen())

    async def publish(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 1 and wait for the acknowledgement."""
        self._writer.write(_packet(0x32, _text(topic) + b"\0\1" + payload))
        await self._acknowledged.get()

    async def close(self) -> None:
        """DISCONNECT, and close."""
        self._writer.write(b"\xe0\0")
        self._writer.close()
        if task := getattr(self, "_listening", None):
            task.cancel()
            await asyncio.wait([task])

    async def _listen(self) -> None:
        while True:
            kind, body = await self._read()
            if kind == _PUBACK:
                self._acknowledged.put_nowait(body)
            elif kind == _PUBLISH:
                length = 2 + struct.unpack("!H", body[:2])[0]
                self._writer.write(b"\x40\2" + body[length : length + 2])
                self.received.put_nowait(body[length + 2 :])

    async def _read(self) -> tuple[int, bytes]:
        first = (await self._reader.readexactly(1))[0]
        length = shift = 0
        while True:
            byte = (await self._reader.readexactly(1))[0]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return first >> 4, await self._reader.readexactly(length)


def _packet(first: int, body: bytes) -> bytes:
    length, encoded = len(body), bytearray()
    while True:
        length, digit = divmod(length, 128)
        encoded.append(digit | (128 if length else 0))
        if not length:
            return bytes([first, *encoded]) + body


def _text(value: str) -> bytes:
    return struct.pack("!H", len(value)) + value.encode()
