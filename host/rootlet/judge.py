"""What the trust material in one file means for AWS: does it work, how long, and what to do.

The rules, in the order in which they are asked:

1. What carries the name of a known CA with another key never works (LOOKALIKE).
2. A certificate that has ended (ENDED), or ends by either of its two dates within the time asked
   for (ENDING), breaks what relies on it. The root programmes' end counts as well: public servers
   move to other roots before it.
3. The five anchors of Amazon Trust Services are ready (ATS). A cross certificate of one is more
   bytes than the root and ends earlier (CROSS).
4. Issuing CAs and server certificates change without notice (INTERMEDIATE, LEAF).
5. No AWS endpoint chains to the legacy roots any more (LEGACY).
6. A hash of a whole certificate breaks with the next certificate of the same key (PIN-CERT); a
   hash of a root's key is what AWS calls the least bad pin (PIN-KEY).

What is beside the point when the same file holds an anchor that works is a note, not a fault.
Sources: https://www.amazontrust.com/repository/ and docs/certs.md; ``certs/known.toml`` for facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from rootlet.scan import index
from rootlet.scan.seen import Damaged, Digest, Key, Name, Seen
from rootlet.x509 import Certificate
from urootlet import facts
from urootlet.der import element
from urootlet.errors import Error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from rootlet.catalog import KnownCertificate

BREAKS, WILL_BREAK, NOTE, FINE = LEVELS = ("breaks", "will break", "note", "fine")

#: code -> what it says in general; the rule ids of SARIF
RULES = {
    "ATS": "An anchor of Amazon Trust Services",
    "CROSS": "A cross certificate kept as an anchor",
    "DAMAGED": "A certificate block that cannot be read",
    "ENDED": "A certificate that has ended",
    "ENDING": "A certificate that ends soon, by itself or in the root programmes",
    "INTERMEDIATE": "An issuing CA, which changes without notice",
    "LEAF": "A server certificate of Amazon, which changes every few months",
    "LEGACY": "A root that AWS endpoints no longer chain to",
    "LOOKALIKE": "The name of a known CA with another key",
    "NOVERIFY": "Code that does not verify the server",
    "OTHER": "A certificate that is not Amazon's",
    "SNI": "A TLS handshake without the server's name",
    "PIN-CERT": "A pin of a whole certificate",
    "PIN-KEY": "A pin of a public key",
}
_NO_CROSS_NEEDED = "amazon-root-ca-"
_TAKE_ROOTS = "rootlet build, then rootlet export in the format that is needed"
#: Legacy groups that other services still use.
_ELSEWHERE = "legacy-digicert"


@dataclass(frozen=True)
class Finding:
    """One thing found: what it is, whether it works, and what to do.

    ``level`` is one of :data:`LEVELS`, ``code`` one of :data:`RULES`. ``at`` is an offset, or 0.
    ``ready`` says whether AWS endpoints of today are verified by it: ``yes``, ``no``, or ``-``
    where it is no question. ``not_after`` and ``programme_end`` are the two end dates.
    """

    code: str
    level: str
    what: str
    form: str
    at: int
    ready: str
    why: str
    hint: str
    not_after: datetime | None = None
    programme_end: date | None = None


@dataclass(frozen=True)
class Moment:
    """When the question is asked, and how far it looks."""

    at: datetime
    within: timedelta

    def state(self, not_after: datetime | None, programme_end: date | None) -> str:
        """Return ENDED, ENDING or nothing."""
        if not_after and not_after < self.at:
            return "ENDED"
        ends = [not_after] if not_after else []
        if programme_end:
            ends.append(datetime.combine(programme_end, time(), UTC))
        return "ENDING" if ends and min(ends) <= self.at + self.within else ""


@dataclass(frozen=True)
class _Thing:
    """One thing seen, with what is known of it."""

    seen: Seen
    known: KnownCertificate | None
    name: str
    not_after: datetime | None
    programme_end: date | None
    lookalike: bool = False

    @property
    def is_ats(self) -> bool:
        """Whether it is an anchor that AWS endpoints of today chain to."""
        return self.known is not None and _is_ats(self.known)


def judge(seen: Sequence[Seen], moment: Moment) -> list[Finding]:
    """Return a finding for each thing seen in one file, in the same order."""
    things = [_described(one) for one in seen]
    store = [one for one in things if isinstance(one.seen.thing, Certificate | Key)]
    alive = [one for one in store if not moment.state(one.not_after, None) and not one.lookalike]
    context = _Context(
        moment=moment,
        roots=frozenset(one.known.name for one in alive if one.known and one.is_ats),
        keys=frozenset(one.known.spki_sha256 for one in store if one.known),
        alive=bool(alive),
    )
    return [_finding(one, context) for one in things]


@dataclass(frozen=True)
class _Context:
    """What else the file holds: ATS roots that have not ended, all known keys, anything alive."""

    moment: Moment
    roots: frozenset[str]
    keys: frozenset[str]
    alive: bool


def _is_ats(known: KnownCertificate) -> bool:
    return known.role == "root" and known.group in ("ats", "ats-starfield", "ats-eu")


def _described(seen: Seen) -> _Thing:
    thing = seen.thing
    if isinstance(thing, Damaged):
        return _Thing(seen, None, "a certificate block", None, None)
    if isinstance(thing, Name):
        return _Thing(seen, None, thing.text, None, None)
    if isinstance(thing, Digest):
        return _of_known(seen, thing.known)
    if isinstance(thing, Key):
        return _of_key(seen, thing)
    return _of_certificate(seen, thing)


def _of_known(seen: Seen, known: KnownCertificate) -> _Thing:
    anchor = index.anchors().get(known.spki_sha256)
    name = anchor.name if anchor and known.role == "root" else known.name
    return _Thing(seen, known, name, known.not_after, anchor.programme_end if anchor else None)


def _of_key(seen: Seen, key: Key) -> _Thing:
    known = index.by_spki().get(key.spki_sha256)
    if known:
        return _of_known(seen, known)
    return _Thing(seen, None, _common_name(key.name_der), None, None, _is_taken(key.name_der))


def _of_certificate(seen: Seen, one: Certificate) -> _Thing:
    known = index.by_sha256().get(one.sha256) or index.by_spki().get(one.spki_sha256)
    if known is None:
        taken = _is_taken(one.subject_der)
        return _Thing(seen, None, one.subject, one.not_after, None, taken)
    described = _of_known(seen, known)
    return _Thing(seen, known, described.name, one.not_after, described.programme_end)


def _is_taken(name_der: bytes) -> bool:
    return bool(name_der) and index.by_name(name_der) is not None


def _common_name(name_der: bytes) -> str:
    try:
        _, start, end = element(name_der, 0, len(name_der))
        return facts.common_name(name_der, (start, end))
    except Error:
        return "a CA with an unreadable name"


def _finding(one: _Thing, context: _Context) -> Finding:
    code, level, ready, why, hint = _verdict(one, context)
    form = one.seen.form
    return Finding(
        code,
        level,
        one.name,
        form,
        one.seen.at,
        ready,
        why,
        hint,
        one.not_after,
        one.programme_end,
    )


_Verdict = tuple[str, str, str, str, str]


def _verdict(one: _Thing, context: _Context) -> _Verdict:
    """Return code, level, ready, why, hint, by the rules of the module."""
    match one.seen.thing:
        case Damaged(why):
            return "DAMAGED", NOTE, "-", why, "get the certificate again"
        case Name():
            why = "its name is in the compiled code; the source tells what it is used for"
            return "NOVERIFY", NOTE, "-", why, "audit the source as well"
        case Digest() as digest:
            return _pin(digest, context)
        case _:
            return _anchor(one, context)


def _anchor(one: _Thing, context: _Context) -> _Verdict:
    """Anything that a path can end at: a certificate, or a key with or without a name."""
    if one.lookalike:
        why = "its key is not the one of the CA with that name: it verifies nothing of Amazon"
        return "LOOKALIKE", BREAKS, "no", why, "replace it, unless it is a test's own CA"
    if one.known is None:
        return _other(one, context)
    if one.known.role == "intermediate":
        return _intermediate(one, context)
    if one.known.role == "root" and not one.is_ats:
        return _legacy(one, context)
    return _ats(one, context)


def _ats(one: _Thing, context: _Context) -> _Verdict:
    """An anchor of Amazon Trust Services, or one of its cross certificates."""
    state = context.moment.state(one.not_after, one.programme_end)
    own = one.known.name if one.known else ""
    replaced = not own.startswith(_NO_CROSS_NEEDED) and any(
        root.startswith(_NO_CROSS_NEEDED) for root in context.roots
    )
    if state:
        return _ends(one, state, harmless=replaced, context=context)
    if one.known and one.known.role == "cross":
        why = "a key certified by another root: longer than the root itself, and it ends with it"
        return "CROSS", NOTE, "yes", why, "keep the self-signed root in its place"
    if own == "starfield-g2" and not replaced:
        why = "works only where the server sends the cross certificate of its root"
        return "ATS", NOTE, "yes", why, "add Amazon Root CA 1 and 3"
    if one.known and one.known.group == "ats-eu":
        return "ATS", FINE, "yes", "a root of the European Sovereign Cloud", ""
    return "ATS", FINE, "yes", "AWS endpoints chain to it", ""


def _ends(one: _Thing, state: str, *, harmless: bool, context: _Context) -> _Verdict:
    level = {"ENDED": BREAKS, "ENDING": WILL_BREAK}[state]
    ready = "yes" if one.is_ats and state == "ENDING" else "no"
    hint = "remove it, the others do" if harmless else "replace it: rootlet certs list"
    return state, NOTE if harmless else level, ready, _when(one, context.moment), hint


def _when(one: _Thing, moment: Moment) -> str:
    """Say which of the two dates comes first."""
    programme, own = one.programme_end, one.not_after
    if own and own < moment.at:
        return f"it ended on {own.date()}"
    if programme and (own is None or programme < own.date()):
        tense = "have ended their trust" if programme < moment.at.date() else "end their trust"
        return f"root programmes {tense} in it on {programme}; servers move to other roots"
    return f"it ends on {own.date()}" if own else "it ends"


def _intermediate(one: _Thing, context: _Context) -> _Verdict:
    why = "an issuing CA of Amazon changes without notice and lives three years now"
    if context.moment.state(one.not_after, None) == "ENDED":
        level = NOTE if context.roots else BREAKS
        return "INTERMEDIATE", level, "no", f"{_when(one, context.moment)}; {why}", _TAKE_ROOTS
    if context.roots:
        return "INTERMEDIATE", NOTE, "no", why, "remove it: the roots beside it are enough"
    return "INTERMEDIATE", WILL_BREAK, "no", why, f"trust the roots instead: {_TAKE_ROOTS}"


def _legacy(one: _Thing, context: _Context) -> _Verdict:
    why = "no AWS endpoint chains to it any more"
    if context.moment.state(one.not_after, None) == "ENDED":
        why = f"{_when(one, context.moment)}, and {why}"
    elif one.known and one.known.group == _ELSEWHERE:
        hint = "keep it only for services that are not AWS"
        return "LEGACY", NOTE, "no", f"{why}; other services use it", hint
    if context.roots:
        return "LEGACY", NOTE, "no", why, "remove it: the Amazon roots beside it do"
    return "LEGACY", BREAKS, "no", why, f"put the Amazon roots in its place: {_TAKE_ROOTS}"


def _other(one: _Thing, context: _Context) -> _Verdict:
    if _is_from_amazon(one.seen.thing):
        why = "AWS renews its server certificates every few months"
        return "LEAF", WILL_BREAK, "no", why, f"trust the roots instead: {_TAKE_ROOTS}"
    state = context.moment.state(one.not_after, None)
    if state:
        level = NOTE if context.alive else BREAKS
        level = level if state == "ENDED" or level == NOTE else WILL_BREAK
        hint = "remove it" if level == NOTE else "replace it"
        return state, level, "-", _when(one, context.moment), hint
    return "OTHER", FINE, "-", "not a CA that AWS endpoints chain to", ""


def _is_from_amazon(thing: object) -> bool:
    """Whether it is a server certificate that names an issuing CA of Amazon."""
    if not isinstance(thing, Certificate) or thing.is_ca or thing.is_self_issued:
        return False
    issuer = index.by_name(thing.issuer_der)
    return issuer is not None and issuer.group.startswith("ats")


def _pin(digest: Digest, context: _Context) -> _Verdict:
    known = digest.known
    code = "PIN-KEY" if digest.of_key else "PIN-CERT"
    if known.role == "intermediate":
        why = "a pin on an issuing CA, which changes without notice"
        return code, WILL_BREAK, "no", why, "remove the pin and verify against the roots"
    if not _is_ats(known) and known.role == "root":
        level = NOTE if known.group == _ELSEWHERE else BREAKS
        return code, level, "no", "no AWS endpoint chains to it any more", "remove the pin"
    if known.spki_sha256 in context.keys:
        return code, FINE, "yes", "it names what the same file holds", ""
    if digest.of_key:
        why = "AWS neither recommends nor supports pinning; a root's key is the least bad pin"
        return code, NOTE, "yes", why, "verify against the roots instead"
    why = "a root's key has several certificates: a server may send another one"
    hint = "fine as the checksum of a file; as a pin, use the root's key"
    level = NOTE if known.role == "root" else WILL_BREAK
    return code, level, "yes", why, hint
