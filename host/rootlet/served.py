"""Which chains of which service a bundle accepts, asked of every verifier model.

A service's chains are those on record (``rootlet.chains``): each issuing CA under its roots, sent
without a cross-sign, with one and with two. A model is given only the anchors that are in a form
which it takes, and a board's own model knows what that board cannot do.

Pure: no clock, no files but the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rootlet import catalog, chains, path, verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from rootlet.board import Board
    from rootlet.diff import Side


@dataclass(frozen=True)
class Answer:
    """``yes``; ``partly`` when it depends on how much the server sends; or ``no``, and why."""

    accepted: str
    because: str = ""


@dataclass(frozen=True)
class Served:
    """One chain of a service, in words, and what each verifier model says, by its id."""

    service: str
    chain: str
    answers: Mapping[str, Answer]


def answers(side: Side, at: datetime, board: Board | None = None) -> list[Served]:
    """Return a row for each service and chain that the bundle's cipher profile lets it meet."""
    families = verify.families_of(side.found.profile, board)
    return [
        Served(
            service,
            series.name,
            {name: _ask(side, cases, at, name, board) for name in path.MODELS},
        )
        for service in chains.services()
        for series in chains.service_series(service, at)
        if (cases := chains.shapes_of(series))[0].family in families
    ]


def _ask(
    side: Side, cases: Sequence[chains.Case], at: datetime, name: str, board: Board | None
) -> Answer:
    own = board is not None and board.tls.stack.value == name
    model = verify.model_for(name, board if own else None)
    anchors = tuple(_anchors(side, model))
    if not anchors:
        forms = sorted({one.form for one in side.anchors})
        return Answer("no", f"takes no {' or '.join(forms)} anchors")
    families = verify.families_of(side.found.profile, board)
    found = {
        case.shape: path.verify(model, path.Question(anchors, case.chain, at, families=families))
        for case in cases
    }
    passed = [shape for shape, one in found.items() if one.accepted]
    if len(passed) == len(found):
        return Answer("yes")
    if passed:
        return Answer("partly", f"if {' or '.join(passed)} certificates are sent")
    return Answer("no", next(iter(found.values())).code)


def _anchors(side: Side, model: path.Model) -> Iterator[path.Link]:
    """Yield Amazon's anchors that the model takes, described: no other ends these chains."""
    known = {one.sha256: one for one in catalog.known()}
    for one in side.anchors:
        if one.id and one.form in model.forms:
            yield chains.describe(known[catalog.load().get(one.id).sha256])
