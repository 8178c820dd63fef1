"""What changes for a device when one bundle takes the place of another.

An anchor is the same one when the SHA-256 of its original and its key are the same. What a device
can verify hangs on names and keys alone (RFC 5280 section 6.1.1 (d)): an anchor that comes back
under another certificate with the same name and key stops nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rootlet import budget, bundle, catalog, coverage
from rootlet.export import anchors as known_anchors
from urootlet import format_cpython as layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rootlet.board import Board
    from rootlet.x509 import Certificate

_RANK = ("no", "cross-sign", "yes")
_FLAGS = {layout.RETIRE_PREVIOUS: "retire-previous", layout.REVOKE_NOW: "revoke-now"}
_ROOTS = {chain.root for chain in coverage.CHAINS}


@dataclass(frozen=True)
class Anchor:
    """One anchor of a bundle; ``id`` is the catalogue's for its name and key, or empty."""

    label: str
    id: str
    form: str
    original: str
    certificate: Certificate

    @property
    def identity(self) -> tuple[str, bytes]:
        """What makes it the same anchor in another bundle."""
        return self.original, self.certificate.spki_der

    @property
    def trust(self) -> tuple[bytes, bytes]:
        """What a device trusts: name and key."""
        return self.certificate.subject_der, self.certificate.spki_der

    @property
    def size(self) -> int:
        """Its DER in the bundle, in bytes."""
        return len(self.certificate.der)


@dataclass(frozen=True)
class Change:
    """What became of an anchor: ``added``, ``removed`` or ``kept``, from ``old`` to ``new``."""

    state: str
    old: Anchor | None
    new: Anchor | None
    note: str = ""

    @property
    def anchor(self) -> Anchor:
        """The anchor, as the newer bundle that has it holds it."""
        found = self.new or self.old
        assert found is not None  # noqa: S101 - a change has a side by construction
        return found


@dataclass(frozen=True)
class Effect:
    """Something that a device could verify before (or can now) and why; answers are words."""

    what: str
    old: str
    new: str
    because: str


@dataclass(frozen=True)
class Difference:
    """All that differs. ``header`` holds (field, old, new) where they differ; bytes always."""

    header: list[tuple[str, str, str]]
    changes: list[Change]
    stops: list[Effect]
    starts: list[Effect]
    costs: list[tuple[budget.Line, budget.Line]]
    warnings: list[str]


@dataclass(frozen=True)
class _Loss:
    """Something that one side verifies ``better`` than the other, with both reasons."""

    what: str
    better: str
    worse: str
    why_better: str
    why_worse: str

    def stops(self) -> Effect:
        return Effect(self.what, self.better, self.worse, self.why_worse)

    def starts(self) -> Effect:
        return Effect(self.what, self.worse, self.better, self.why_better)


@dataclass(frozen=True)
class Side:
    """One bundle and what its anchors are."""

    found: layout.Bundle
    anchors: Sequence[Anchor]

    @property
    def trusts(self) -> set[tuple[bytes, bytes]]:
        """Name and key of each anchor."""
        return {one.trust for one in self.anchors}

    @property
    def answers(self) -> list[coverage.Answer]:
        """Which chains of Amazon it can end, a row each."""
        return coverage.answers([one.id for one in self.anchors if one.id], self.found.profile)

    def usage(self) -> budget.Usage:
        """Return what it needs room for."""
        return budget.Usage(
            size=len(self.found.data),
            anchors=[
                budget.packaged(one.certificate.key, one.form, one.certificate.der)
                for one in self.anchors
            ],
            profile=self.found.profile,
        )


def compare(old: layout.Bundle, new: layout.Bundle, board: Board | None = None) -> Difference:
    """Return what changes from ``old`` to ``new``, on ``board`` where one is given.

    Raises TrustError when a bundle names an original of the catalogue and holds another key,
    InputError when an anchor cannot be read.
    """
    before, after = side(old), side(new)
    return Difference(
        header=_header(before, after),
        changes=_changes(before, after),
        stops=[one.stops() for one in _losses(before, after, board)],
        # What would be lost on the way back is what is gained on the way there.
        starts=[one.starts() for one in _losses(after, before, board)],
        costs=_costs(before, after, board),
        warnings=[*_warnings(before, after)],
    )


def side(found: layout.Bundle) -> Side:
    """Look at one bundle. Raises as ``compare`` does."""
    return Side(found, [_anchor(found, index) for index in range(len(found.anchors))])


def _anchor(found: layout.Bundle, index: int) -> Anchor:
    original = found.original(index).hex()
    certificate = known_anchors.held(found, index)
    claimed = catalog.load().by_sha256(original)
    if claimed is not None:
        known_anchors.check_same(certificate, claimed.certificate)
    same = catalog.load().by_spki(certificate.spki_sha256)
    trusted = same is not None and same.certificate.subject_der == certificate.subject_der
    return Anchor(
        label=known_anchors.label(certificate, original),
        id=same.id if same is not None and trusted else "",
        form=known_anchors.form_of(certificate, original),
        original=original,
        certificate=certificate,
    )


