"""Offering signed files to a board at its prompt, and asking what became of them.

The board decides, by its own code; its program is interrupted for it and started again after.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rootlet import signing
from rootlet.boardio import trust
from rootlet.boardio.remote import Remote
from rootlet.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Answer:
    """What a board said to an offer: whether it was new there, and its state since."""

    new: bool
    state: str
    key_set: bool


@dataclass(frozen=True)
class Held:
    """What a board has: the bundle that it connects with, its status, and what machine it is."""

    active: bytes
    status: dict[str, Any]
    machine: str


def offer(port: str, data: bytes, where: str, silence: float = trust.SILENCE) -> Answer:
    """Offer a signed bundle or key set to the board at ``port``.

    Raises InputError for a file that is neither, TrustError with the board's code when it
    refuses, BoardError for everything else, also after ``silence`` seconds without a word.
    ``where`` names the file.
    """
    kind = signing.parse(data, where)
    with _interrupted(port) as board:
        answer = trust.offer(board, data, silence)
    return Answer(bool(answer["new"]), str(answer["state"]), kind.is_key_set)


def status(port: str) -> dict[str, Any]:
    """Return what the board at ``port`` trusts; docs/rotation.md names the fields."""
    with _interrupted(port) as board:
        return trust.status(board)


def held(port: str) -> Held:
    """Return what the board at ``port`` has. Nothing is changed there."""
    with _interrupted(port) as board:
        return Held(trust.active(board), trust.status(board), str(board.probe()["machine"]))


def identity(port: str, certificate: bytes = b"", key: bytes = b"") -> dict[str, Any]:
    """Give the board at ``port`` its next certificate and key (DER), or ask for the present ones.

    The board tries them with its next connection; docs/gateway.md. Raises TrustError for a port
    that leaves this computer, or when the board refuses; BoardError for everything else.
    """
    if key and "://" in port:
        raise TrustError(
            f"{port}: a private key goes over a local port only",
            why="on a network, anybody in between could read it",
            hint="connect the board to this computer",
            code="POLICY",
        )
    with _interrupted(port) as board:
        return trust.renew(board, certificate, key)


@contextmanager
def _interrupted(port: str) -> Iterator[Remote]:
    with Remote(port) as board:
        try:
            yield board
        finally:
            board.restart()
