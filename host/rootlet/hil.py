"""A board under test: flash it, connect it to the lab, run code on it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

from rootlet import board as boards
from rootlet import flash, identity
from rootlet.boardio.remote import Remote
from rootlet.errors import BoardError
from rootlet.matrix.client import encode

if TYPE_CHECKING:
    from rootlet.boardio.virtual import VirtualBoard
    from rootlet.lab import Lab
    from rootlet.lab.scenarios import Bundle

_SILENCE = 40.0  # seconds; the device's own limit is 20 for each step


class Connection(NamedTuple):
    """What ``urootlet.connect`` did on the board.

    Verified: ``code`` is empty, ``anchor`` is the SHA-256 in hex of the root that the path ended
    at. Refused: ``code`` is a row of ``urootlet.advice`` and ``detail`` says more.
    """

    code: str = ""
    detail: str = ""
    protocol: str = ""
    suite: str = ""
    anchor: str = ""

    @property
    def verified(self) -> bool:
        """Whether the board verified the server and the broker took its message."""
        return not self.code


class Board:
    """A board at a port. Raises BoardError when it does not answer.

    ``info`` is what it says of itself (platform, version, unique_id, heap_free, ...);
    ``virtual`` is the virtual board behind it, with power and clock, or None.
    """

    def __init__(self, port: str, virtual: VirtualBoard | None = None) -> None:
        self.port = port
        self.virtual = virtual
        with Remote(port) as board:
            self.info = board.probe()

    @property
    def firmware(self) -> str:
        """Such as ``MicroPython 1.26.1 on esp32``."""
        version = ".".join(map(str, self.info["version"]))
        return f"MicroPython {version} on {self.info['platform']}"

    def flash(self, lab: Lab, bundle: bytes, *, thing: str = "hil-board") -> flash.Report:
        """Put device package, ``bundle``, and an identity that ``lab`` knows on the board.

        These are the device's own files: a board with an identity of its own loses it.
        """
        issued = lab.pki.issue_identity(thing)
        key = identity.read_key(issued.key_der, "the lab's key", issued.cert_der)
        settings = identity.Settings(lab.endpoint, thing, lab.host, lab.port)
        files = flash.contents(bundle, settings, issued.cert_der, key)
        return flash.flash(self.port, files, lambda *_: None)

    def connect(self, topic: str = "rootlet/hil", message: str = "hello") -> Connection:
        """Connect with what was flashed, publish one message (QoS 1), and disconnect."""
        with Remote(self.port) as board:
            board.snippet("connect")
            printed = board.run(f"_connect({topic!r},{message!r})", silence=_SILENCE)
        try:
            answer = json.loads(printed.strip().splitlines()[-1])
            answer.pop("advice", None)
            return Connection(**answer)
        except (ValueError, IndexError, TypeError, AttributeError) as error:
            raise BoardError(
                f"{self.port}: the board's answer makes no sense", why=f"it printed {printed!r}"
            ) from error

    def run(self, code: str) -> str:
        """Run MicroPython code after a soft reset, and return what it printed."""
        with Remote(self.port) as board:
            return board.run(code)


def bundle_for(lab: Lab, hint: Bundle) -> bytes:
    """Return a bundle with the lab's roots for any board whose TLS stack is mbedTLS."""
    return encode(boards.load("virtual"), hint.anchors(lab.pki), hint.profile, int(time.time()))