def _changes(before: Side, after: Side) -> list[Change]:
    """Return kept, added and removed anchors, in this order."""
    old = {one.identity: one for one in before.anchors}
    new = {one.identity: one for one in after.anchors}
    kept = [
        Change("kept", old[one.identity], one, _form_note(old[one.identity], one))
        for one in after.anchors
        if one.identity in old
    ]
    added = [one for one in after.anchors if one.identity not in old]
    removed = [one for one in before.anchors if one.identity not in new]
    return [
        *kept,
        *(Change("added", None, one, _twin_note(one, removed)) for one in added),
        *(Change("removed", one, None, _twin_note(one, added)) for one in removed),
    ]


def _form_note(old: Anchor, new: Anchor) -> str:
    return "" if old.form == new.form else f"form {old.form} is {new.form} now"


def _twin_note(one: Anchor, others: Sequence[Anchor]) -> str:
    """Name the anchor on the other side that has the same key under another certificate."""
    twins = [o.label for o in others if o.certificate.spki_der == one.certificate.spki_der]
    return f"the same key as {', '.join(twins)}, under another certificate" if twins else ""


def _losses(better: Side, worse: Side, board: Board | None) -> Iterator[_Loss]:
    """Yield all that ``better`` verifies, or fits, and ``worse`` does not."""
    for one, other in zip(better.answers, worse.answers, strict=True):
        if _RANK.index(other.covered) < _RANK.index(one.covered):
            yield _Loss(one.chain.name, one.covered, other.covered, one.because, other.because)
    yield from _other_losses(better, worse)
    if board is not None and not _misfit(better, board) and (why := _misfit(worse, board)):
        yield _Loss(f"all of it on board {board.id}", "yes", "no", "it fits", why)


def _other_losses(better: Side, worse: Side) -> Iterator[_Loss]:
    """Yield what hangs on anchors that are the root of no chain in the table of coverage."""
    others = [one for one in better.anchors if one.id not in _ROOTS]
    for one in others:
        if one.trust not in worse.trusts:
            what = f"other chains under {one.label}"
            yield _Loss(what, "yes", "no", one.label, f"no {one.label}")
    for family, name in ((layout.RSA, "RSA"), (layout.ECDSA, "ECDSA")):
        lost = better.found.profile & ~worse.found.profile & family
        if lost and any(one.trust in worse.trusts for one in others):
            what, profile = f"other servers with {name} certificates", "the cipher profile offers"
            yield _Loss(what, "yes", "no", f"{profile} {name}", f"{profile} no {name}")


def _misfit(side: Side, board: Board) -> str:
    for one in side.anchors:
        if one.form not in board.tls.forms.value:
            return f"its TLS stack does not take the form {one.form} of {one.label}"
    for line in budget.lines(board, side.usage()):
        if not line.fits:
            return f"{line.what}: {line.shown} bytes, the board has {line.has:,}"
    return ""


def _header(before: Side, after: Side) -> list[tuple[str, str, str]]:
    rows = zip(facts(before.found), facts(after.found), strict=True)
    return [(name, old, new) for (name, old), (_, new) in rows if name == "bytes" or old != new]


def facts(found: layout.Bundle) -> list[tuple[str, str]]:
    """Return what a bundle says of itself, in words."""
    ids = range(found.signed_end, len(found.data), layout.SIGNATURE)
    keys = [bytes(found.data[at : at + layout.KEY_ID]).hex() for at in ids]
    flags = [word for flag, word in _FLAGS.items() if found.flags & flag]
    return [
        ("bytes", f"{len(found.data):,}"),
        ("target", found.target),
        ("key set", str(found.key_set)),
        ("sequence", str(found.sequence)),
        ("created", _time(found.created)),
        ("not after", _time(found.not_after) if found.not_after else "none"),
        ("cipher profile", bundle.profile_name(found.profile)),
        ("flags", ", ".join(flags) or "none"),
        ("signed by", ", ".join(keys) or "nobody"),
    ]


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _costs(
    before: Side, after: Side, board: Board | None
) -> list[tuple[budget.Line, budget.Line]]:
    if board is None:
        return []
    sides = (budget.lines(board, side.usage()) for side in (before, after))
    return list(zip(*sides, strict=True))


def _warnings(before: Side, after: Side) -> Iterator[str]:
    """Yield why devices that hold the old bundle would not take the new one, and what is odd."""
    old, new = before.found, after.found
    if old.target != new.target:
        yield f"devices of {old.target} refuse a bundle for {new.target}"
    if new.signatures == 0 and old.signatures:
        yield "the new bundle is unsigned: no device takes it as an offer"
    elif new.signatures and (new.key_set, new.sequence) <= (old.key_set, old.sequence):
        yield "devices that hold the old bundle refuse the new one: its number is not higher"
    keys = {one.original: one.certificate.spki_der for one in before.anchors}
    for one in after.anchors:
        if keys.get(one.original, one.certificate.spki_der) != one.certificate.spki_der:
            yield f"{one.label} has one original and two keys: one of the bundles lies"
