"""The link of one device: a port of its own, whose connections lead to the lab."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

from fleet.conditions import RESET

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOPBACK = "127.0.0.1"


class Link:
    """Carries bytes both ways and counts them; a connection begun while ``bad`` is spoilt.

    ``up`` and ``down`` are bytes of TLS, from and to the device, without the headers of TCP and
    IP. A spoilt connection is reset, or nothing more comes, once ``cut`` bytes have come down.
    """

    def __init__(self, lab: tuple[str, int], kind: str, cut: int) -> None:
        self.up = self.down = self.connections = self.spoilt = 0
        self.bad = False
        self.lab, self.kind, self.cut = lab, kind, cut
        self.under_way: set[asyncio.Task[None]] = set()

    async def open(self) -> int:
        """Listen on a port of loopback, and return it."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self).device, _LOOPBACK)
        return int(self._server.sockets[0].getsockname()[1])


class _Connection:
    """One connection of the device, and the one to the lab that carries it on."""

    def __init__(self, link: Link) -> None:
        self._link = link
        link.connections += 1
        self._left = link.cut if link.bad else -1  # bytes to come before it is spoilt
        self.device = _End(self._to_lab, self._end, self._begin)
        self._lab = _End(self._to_device, self._end, lambda: None)

    def _begin(self) -> None:
        task = asyncio.create_task(self._reach())
        self._link.under_way.add(task)
        task.add_done_callback(self._link.under_way.discard)

    async def _reach(self) -> None:
        try:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: self._lab, *self._link.lab)
        except OSError:
            self._end()

    def _to_lab(self, data: bytes) -> None:
        self._link.up += len(data)
        self._lab.write(data)

    def _to_device(self, data: bytes) -> None:
        if self._left >= 0:
            data = self._cut(data)
        self._link.down += len(data)
        self.device.write(data)

    def _cut(self, data: bytes) -> bytes:
        """Return what still gets through of a connection that is spoilt."""
        if len(data) <= self._left:
            self._left -= len(data)
            return data
        if self._left:
            data, self._left = data[: self._left], 0
            self._link.spoilt += 1
            if self._link.kind == RESET:
                self.device.reset()
            return data
        return b""

    def _end(self) -> None:
        self.device.close()
        self._lab.close()


class _End(asyncio.Protocol):
    """One side of a connection: what arrives goes to ``take``; ``end`` is told that it is over."""

    def __init__(
        self, take: Callable[[bytes], None], end: Callable[[], None], begin: Callable[[], None]
    ) -> None:
        self._take, self._over, self._begin = take, end, begin
        self._transport: asyncio.Transport | None = None
        self._waiting: list[bytes] = []  # what was written before the connection stood
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.writelines(self._waiting)
        if self._closed:
            self._transport.close()
        self._begin()

    def data_received(self, data: bytes) -> None:
        self._take(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._over()

    def write(self, data: bytes) -> None:
        """Send, now or once the connection stands."""
        if self._transport is None:
            self._waiting.append(data)
        elif data:
            self._transport.write(data)

    def close(self) -> None:
        """Close after what is still to be sent."""
        self._closed = True
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """Send RST: with SO_LINGER of 0 seconds close() does, socket(7)."""
        if self._transport is not None:
            made = self._transport.get_extra_info("socket")
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
