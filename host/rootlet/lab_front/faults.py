"""What a front does wrong on purpose, and in which flight.

::

    client                      front           ``at``
    TCP SYN        ---------->                  accept       before anything is read
    ClientHello    ---------->                  hello        in place of ServerHello
                   <----------  ServerHello,
                                Certificate, .. certificate  after half of this flight
    Certificate, Finished --->                  finished     in place of the last flight
                   <----------  Finished
    CONNECT        ---------->                  connack      in place of CONNACK
    PUBLISH        ---------->                  publish      in place of PUBACK
    SUBSCRIBE      ---------->                  subscribe    in place of SUBACK

(RFC 5246 section 7.3. In TLS 1.3 the server's Finished is in its first flight, so ``finished``
is not reached. AWS IoT closes at a PUBLISH or SUBSCRIBE that no policy allows.)
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rootlet.lab_front.tls import Tls

_FLIGHTS = {"hello": 1, "certificate": 1, "finished": 2}  # the server's flights, from 1
_PIECE, _PAUSE = 64, 0.02  # bytes and seconds of a slow front: 25 kbit/s
_BANNER = b"220 mail.example.com ESMTP ready\r\n" * 8
#: MQTT 3.1.1 section 3.2.2.3: connection refused, not authorized.
_NOT_AUTHORIZED = b"\x20\x02\x00\x05"


class Misbehaved(Exception):  # noqa: N818 - it is no error: it is what was asked for
    """The front has come to the flight in which it misbehaves."""


class Fault:
    """What to do with one connection; ``does`` nothing: behave."""

    def __init__(self, does: str = "", at: str = "") -> None:
        self.does, self.at = does, at
        self._flight = 0

    @property
    def words(self) -> str:
        """Both, for the log."""
        return f"{self.does} at {self.at}" if self.at else self.does

    def reach(self, moment: str) -> None:
        """Raise Misbehaved if it is to happen at this moment, outside a flight of TLS."""
        if moment == self.at:
            raise Misbehaved

    async def send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Send what TLS has written, or not; Misbehaved once it has come to that."""
        self._flight += 1
        if self._flight == _FLIGHTS.get(self.at):
            if self.at == "certificate":
                writer.write(data[: len(data) // 2])
                await writer.drain()
            raise Misbehaved
        pieces = [data] if self.does != "slow" else _cut(data)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            if len(pieces) > 1:
                await asyncio.sleep(_PAUSE)

    async def act(self, client: Tls) -> None:
        """Do it."""
        await _ACTS[self.does](client)


def _cut(data: bytes) -> list[bytes]:
    return [data[start : start + _PIECE] for start in range(0, len(data), _PIECE)]


async def _reset(client: Tls) -> None:
    # SO_LINGER of 0 seconds: close() sends RST (socket(7)).
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.abort()


async def _stall(client: Tls) -> None:
    await client.gone()


async def _close(client: Tls) -> None:
    await client.end()


async def _refuse(client: Tls) -> None:
    await client.write(_NOT_AUTHORIZED)
    await client.end()


async def _speak_plainly(client: Tls) -> None:
    await client.say(_BANNER)
    await client.gone()


_ACTS: dict[str, Callable[[Tls], Awaitable[None]]] = {
    "reset": _reset,
    "stall": _stall,
    "close": _close,
    "refuse": _refuse,
    "plain": _speak_plainly,
}
