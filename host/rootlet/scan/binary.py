"""One pass over bytes of any size, in windows: whatever is found says where it starts and ends.

What stands inside something found, such as the key of a certificate, is not told again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from rootlet.scan import armour, encoding, keys
from rootlet.scan.patterns import CERTIFICATE, LITTLEFS, REACH, automaton
from rootlet.scan.seen import Name, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rootlet.scan.patterns import Pattern
    from rootlet.scan.source import Source

#: Bytes that are looked at together.
WINDOW = 1024 * 1024
#: Hits of one file that are followed; a file with more is made to waste time.
MAX_HITS = 50_000
#: From the start of a littlefs block to its magic (littlefs SPEC.md, superblock).
_MAGIC_AT = 8


class _Hit(NamedTuple):
    at: int
    pattern: Pattern | None  # None: what may be a certificate's start


@dataclass
class Found:
    """What a pass saw: ``file_systems`` are offsets where a littlefs may start."""

    seen: list[Seen] = field(default_factory=list)
    file_systems: list[int] = field(default_factory=list)
    complete: bool = True


def scan(source: Source, advance: Callable[[int], None] = lambda _size: None) -> Found:
    """Look at all of ``source``; ``advance`` gets the bytes done so far."""
    found = Found()
    hits = covered = 0
    for hit in _hits(source, advance):
        hits += 1
        if hits > MAX_HITS:
            found.complete = False
            break
        if hit.at < covered:
            continue
        if hit.pattern and hit.pattern.start == LITTLEFS:
            found.file_systems.append(hit.at - _MAGIC_AT)
            continue
        seen = _look(source, hit.at, hit.pattern) if hit.pattern else _der(source, hit.at)
        if seen:
            covered = seen.end
            _take(found.seen, seen)
    return found


def _take(taken: list[Seen], seen: Seen) -> None:
    """Add it, and drop what it explains: the start of a key's record lies before what hit."""
    while taken and taken[-1].at >= seen.at:
        taken.pop()
    taken.append(seen)


def _hits(source: Source, advance: Callable[[int], None]) -> Iterator[_Hit]:
    """Yield every hit once, ascending."""
    search, patterns = automaton()
    for start in range(0, source.size, WINDOW):
        data = source.read(start, WINDOW + REACH)
        hits = [
            _Hit(start + at, patterns[number])
            for number, at, _ in search.find_matches_as_indexes(data, overlapping=True)
            if at < WINDOW
        ]
        hits += [
            _Hit(start + match.start(), None)
            for match in CERTIFICATE.finditer(data)
            if match.start() < WINDOW
        ]
        hits.sort(key=lambda hit: hit.at)
        yield from hits
        advance(min(start + WINDOW, source.size))


def _der(source: Source, at: int) -> Seen | None:
    one = encoding.certificate(source, at)
    return Seen(at, at + len(one.der), "DER", one) if one else None


def _look(source: Source, at: int, pattern: Pattern) -> Seen | None:
    """Look closer at a hit."""
    match pattern.kind:
        case "pem":
            return armour.block(source, at, len(pattern.start))
        case "base64":
            return armour.bare(source, at)
        case "key":
            return keys.public_key(source, at)
        case "name":
            return Seen(at, at + len(pattern.start), "compiled code", Name(pattern.form))
        case "modulus":
            return keys.bare_key(source, at, pattern)
        case _:
            return _pin(source, at, pattern)


def _pin(source: Source, at: int, pattern: Pattern) -> Seen | None:
    whole, digest = pattern.whole, pattern.digest
    if digest is None or source.read(at, len(whole)) != whole:
        return None
    if pattern.form == "raw bytes" and encoding.certificate(source, at + len(whole)):
        return None  # an anchor of a rootlet bundle: the hash of its original, then the anchor
    return Seen(at, at + len(whole), f"{digest.digest} as {pattern.form}", digest)
