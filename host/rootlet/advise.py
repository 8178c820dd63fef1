"""The smallest set of anchors that passes every chain a service may show to a board.

Every set of catalogued anchors is tried on a verifier model, smallest first, so the answer is
exact. Sizes are those of the smallest form that board and stack take; ties go to fewer anchors,
then to the order of the catalogue. Where the client can choose the server's key type, one family
is enough, and the answer says which: anchors and cipher profile belong together.

What a service shows comes from captured chains, or from facts: the issuing CAs under its roots
(``certs/``), each sent with 2, 3 or 4 certificates. Pure: no clock, no files but the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, combinations
from typing import TYPE_CHECKING

from rootlet import anchor, catalog, path
from rootlet.chains import Case, describe, group, series_at, service_series, shapes_of
from rootlet.errors import InputError, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from rootlet.board import Board
    from rootlet.catalog import TrustAnchor

#: Shapes of a chain by how many certificates are sent: without a cross-sign, with the root's
#: (AWS since 2024-08), and with that of Starfield G2 as well (before).
SHAPES = (2, 3, 4)
#: --keys -> the families whose chains must pass
KEYS = {
    "ecc": frozenset({"ecdsa"}),
    "rsa": frozenset({"rsa"}),
    "both": frozenset({"rsa", "ecdsa"}),
}


@dataclass(frozen=True)
class Request:
    """What to find anchors for: ``captured`` chains by name, or a ``service``, or both.

    ``cover_2026`` asks for the P-256 CAs of 2026 under Root CA 4 too. ``keys`` "" leaves the
    family open where the board can choose it.
    """

    board: Board
    model: path.Model
    at: datetime
    service: str = ""
    captured: tuple[tuple[str, tuple[path.Link, ...]], ...] = ()
    cover_2026: bool = False
    keys: str = ""
    shapes: tuple[int, ...] = SHAPES


@dataclass(frozen=True, eq=False)
class Candidate:
    """A catalogued anchor as it would be loaded: in ``form``, of ``size`` bytes."""

    anchor: TrustAnchor
    form: str
    size: int
    loaded: path.Link
    described: path.Link

    def link_for(self, case: Case) -> path.Link:
        """Return the anchor as the chain is: with its certificate, or described."""
        return self.loaded if case.captured else self.described


@dataclass(frozen=True)
class Choice:
    """An anchor, and chains in words: those that need it, or those that it would add."""

    candidate: Candidate
    chains: tuple[str, ...]


@dataclass(frozen=True)
class Advice:
    """``uncovered`` are chains of AWS that no single further anchor would add."""

    keys: str
    size: int
    passes: tuple[str, ...]
    chosen: tuple[Choice, ...]
    omitted: tuple[Choice, ...]
    uncovered: tuple[str, ...]


def advise(request: Request) -> Advice:
    """Find the set. Raises InputError for a bad request, TrustError when no set passes."""
    cases = _cases(request)
    trial = _Trial(request, _candidates(request))
    found = [
        best
        for keys in _keys(request, cases)
        if (best := _smallest(trial, [case for case in cases if case.family in KEYS[keys]], keys))
    ]
    if not found:
        raise _impossible(trial, cases)
    return _explain(trial, min(found, key=lambda one: one.rank))


class _Trial:
    """Asks the model, with the board's abilities; signatures are remembered across sets."""

    def __init__(self, request: Request, candidates: Sequence[Candidate]) -> None:
        self.request = request
        self.candidates = candidates
        self._signatures = path.Signatures(limit=path.MAX_CHAIN * path.MAX_ANCHORS * 16)

    def passes(self, case: Case, anchors: Sequence[Candidate], keys: str) -> bool:
        """Whether a board with ``anchors``, which offers ``keys``, accepts the chain."""
        links = tuple(one.link_for(case) for one in anchors)
        if not links:
            return False
        question = path.Question(
            links,
            case.chain,
            self.request.at,
            families=KEYS[keys] & frozenset(self.request.board.tls.families.value),
            signatures=self._signatures,
        )
        return path.verify(self.request.model, question).accepted

    def passed(
        self, cases: Sequence[Case], anchors: Sequence[Candidate], keys: str = "both"
    ) -> list[Case]:
        """Return the chains that pass."""
        return [case for case in cases if self.passes(case, anchors, keys)]


@dataclass(frozen=True)
class _Best:
    """The smallest set for one choice of keys; ``rank`` orders such sets."""

    rank: tuple[int, int, tuple[int, ...]]
    chosen: tuple[Candidate, ...]
    cases: Sequence[Case]
    keys: str


def _candidates(request: Request) -> list[Candidate]:
    known = {one.sha256: one for one in catalog.known()}
    return [_candidate(one, request, known.get(one.sha256)) for one in catalog.load().anchors]


