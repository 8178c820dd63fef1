"""The phases that lead a fleet from one set of trust anchors to another, and when they end.

::

    add      old + new anchors     a server may use either; nothing can break
    switch   new anchors           the old ones are only a way back now
    retire   the same, with retire-previous: no older set authenticates anything again
    revoke   new anchors, with revoke-now: instead of all of them, when an old key is stolen

Only the phases that change something are there: with nothing to remove it ends at ``add``, with
nothing to add it begins at ``switch``. A phase is signed only after its *gate*: the share of the
fleet that has confirmed the phase before (security rules 3, 7 and 9), since whoever can publish
may deliver what is signed. So a plan holds no bundle, only what each must say.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from rootlet import bundle, catalog, diff
from rootlet.errors import InputError, TrustError
from urootlet import format_cpython as layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rootlet.diff import Change

SCHEMA = "rootlet/plan/1"
ADD, SWITCH, RETIRE, REVOKE = "add", "switch", "retire", "revoke"
PHASES = (ADD, SWITCH, RETIRE, REVOKE)
#: A phase after which there is no way back.
FINAL = (RETIRE, REVOKE)
_FLAGS = {RETIRE: layout.RETIRE_PREVIOUS, REVOKE: layout.REVOKE_NOW}
_WHY = {
    ADD: "devices trust old and new anchors, whichever the server uses",
    SWITCH: "devices use the new anchors; the old set is only a way back",
    RETIRE: "no older set authenticates anything again",
    REVOKE: "from acceptance on only this set authenticates; there is no way back",
}
#: What a document of another kind raises; JSON has numbers that no int is.
_NO_PLAN = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
#: Signatures that a phase must leave room for.
_ROOM = 3


@dataclass(frozen=True, order=True)
class Anchor:
    """One anchor by what makes it the same one everywhere; ``id`` of the catalogue or empty."""

    original: str
    spki_sha256: str
    label: str
    id: str = ""


@dataclass(frozen=True)
class Phase:
    """What a phase's bundle must say; ``size`` is its bytes with three signatures."""

    name: str
    anchors: tuple[Anchor, ...]
    profile: str
    size: int

    @property
    def why(self) -> str:
        """What the phase is for."""
        return _WHY[self.name]

    @property
    def flags(self) -> int:
        """The flags of the bundle's header."""
        return _FLAGS.get(self.name, 0)

    def is_said_by(self, found: layout.Bundle) -> bool:
        """Whether a bundle says what this phase's must say."""
        return self.flags == found.flags and not _differs(self, found)


@dataclass(frozen=True)
class End:
    """A day on which an anchor ends: its certificate, or a root programme's trust in it."""

    day: date
    label: str
    what: str
    removed: bool


@dataclass(frozen=True)
class Plan:
    """Phases in order; ``gate`` is the share (0 to 1) that must have confirmed before the next."""

    target: str
    phases: tuple[Phase, ...]
    gate: float
    calendar: tuple[End, ...]

    def before(self, phase: Phase) -> Phase | None:
        """Return the phase before this one, or None."""
        at = self.phases.index(phase)
        return self.phases[at - 1] if at else None

    def phase_of(self, found: layout.Bundle) -> Phase:
        """Return the phase that a bundle is of. Raises TrustError when it is of none."""
        if found.target != self.target:
            raise TrustError(
                f"the bundle is for {found.target}, the plan for {self.target}", code="TARGET"
            )
        for phase in self.phases:
            if phase.is_said_by(found):
                return phase
        near = min(
            self.phases, key=lambda one: (one.flags != found.flags, len(_differs(one, found)))
        )
        odd = _differs(near, found) or ["its flags are those of no phase"]
        raise TrustError(
            "the bundle is no phase of this plan",
            why=f"nearest is {near.name}: {'; '.join(odd)}",
            hint=f"build it as the plan says: {build_command(self, near)}",
        )

    def encode(self) -> bytes:
        """Return the file."""
        return json.dumps(self.document(), indent=2).encode() + b"\n"

    def document(self) -> dict[str, Any]:
        """Return the plan as JSON holds it."""
        return {
            "schema": SCHEMA,
            "target": self.target,
            "gate": self.gate,
            "phases": [
                {**asdict(one), "why": one.why, "build": build_command(self, one)}
                for one in self.phases
            ],
            "calendar": [{**asdict(one), "day": one.day.isoformat()} for one in self.calendar],
        }


def make(old: layout.Bundle, new: layout.Bundle, *, gate: float, revoke: bool = False) -> Plan:
    """Plan the way from ``old`` to the anchors and cipher profile of ``new``.

    Raises InputError when they are of different fleets or trust the same, TrustError when a bundle
    names an anchor of the catalogue and holds another key, and when a phase is over a limit.
    """
    target = _target(old, new)
    found = diff.compare(old, new)
    sides = {
        state: [c for c in found.changes if c.state == state] for state in ("added", "removed")
    }
    lost, gained = old.profile & ~new.profile, new.profile & ~old.profile
    if revoke:
        names = [REVOKE]
    else:
        names = [ADD] if sides["added"] or gained else []
        names += [SWITCH] if sides["removed"] or lost else []
        names += [RETIRE] if sides["removed"] else []
    if not names:
        raise InputError(
            "the two bundles trust the same",
            why="same anchors, same cipher profile: there is nothing to roll out",
            hint="see with: rootlet diff OLD NEW",
        )
    phases = tuple(_phase(name, target, old, new, found.changes) for name in names)
    return Plan(target, phases, gate, tuple(_calendar(found.changes)))


