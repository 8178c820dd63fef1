"""The main job from roots to a verified MQTT message, on real parts, one step at a time.

Each step is yielded when it was observed, and what was not observed raises: nothing here is
printed or assumed. The board is a virtual one; the endpoint is the lab's, whose certificates
have Amazon's names and other keys, so its roots come as files.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding

from rootlet import board as boards
from rootlet import bundle, flash, identity
from rootlet.boardio.remote import Remote
from rootlet.boardio.virtual import VirtualBoard
from rootlet.build import Request, build
from rootlet.errors import RootletError
from rootlet.lab import Hierarchy, Lab
from urootlet.format_cpython import BUNDLE_FILE as BUNDLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rootlet.lab import Subscriber

_THING = "demo-thing"
_TOPIC = "rootlet/demo"
_RSA_ROOT = "amazon-root-ca-1"
_ECC_ROOT = "amazon-root-ca-3"


@dataclass(frozen=True)
class Step:
    """One thing that was observed, and the seconds that it took."""

    what: str
    seen: str
    seconds: float


def run(folder: Path) -> Iterator[Step]:
    """Yield the steps of the demo; ``folder`` holds the board's flash and the lab's keys.

    Raises RootletError at the first step that does not show what it must.
    """
    with ExitStack() as stack:
        began = time.monotonic()
        pki = Hierarchy.load_or_create(folder / "lab")
        lab = stack.enter_context(Lab(pki=pki, preference="prefer-ecdsa"))
        board = stack.enter_context(VirtualBoard(folder / "board"))
        listener = stack.enter_context(lab.subscriber(_TOPIC))
        yield Step(
            "virtual board and lab started",
            f"{board.port}; {lab.endpoint} on {lab.host}:{lab.port}, "
            f"RSA and ECC certificates, prefers ECDSA, {lab.broker_kind} behind it",
            time.monotonic() - began,
        )
        yield from _Demo(lab, board.port, listener).steps()


class _Demo:
    """The steps, on a running lab and board."""

    def __init__(self, lab: Lab, port: str, listener: Subscriber) -> None:
        self._lab = lab
        self._port = port
        self._listener = listener
        self._names: dict[str, str] = {}
        self._sent = 0
        self._began = 0.0

    def steps(self) -> Iterator[Step]:
        yield self._step(self._real_bundle, "bundle built for AWS itself")
        yield self._step(self._first_flash, "lab bundle built and board flashed")
        yield self._step(self._same_again, "flashed again")
        yield self._step(self._verified, "TLS verified on the board, message published and seen")
        self._lab.serve(root="lookalike")
        yield self._step(self._lookalike, "look-alike root refused (same subject, other key)")
        self._lab.serve(root="genuine")
        yield self._step(
            self._rsa_with_profile, "RSA-only bundle works on a server that prefers ECDSA"
        )
        yield self._step(self._rsa_without_profile, "the same anchor without its cipher profile")

    def _step(self, observe: Any, what: str) -> Step:
        self._began = time.monotonic()
        seen = observe()
        return Step(what, seen, time.monotonic() - self._began)

    def _real_bundle(self) -> str:
        built = build(Request(boards.load("esp32"), "rsa", int(time.time())))
        anchor, size = built.anchors[0]
        return (
            f"{len(built.data)} bytes for esp32: {anchor.name}, {size} bytes instead of "
            f"{len(anchor.der)}, because --keys rsa needs no other root; cipher profile RSA"
        )

    def _first_flash(self) -> str:
        issued = self._lab.pki.issue_identity(_THING)
        cert = identity.read_certificate(issued.cert_der, "the lab's certificate")
        key = identity.read_key(issued.key_der, "the lab's key", cert)
        settings = identity.Settings(self._lab.endpoint, _THING, self._lab.host, self._lab.port)
        data = self._bundle((_RSA_ROOT, _ECC_ROOT), "both")
        self._contents = flash.contents(data, settings, cert, key)
        report = flash.flash(self._port, self._contents, lambda *_: None)
        _expect(report.written == list(self._contents), "not every file was written")
        return (
            f"{len(data)} bytes, 2 anchors; {len(report.written)} files, "
            f"{report.bytes_written} bytes written and compared on the board"
        )

    def _same_again(self) -> str:
        report = flash.flash(self._port, self._contents, lambda *_: None)
        _expect(not report.bytes_written, "an unchanged board was written to")
        return "up to date, 0 bytes written"

    def _verified(self) -> str:
        return self._publish(_ECC_ROOT, "ECDSA")

    def _lookalike(self) -> str:
        return self._refused("ROOT")

    def _rsa_with_profile(self) -> str:
        self._replace_bundle(self._bundle((_RSA_ROOT,), "rsa"))
        return self._publish(_RSA_ROOT, "RSA")

    def _rsa_without_profile(self) -> str:
        self._replace_bundle(self._bundle((_RSA_ROOT,), "both"))
        return "refused as it must be: " + self._refused("FAMILY")

    def _bundle(self, roots: tuple[str, ...], profile: str) -> bytes:
        """Build for the virtual board; the lab stops at TLS 1.2, so one family can be chosen."""
        files = []
        for root in roots:
            der = self._lab.pki.anchor(root).public_bytes(Encoding.DER)
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
        )
        return build(request).data

    def _replace_bundle(self, data: bytes) -> None:
        report = flash.flash(self._port, {**self._contents, BUNDLE: data}, lambda *_: None)
        _expect(report.written == [BUNDLE], "more than the bundle was written")

    def _publish(self, root: str, family: str) -> str:
        self._sent += 1
        message = f"hello {self._sent} over a chain that ends at {root}"
        answer = self._connect(message)
        _expect("code" not in answer, f"the board reports {answer}")
        _expect(self._names.get(answer["anchor"]) == root, f"the path ended at {answer}")
        _expect(f"-{family}-" in answer["suite"], f"the suite is {answer['suite']}")
        seen = self._listener.wait(self._sent, timeout=10)[-1]
        _expect(seen.payload.decode() == message, f"the subscriber saw {seen}")
        return (
            f"{answer['protocol']}, {answer['suite']}, path ends at {root}; "
            f"paho-mqtt saw {message!r} on {_TOPIC}"
        )

    def _refused(self, code: str) -> str:
        answer = self._connect("never to be seen")
        _expect(answer.get("code") == code, f"expected E-{code}, the board reports {answer}")
        _expect(len(self._listener.messages) == self._sent, "a message came through")
        return f"E-{code}: {answer['detail']}. {answer['advice']}"

    def _connect(self, message: str) -> dict[str, Any]:
        with Remote(self._port) as board:
            board.snippet("connect")
            printed = board.run(f"_connect({_TOPIC!r},{message!r})", silence=40)
        answer: dict[str, Any] = json.loads(printed.strip().splitlines()[-1])
        return answer


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise RootletError(
            "the demo did not show what it must",
            why=otherwise,
            hint="run it again with --debug in front: rootlet --debug demo",
        )
