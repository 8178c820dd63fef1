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

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Answer:
    """What a board said to an offer: whether it was new there, and its state since."""

    new: bool
    state: str
    key_set: bool


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


@contextmanager
def _interrupted(port: str) -> Iterator[Remote]:
    with Remote(port) as board:
        try:
            yield board
        finally:
            board.restart()
