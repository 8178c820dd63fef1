"""What the demo works with: a lab, a virtual board, and somebody who listens."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding

from rootlet import board as boards
from rootlet import bundle, flash, identity
from rootlet.boardio.remote import Remote
from rootlet.build import Request, build
from rootlet.errors import RootletError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rootlet.boardio.virtual import VirtualBoard
    from rootlet.lab import Hierarchy, Lab, Subscriber

RSA_ROOT = "amazon-root-ca-1"
ECC_ROOT = "amazon-root-ca-3"
_THING = "demo-thing"


@dataclass(frozen=True)
class Step:
    """One thing that was observed, and the seconds that it took."""

    what: str
    seen: str
    seconds: float


def observe(what: str, look: Callable[[], str]) -> Step:
    """Return the step that ``look`` observes; what it raises propagates."""
    began = time.monotonic()
    seen = look()
    return Step(what, seen, time.monotonic() - began)


def expect(condition: bool, otherwise: str) -> None:
    """Raise RootletError unless ``condition`` holds."""
    if not condition:
        raise RootletError(
            "the demo did not show what it must",
            why=otherwise,
            hint="run it again with --debug in front: rootlet --debug demo",
        )


class Desk:
    """The lab, the board, and how to put things on it and see what it does."""

    TOPIC = "rootlet/demo"

    def __init__(self, lab: Lab, board: VirtualBoard, listener: Subscriber) -> None:
        self.lab = lab
        self.board = board
        self._listener = listener
        self._names: dict[str, str] = {}
        self._sent = 0

    def bundle(
        self,
        roots: tuple[str, ...],
        profile: str,
        *,
        pki: Hierarchy | None = None,
        signing: bundle.Signing | None = None,
    ) -> bytes:
        """Build for the virtual board; the lab stops at TLS 1.2, so one family can be chosen."""
        files = []
        for root in roots:
            der = (pki or self.lab.pki).anchor(root).public_bytes(Encoding.DER)
            self._names[bundle.sha256(der)] = root
            files.append((f"the lab's {root}", der))
        request = Request(
            boards.load("virtual"),
            "none",
            int(time.time()),
            files=tuple(files),
            profile=profile,
            target="demo",
            endpoint_tls12=True,
            signing=signing,
        )
        return build(request).data

    def contents(self, data: bytes, keys: bytes = b"", recovery: str = "") -> dict[str, bytes]:
        """Return all that the board gets with this bundle: a new identity of the lab's, too."""
        issued = self.lab.pki.issue_identity(_THING)
        cert = identity.read_certificate(issued.cert_der, "the lab's certificate")
        key = identity.read_key(issued.key_der, "the lab's key", cert)
        settings = identity.Settings(
            self.lab.endpoint,
            _THING,
            self.lab.host,
            self.lab.port,
            recovery=(recovery,) if recovery else (),
        )
        return flash.contents(data, settings, cert, key, keys)

    def flash(self, contents: dict[str, bytes], keys: bytes = b"") -> flash.Report:
        """Bring the board up to date."""
        return flash.flash(self.board.port, contents, lambda *_: None, keys=keys)

    def publish(self, root: str, *, rotating: bool = False) -> dict[str, Any]:
        """Let the board send a message that must arrive, over a path that must end at ``root``."""
        self._sent += 1
        message = f"hello {self._sent} over a chain that ends at {root}"
        answer = self._connect(message, rotating)
        expect("code" not in answer, f"the board reports {answer}")
        expect(self._names.get(answer["anchor"]) == root, f"the path ended at {answer}")
        seen = self._listener.wait(self._sent, timeout=10)[-1]
        expect(seen.payload.decode() == message, f"the subscriber saw {seen}")
        answer["seen"] = f"path ends at {root}; paho-mqtt saw {message!r} on {self.TOPIC}"
        return answer

    def refused(self, code: str) -> str:
        """Let the board try to send a message; it must refuse with ``code``."""
        answer = self._connect("never to be seen", rotating=False)
        expect(answer.get("code") == code, f"expected E-{code}, the board reports {answer}")
        expect(len(self._listener.messages) == self._sent, "a message came through")
        return f"E-{code}: {answer['detail']}. {answer['advice']}"

    def _connect(self, message: str, rotating: bool) -> dict[str, Any]:
        with Remote(self.board.port) as board:
            board.snippet("connect")
            printed = board.run(f"_connect({self.TOPIC!r},{message!r},'',{rotating})", silence=60)
            answer: dict[str, Any] = board.parse(printed, dict)
        return answer
