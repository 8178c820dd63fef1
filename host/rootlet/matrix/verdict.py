"""From what was expected and what was seen to a verdict. Pure: no clock, no sockets.

Rules, in this order, for a server that must be refused:

1. The client sent application data to a server that is not what it must be: dangerous.
2. The client says that it connected: dangerous.
3. The client says why it did not: passed if a right reason, failed otherwise.
4. It says nothing: passed if the lab saw it come and end the handshake; failed if it never came,
   or if the lab had to end it for the lack of a client certificate, which proves nothing.

For a server that must be accepted: passed if application data came, and the client is content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from rootlet.lab.scenarios import Accept

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rootlet.lab.scenarios import Refuse

Outcome = Literal["passed", "failed", "dangerous", "n/a"]

#: Reasons for which the server is the right one all the same: trusting it harms nobody.
GENUINE = frozenset({"POLICY", "NET", "TOPIC", "CLIENTID", "CLIENTCERT", "HEAP"})
#: A client that has codes ended with none of them: a crash, or too long a wait.
UNEXPLAINED = "?"
#: OpenSSL's words when a client that had to show a certificate showed none.
_NO_CERTIFICATE = "peer-did-not-return-a-certificate"
#: What a client that accepts in spite of a reason does not check, and the code of that.
_UNCHECKED = (
    (("ROOT", "CROSS", "FAMILY"), "NOVERIFY", "it does not verify the server's chain"),
    (("NAME",), "NAME", "it does not check the server's name"),
    (("EXPIRED", "CLOCK"), "EXPIRED", "it does not check the certificates' dates"),
    (("SNI",), "SNI", "it does not ask for the server by name"),
    (("TLSPOLICY", "PORT"), "TLSPOLICY", "it takes a protocol that protects nothing"),
)


class Seen(NamedTuple):
    """What one attempt looked like.

    ``code`` is what the client reports: a row of ``urootlet.advice``, ``""`` for a connection,
    None from a client that has no codes. The rest is the lab's: whether anybody came, whether
    application data followed a handshake, and why the lab or the client ended one.
    """

    contact: bool
    spoke: bool
    code: str | None = None
    said: str = ""
    reason: str = ""


class Verdict(NamedTuple):
    """An outcome, and what was seen in one line."""

    outcome: Outcome
    why: str


def judge(expect: Accept | Refuse, seen: Seen) -> Verdict:
    """Return the verdict on one attempt."""
    if isinstance(expect, Accept):
        return _accept(seen)
    return _refuse(expect.codes, seen)


def _accept(seen: Seen) -> Verdict:
    if seen.spoke and not seen.code:
        return Verdict("passed", seen.said or "connected")
    return Verdict("failed", _told(seen))


def _refuse(codes: tuple[str, ...], seen: Seen) -> Verdict:
    if (seen.spoke and not GENUINE.issuperset(codes)) or seen.code == "":
        return Verdict("dangerous", "connected, and sent data" if seen.spoke else "connected")
    if seen.code is not None:
        return Verdict("passed" if seen.code in codes else "failed", _told(seen))
    if seen.reason == _NO_CERTIFICATE:
        return Verdict("failed", "it went on without refusing, and showed no certificate")
    return Verdict("passed" if seen.contact else "failed", _told(seen))


def _told(seen: Seen) -> str:
    if seen.code == UNEXPLAINED:
        return f"ended without a reason: {seen.said}"
    if seen.code:
        return f"E-{seen.code}: {seen.said}"
    if not seen.contact:
        return f"it never came to the lab: {seen.said or 'no word'}"
    return seen.reason or seen.said or "ended"


def unchecked(codes: Iterable[str]) -> tuple[str, str]:
    """Return code and words for what a client does not check that accepted in spite of ``codes``.

    >>> unchecked(["ROOT"])
    ('NOVERIFY', "it does not verify the server's chain")
    """
    wanted = set(codes)
    for reasons, code, words in _UNCHECKED:
        if wanted & set(reasons):
            return code, words
    return next(iter(sorted(wanted)), ""), "it accepts what must be refused"
