"""A device in memory with a certificate of its own, and a server that takes those it is told."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from rotation_world import (
    CA3,
    CREATED,
    REVOKE,
    Board,
    Server,
    anchor,
    leaf,
    offered,
)
from urootlet.errors import Error
from urootlet.renewal import Renewal

if TYPE_CHECKING:
    import pytest

    from urootlet.rotation import Rotation

OLD_CERT, NEW_CERT, NEXT_CERT = (leaf(CREATED + n) for n in range(3))
OLD_KEY, NEW_KEY, NEXT_KEY = (b"\x30\x03\x02\x01" + bytes((n,)) for n in range(3))
HURRY = 900
REVOKING = offered((CA3,), 2, flags=REVOKE)


class OwnedDevice(Board):
    """A board with a certificate; ``accepted`` are those that the server takes."""

    def __init__(self) -> None:
        super().__init__()
        self.accepted = [OLD_CERT]
        self.refusal = "CLIENTCERT"
        self.link.answer = self.answer
        self.link.cert, self.link.key = OLD_CERT, OLD_KEY
        self.hooked: list[str] = []

    def boot(self) -> Rotation:
        trust = super().boot()
        self.link.cert, self.link.key = self.flashed
        names = ("on_offer", "on_trial", "on_confirm", "on_parked", "on_error")
        hooks = {name: lambda *_, name=name: self.hooked.append(name) for name in names}
        self.renewal = Renewal(trust, hooks)
        return trust

    flashed = (OLD_CERT, OLD_KEY)

    def answer(self, found: Any, _application: bool) -> Server | Error:
        """The server refuses who has passed its own name and roots, as in TLS."""
        server = self.link.server
        held = [found.original(index) for index in range(len(found.anchors))]
        known = server.root and anchor(server.root).original in held
        return Error(self.refusal) if known and self.link.cert not in self.accepted else server

    def connect(self) -> str:
        try:
            self.renewal.connect()
        except Error as error:
            return error.code
        return ""

    @property
    def serves(self) -> bytes:
        """The certificate that the last connection was made with."""
        return self.link.cert


def fill(device: OwnedDevice, patch: pytest.MonkeyPatch, writes: int) -> None:
    """Let the flash be full after so many writes."""
    write = device.flash.write
    left = iter(range(writes))

    def until_full(name: str, data: bytes) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "no space")
        write(name, data)

    patch.setattr(device.flash, "write", until_full)