def _target(old: layout.Bundle, new: layout.Bundle) -> str:
    """Return the fleet; an unsigned bundle is of no fleet by itself."""
    names = {one.target for one in (old, new) if one.signatures}
    if len(names) > 1:
        raise InputError(
            f"the old bundle is for {old.target}, the new one for {new.target}",
            why="a plan is for one fleet",
            code="TARGET",
        )
    return names.pop() if names else new.target


def _phase(
    name: str, target: str, old: layout.Bundle, new: layout.Bundle, changes: Sequence[Change]
) -> Phase:
    both = name == ADD
    states = ("kept", "added", "removed") if both else ("kept", "added")
    held = [one.anchor for one in changes if one.state in states]
    profile = new.profile | (old.profile if both else 0)
    body = [bundle.Anchor(one.certificate.der, bytes.fromhex(one.original)) for one in held]
    numbers = bundle.Signing(1, 1, _FLAGS.get(name, 0), _ROOM)
    try:
        data = bundle.encode(
            body, target=target, profile=profile, created=new.created, signing=numbers
        )
    except InputError as error:
        raise TrustError(
            f"phase {name} does not fit into a bundle",
            why=error.why or error.what,
            hint="plan in two steps: first to a set that has fewer anchors",
            code=error.code,
        ) from error
    anchors = sorted(
        Anchor(one.original, one.certificate.spki_sha256, one.label, _id(one.original))
        for one in held
    )
    size = len(data) + _ROOM * layout.SIGNATURE
    return Phase(name, tuple(anchors), bundle.profile_name(profile), size)


def _id(original: str) -> str:
    """Return the catalogue's id of exactly this certificate, or nothing."""
    known = catalog.load().by_sha256(original)
    return known.id if known else ""


def _differs(phase: Phase, found: layout.Bundle) -> list[str]:
    """Say in what a bundle differs from a phase, flags aside."""
    from rootlet.export import anchors as known  # noqa: PLC0415 - loads cryptography

    wanted = {(one.original, one.spki_sha256): one.label for one in phase.anchors}
    held = {}
    for index in range(len(found.anchors)):
        original, certificate = found.original(index).hex(), known.held(found, index)
        held[original, certificate.spki_sha256] = certificate
    odd = [f"it lacks {wanted[one]}" for one in wanted if one not in held]
    more = [known.label(held[one], one[0]) for one in held if one not in wanted]
    odd += [f"it also holds {one}" for one in more]
    profile = bundle.profile_name(found.profile)
    if profile != phase.profile:
        odd.append(f"its cipher profile is {profile}, not {phase.profile}")
    return odd


def build_command(plan: Plan, phase: Phase, board: str = "BOARD") -> str:
    """Return the command that builds a phase's bundle, to be typed once its gate is open."""
    named = [
        f"--with {one.id}" if one.id else f"--anchor '{one.label}.pem'" for one in phase.anchors
    ]
    flag = {RETIRE: ["--retire-previous"], REVOKE: ["--revoke-now"]}.get(phase.name, [])
    words = ["rootlet build", f"--board {board}", "--keys none", *named]
    words += [f"--profile {phase.profile}", *flag, "--key-set KEYS.rlk --after PREVIOUS.rlt"]
    return " ".join([*words, f"--for-signing -o {plan.target}-{phase.name}.tbs"])


def _calendar(changes: Iterable[Change]) -> list[End]:
    """Return the ends of all anchors by day."""
    ends = []
    for change in changes:
        anchor, removed = change.anchor, change.state == "removed"
        day = anchor.certificate.not_after.date()
        ends.append(End(day, anchor.label, "the certificate ends", removed))
        entry = catalog.load().by_sha256(anchor.original)
        if entry is not None and entry.programme_end is not None:
            what = "root programmes end their trust"
            ends.append(End(entry.programme_end, anchor.label, what, removed))
    return sorted(ends, key=lambda one: (one.day, one.label))


def decode(data: bytes, where: str) -> Plan:
    """Read a plan's file. Raises InputError that names ``where``."""
    try:
        document = json.loads(data)
        return _plan(document)
    except _NO_PLAN as error:
        raise InputError(
            f"{where} is not a plan",
            why=f"{type(error).__name__}: {error}"[:200],
            hint="make one with: rootlet rotate plan OLD.rlt NEW.rlt -o PLAN.json",
            code="FORMAT",
        ) from error


def _plan(document: dict[str, Any]) -> Plan:
    if document["schema"] != SCHEMA:
        raise ValueError(f"its schema is {document['schema']!r}, not {SCHEMA}")
    bundle.check_target(document["target"])
    phases = tuple(
        Phase(
            _one_of(one["name"], PHASES),
            tuple(Anchor(**_texts(each)) for each in one["anchors"]),
            _one_of(one["profile"], tuple(bundle.PROFILES)),
            int(one["size"]),
        )
        for one in document["phases"]
    )
    gate = float(document["gate"])
    if not 0 < gate <= 1 or not phases:
        raise ValueError("a gate is above 0 and at most 1, and there is a phase")
    ends = (End(date.fromisoformat(one["day"]), *_end(one)) for one in document["calendar"])
    return Plan(document["target"], phases, gate, tuple(ends))


def _end(one: dict[str, Any]) -> tuple[str, str, bool]:
    return str(one["label"]), str(one["what"]), bool(one["removed"])


def _texts(one: dict[str, Any]) -> dict[str, str]:
    if not all(isinstance(value, str) for value in one.values()):
        raise TypeError("an anchor has texts only")
    return one


def _one_of(value: object, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{value!r} is none of {', '.join(known)}")
    return str(value)
