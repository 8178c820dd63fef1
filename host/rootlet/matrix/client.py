"""What a client of the matrix is, and what it is given for one attempt."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from rootlet import identity
from rootlet.build import Request, build
from rootlet.matrix.verdict import GENUINE
from rootlet.words import plain
from urootlet.format_cpython import BUNDLE_FILE as BUNDLE
from urootlet.format_cpython import CERTIFICATE_FILE as CERTIFICATE
from urootlet.format_cpython import KEY_FILE as KEY
from urootlet.format_cpython import SETTINGS_FILE as SETTINGS
from urootlet.session import Config

if TYPE_CHECKING:
    from collections.abc import Callable

    from rootlet.board import Board
    from rootlet.lab import Identity, Lab
    from rootlet.lab.scenarios import Bundle, Scenario

#: The name under which every client of the matrix shows itself, and its MQTT client id.
THING = "rootlet-matrix"
TOPIC = "rootlet/matrix"


@dataclass(frozen=True)
class Kit:
    """All that one attempt needs: where to go, whom to trust, and who to be.

    ``anchors`` are ids and original certificates (DER) of what the scenario's bundle holds;
    ``created`` is the bundle's, in Unix seconds; ``timeout`` is in seconds.
    """

    host: str
    port: int
    endpoint: str
    hint: Bundle
    anchors: tuple[tuple[str, bytes], ...] = field(repr=False)
    identity: Identity = field(repr=False)
    created: int
    timeout: int

    @classmethod
    def of(cls, lab: Lab, hint: Bundle, who: Identity, created: int, timeout: int) -> Self:
        """Return the kit for a bundle of a running lab."""
        anchors = hint.anchors(lab.pki)
        return cls(lab.host, lab.port, lab.endpoint, hint, anchors, who, created, timeout)

    def files(self, board: Board) -> dict[str, bytes]:
        """Return what urootlet reads from its folder: bundle, identity and settings."""
        cert = self.identity.cert_der
        return {
            SETTINGS: self._settings(),
            CERTIFICATE: cert,
            KEY: identity.read_key(self.identity.key_der, "the lab's key", cert),
            BUNDLE: encode(board, self.anchors, self.hint.profile, self.created),
        }

    def _settings(self) -> bytes:
        values = {
            "endpoint": self.endpoint,
            "thing": THING,
            "address": self.host,
            "port": self.port,
            "timeout": self.timeout,
        }
        Config(values)
        return json.dumps(values, separators=(",", ":")).encode()


def encode(
    board: Board, anchors: tuple[tuple[str, bytes], ...], profile: str, created: int
) -> bytes:
    """Return an unsigned bundle of ``(name, DER)`` anchors, in the form that ``board`` takes."""
    request = Request(
        board,
        "none",
        created,
        files=anchors,
        profile=profile,
        target="lab",
        # The lab stops at TLS 1.2 except where it is told otherwise.
        endpoint_tls12=True,
    )
    return build(request).data


class Report(NamedTuple):
    """What a client says of itself: see ``Seen.code``; ``said`` is one line."""

    code: str | None
    said: str


class Client(Protocol):
    """Something that connects. A context manager that leaves things as it found them."""

    @property
    def name(self) -> str:
        """What to call it in a report."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def properties(self) -> dict[str, str]:
        """Return what a report should say about it: firmware, versions."""

    def lacks(self, scenario: type[Scenario]) -> str:
        """Return why a scenario does not apply to this client, or nothing."""

    def attempt(self, kit: Kit, decided: Callable[[], bool]) -> Report:
        """Connect once with what is in ``kit``.

        May return as soon as ``decided()`` says that the lab has seen enough, and does within a
        few times ``kit.timeout`` in any case. Nothing of it connects to the lab afterwards.
        """


def untold(scenario: type[Scenario]) -> str:
    """Return why a client that reports no codes cannot be judged on a scenario, or nothing.

    Where the server is the right one and fails all the same, no client gets through: all that
    a good one does better is to say why.
    """
    codes = getattr(scenario.expect, "codes", None)
    if codes and GENUINE.issuperset(codes):
        return "no client gets through, and this one reports no reason"
    return ""


def one_line(text: str, limit: int = 160) -> str:
    """Return the last line that says something, without control characters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    return plain(last)[:limit]
