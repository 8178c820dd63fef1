"""What a bundle costs on a board, from figures with sources; what is unknown is said so.

Every number is bytes. docs/boards.md, "What a bundle costs", says how each line is computed.
A cost that is known in part only is unknown, but the known part alone can already be too much.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from rootlet import anchor, catalog
from rootlet.board_model import Fact
from urootlet.der import Certificate, expect
from urootlet.format_cpython import ECDSA, MAX_SIZE, RSA

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rootlet.board import Board

#: Places for a bundle on a device: the active one and the candidate (docs/format.md, DESIGN 6).
SLOTS = 2
#: key kind -> the root that the figures of that kind are read with
REFERENCE = {
    "rsa-2048": "amazon-root-ca-1",
    "rsa-4096": "amazon-root-ca-2",
    "ec-p256": "amazon-root-ca-3",
    "ec-p384": "amazon-root-ca-4",
}
_SET, _SEQUENCE = 0x31, 0x30
_LONGER = "by how much its DER is longer than that of"
_FILE = "docs/format.md: a slot holds one file of at most 4,096 bytes"
_READING = "urootlet.session: the file whole, and one anchor at a time copied out of it"
_UNKNOWN = "not measured on this board"


class Packaged(NamedTuple):
    """One anchor as a device loads it: key kind, form, bytes of DER, attributes of its names."""

    key: str
    form: str
    size: int
    attributes: int


@dataclass(frozen=True)
class Usage:
    """What a bundle needs room for.

    ``size`` is the whole file in bytes, signatures included; ``profile`` the mask of certificate
    families that a server may present. There is at least one anchor.
    """

    size: int
    anchors: Sequence[Packaged]
    profile: int = ECDSA | RSA


@dataclass(frozen=True)
class Line:
    """One cost in bytes (``None`` unknown) beside what the board has (``None`` unknown).

    ``at_least`` is the part of the cost that is known; ``sources`` say where the cost comes from.
    """

    what: str
    needs: int | None
    has: int | None
    sources: tuple[str, ...]
    at_least: int = 0

    @property
    def source(self) -> str:
        """Where the cost comes from, as one text."""
        return "; ".join(self.sources)

    @property
    def shown(self) -> str:
        """The need as text: ``1,234``, ``over 1,234`` when only a part is known, ``unknown``."""
        if self.needs is not None:
            return f"{self.needs:,}"
        return f"over {self.at_least:,}" if self.at_least else "unknown"

    @property
    def fits(self) -> bool:
        """False only when the known part of the need is larger than what the board has."""
        known = self.at_least if self.needs is None else self.needs
        return self.has is None or known <= self.has


def packaged(key: str, form: str, der: bytes) -> Packaged:
    """Return what is to be known of an anchor: its key kind and form, and its DER."""
    fields = Certificate(der, 0, len(der))
    names = (der[slice(*span)] for span in (fields.subject, fields.issuer))
    return Packaged(key, form, len(der), sum(map(_attributes, names)))


def lines(board: Board, usage: Usage) -> list[Line]:
    """Return the costs of a bundle on a board, flash first, then heap in the order of time."""
    return [*_flash(board, usage), *_heap(board, usage)]


def _flash(board: Board, usage: Usage) -> list[Line]:
    fs, block = _value(board.flash.fs_bytes), board.flash.block_bytes
    blocks = None if block is None else SLOTS * -(-usage.size // block.value) * block.value
    return [
        Line("file in its slot", usage.size, MAX_SIZE, (_FILE,)),
        Line(
            "flash for two slots",
            blocks,
            fs,
            (block.source if block else _UNKNOWN,),
            SLOTS * usage.size,
        ),
    ]


def _heap(board: Board, usage: Usage) -> list[Line]:
    memory = board.memory
    tls = memory.tls_heap_wifi or memory.tls_heap
    if memory.tls_allocator and memory.tls_allocator.value == "python-heap":
        tls = memory.python_heap
    has = _value(tls)
    held = _held(board, usage.anchors)
    loaded = [memory.context_cost, *held]
    session = [_session(board, usage.profile), *held]
    return [
        Line(
            "Python heap to read it",
            usage.size + max(one.size for one in usage.anchors),
            _value(memory.python_heap),
            (_READING,),
        ),
        _line("TLS heap while loading", has, _loading(board, usage), loaded),
        _line("TLS heap of anchors", has, loaded),
        _line("TLS heap in a handshake", has, _handshake(board, usage, held), session),
        _line("TLS heap of a session", has, session),
    ]


def _loading(board: Board, usage: Usage) -> Sequence[Fact[int] | None]:
    """Return the facts whose sum is highest while one anchor is loaded and the others are held."""
    above = _one_above(board.memory.load_peak, board, usage.anchors)
    return [board.memory.context_cost, *above]


def _handshake(
    board: Board, usage: Usage, held: Sequence[Fact[int] | None]
) -> Sequence[Fact[int] | None]:
    """Return the peak of a handshake with one anchor, and the cost of every other anchor.

    The peak depends on the chain that the server presents, so on a family of the profile.
    """
    wanted = [one for one in usage.anchors if _family(one.key) & usage.profile]
    if not wanted:  # a profile that no anchor's own family fits: nothing like it was measured
        return [None, *held]
    return _one_above(board.memory.handshake_peak, board, usage.anchors, wanted)


def _one_above(
    peaks: Mapping[str, Mapping[str, Fact[int]]],
    board: Board,
    anchors: Sequence[Packaged],
    tops: Iterable[Packaged] = (),
) -> Sequence[Fact[int] | None]:
    """Return the largest of: the peak of one anchor (of ``tops``), the cost of each other one.

    Where one of them is not known, the one with the unknown part is returned.
    """
    choices = []
    for top in dict.fromkeys(tops or anchors):
        others = list(anchors)
        others.remove(top)
        peak = peaks.get(top.key, MappingProxyType({})).get(top.form)
        # The others come on top of one that is there already.
        choices.append([peak, *_more(board, [top]), *_held(board, others, first=False)])
    return max(choices, key=lambda facts: (None in facts, _known(facts)))


def _held(
    board: Board, anchors: Sequence[Packaged], *, first: bool = True
) -> list[Fact[int] | None]:
    """Return what loaded anchors keep; all but the ``first`` take a structure of their own."""
    costs = [board.memory.cost_of(one.key, one.form) for one in anchors]
    structures = len(anchors) - first
    more = [board.memory.anchor_more] * structures
    return [*costs, *_more(board, anchors), *more]


def _more(board: Board, anchors: Sequence[Packaged]) -> Iterator[Fact[int] | None]:
    """Yield what anchors take beyond the root of their kind that the figures were read with.

    TLS keeps a copy of the DER, and a node for each attribute of a name but the first.
    """
    for one in anchors:
        root = _reference(one.key, one.form)
        if root is None:
            continue
        if one.size > root.size:
            yield Fact(one.size - root.size, f"{_LONGER} {REFERENCE[one.key]}")
        nodes = max(0, one.attributes - root.attributes)
        yield from [board.memory.name_attribute] * nodes


@cache
def _reference(key: str, form: str) -> Packaged | None:
    if key not in REFERENCE:
        return None
    root = catalog.load().get(REFERENCE[key])
    return packaged(key, form, anchor.package(root.der, form, root.id))


def _attributes(name: bytes) -> int:
    """Count the attributes of a Name (RFC 5280 section 4.1.2.4), given without its header."""
    count = pos = 0
    while pos < len(name):
        inner, pos = expect(name, pos, len(name), _SET)
        while inner < pos:
            inner = expect(name, inner, pos, _SEQUENCE)[1]
            count += 1
    return count


def _session(board: Board, profile: int) -> Fact[int] | None:
    """Return the larger live session of the families in ``profile``; None if one is unknown."""
    families = ((RSA, board.memory.session_rsa), (ECDSA, board.memory.session_ecdsa))
    sessions = [fact for family, fact in families if family & profile]
    known = [fact for fact in sessions if fact is not None]
    return max(known, key=lambda fact: fact.value) if len(known) == len(sessions) else None


def _line(
    what: str,
    has: int | None,
    parts: Sequence[Fact[int] | None],
    afterwards: Sequence[Fact[int] | None] = (),
) -> Line:
    """Return the line of a sum; a peak is never lower than what is held ``afterwards``."""
    known = [fact.source for fact in parts if fact is not None]
    needs = None if None in parts else _known(parts)
    sources = tuple(dict.fromkeys(known if needs is not None else [_UNKNOWN, *known]))
    at_least = max(_known(parts), _known(afterwards))
    return Line(what, needs, has, sources, at_least)


def _known(facts: Iterable[Fact[int] | None]) -> int:
    return sum(fact.value for fact in facts if fact is not None)


def _family(key_kind: str) -> int:
    return RSA if key_kind.startswith("rsa") else ECDSA


def _value(fact: Fact[int] | None) -> int | None:
    return None if fact is None else fact.value
