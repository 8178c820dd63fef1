"""What a bundle costs on a board, from figures with sources; what is unknown is said so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rootlet.board import Board, Fact


@dataclass(frozen=True)
class Line:
    """One cost in bytes (``None`` unknown) beside what the board has (``None`` unknown).

    ``source`` says where the cost comes from.
    """

    what: str
    needs: int | None
    has: int | None
    source: str

    @property
    def fits(self) -> bool:
        """False only when both numbers are known and the need is larger."""
        return self.needs is None or self.has is None or self.needs <= self.has


def lines(board: Board, size: int, anchors: Sequence[tuple[str, str]]) -> list[Line]:
    """Return the costs of a bundle of ``size`` bytes with anchors ``(key kind, form)``."""
    memory = board.memory
    held = [memory.cost_of(kind, form) for kind, form in anchors]
    session = _largest(memory.session_rsa, memory.session_ecdsa)
    anchor_heap = _total(held)
    peak = None if session is None or anchor_heap is None else session.value + anchor_heap
    tls_heap = _value(memory.tls_heap_wifi) or _value(memory.tls_heap)
    return [
        Line("bundle in flash", size, _value(board.flash.fs_bytes), "the file itself"),
        Line("blocks in flash", _in_blocks(board, size), None, "whole blocks of the file system"),
        Line("anchors in TLS heap", anchor_heap, tls_heap, _source(held)),
        Line("TLS session with anchors", peak, tls_heap, session.source if session else "unknown"),
        Line(
            "bundle in Python heap", size, _value(memory.python_heap), "read whole to be checked"
        ),
    ]


def _in_blocks(board: Board, size: int) -> int | None:
    block = _value(board.flash.block_bytes)
    return None if block is None else -(-size // block) * block


def _value(fact: Fact[int] | None) -> int | None:
    return None if fact is None else fact.value


def _largest(*facts: Fact[int] | None) -> Fact[int] | None:
    known = [fact for fact in facts if fact is not None]
    return max(known, key=lambda fact: fact.value) if known else None


def _total(facts: Sequence[Fact[int] | None]) -> int | None:
    values = [fact.value for fact in facts if fact is not None]
    return sum(values) if len(values) == len(facts) else None


def _source(facts: Sequence[Fact[int] | None]) -> str:
    sources = {fact.source for fact in facts if fact is not None}
    return "; ".join(sorted(sources)) if sources else "unknown"