def _candidate(
    one: TrustAnchor, request: Request, known: catalog.KnownCertificate | None
) -> Candidate:
    """Package an anchor in the first form that carries what it says."""
    forms = [form for form in request.model.forms if form in request.board.tls.forms.value]
    for form in [*forms, "full"]:
        try:
            der = anchor.package(one.der, form, one.name)
        except TrustError:  # a constraint that this form cannot carry
            continue
        loaded = path.read(der, one.id)
        return Candidate(one, form, len(der), loaded, describe(known) if known else loaded)
    raise AssertionError("the full form carries everything")  # pragma: no cover


def _cases(request: Request) -> list[Case]:
    if not request.captured and not request.service:
        raise InputError(
            "nothing to find anchors for",
            why="neither a service nor a captured chain is named",
            hint="rootlet advise --service iot-data-ats --board esp32",
        )
    cases = [Case(name, "", sent, captured=True) for name, sent in request.captured]
    if request.service:
        found = service_series(request.service, request.at)
        if not found:
            raise InputError(
                f"no chain of {request.service} is on record for {request.at.date()}",
                why="no issuing CA that it uses is valid then",
                hint="name a time within their dates with --at: rootlet certs list --all",
            )
        for series in found:
            cases += shapes_of(series, request.shapes)
    if request.cover_2026:
        cases += _cover_2026(request, cases)
    return cases


def _cover_2026(request: Request, cases: Sequence[Case]) -> list[Case]:
    if not any(case.family == "ecdsa" for case in cases):
        raise InputError(
            "--cover 2026 adds P-256 issuing CAs, and these chains are RSA alone",
            why=f"no ECDSA chain of {request.service or 'these files'} is on record",
            hint="leave --cover out",
        )
    found = [
        one
        for one in series_at(request.at)
        if one.root == "amazon-root-ca-4" and one.key == "ec-p256"
    ]
    return [case for one in found for case in shapes_of(one, request.shapes)]


def _keys(request: Request, cases: Sequence[Case]) -> list[str]:
    """Return the families to try: one is enough only where the client can choose it.

    Captured chains are all to pass; so are all families where the server has only one.
    """
    shown = frozenset(case.family for case in cases)
    if request.keys:
        return [request.keys]
    if request.captured or len(shown) == 1:
        return [name for name, families in KEYS.items() if families == shown]
    if not request.board.tls.one_family_is_safe:
        return ["both"]
    return ["ecc", "both"] if request.cover_2026 else list(KEYS)


def _smallest(trial: _Trial, cases: Sequence[Case], keys: str) -> _Best | None:
    """Return the best set, if any passes; its rank is bytes, count, places in the catalogue."""
    every = trial.candidates
    useful = [place for place, one in enumerate(every) if _may_end(one, cases)]
    sets = chain.from_iterable(combinations(useful, n) for n in range(1, len(useful) + 1))
    for rank in sorted((sum(every[n].size for n in one), len(one), one) for one in sets):
        chosen = tuple(every[place] for place in rank[2])
        if cases and all(trial.passes(case, chosen, keys) for case in cases):
            return _Best(rank, chosen, cases, keys)
    return None


def _may_end(one: Candidate, cases: Sequence[Case]) -> bool:
    """Whether the anchor's key signed anything in a chain: no other can be of use."""
    return any(link.is_signed_by(one.link_for(case)) for case in cases for link in case.chain)


def _explain(trial: _Trial, best: _Best) -> Advice:
    """Say what each anchor is for, what each other would add, and what none would."""
    known = [case for one in series_at(trial.request.at) for case in shapes_of(one)]
    every = list(dict.fromkeys([*best.cases, *known]))
    now = set(trial.passed(every, best.chosen))
    reached, omitted = set(now), []
    for one in trial.candidates:
        if one not in best.chosen:
            more = [case for case in trial.passed(every, [*best.chosen, one]) if case not in now]
            reached |= set(more)
            omitted.append(Choice(one, group(more)))
    return Advice(
        best.keys,
        best.rank[0],
        group(best.cases),
        tuple(Choice(one, group(_lost(one, trial, best))) for one in best.chosen),
        tuple(omitted),
        group(case for case in every if case not in reached),
    )


def _lost(one: Candidate, trial: _Trial, best: _Best) -> Iterator[Case]:
    """Yield the chains that fail without this anchor."""
    rest = [other for other in best.chosen if other is not one]
    return (case for case in best.cases if not trial.passes(case, rest, best.keys))


def _impossible(trial: _Trial, cases: Sequence[Case]) -> TrustError:
    """Name the chains that fail even with every anchor."""
    useful = [one for one in trial.candidates if _may_end(one, cases)]
    passed = trial.passed(cases, useful)
    stack = trial.request.model
    return TrustError(
        f"no set of anchors passes on board {trial.request.board.id} with {stack.name}",
        why="these fail with every anchor: "
        + "; ".join(group(case for case in cases if case not in passed)),
        hint=f"see why: rootlet verify BUNDLE --chain FILE --stack {stack.id}",
        code="ROOT",
    )
