"""What is asked of a verifier model, what it answers, and the table of the models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rootlet.path import names
from rootlet.path.link import CERT_SIGN, Link
from rootlet.path.signatures import Signatures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from rootlet.path.names import Folded

#: The longest chain that is looked at. AWS sends at most 4; mbedTLS stops at 10.
MAX_CHAIN = 16
MAX_ANCHORS = 20  # urootlet.bundle.MAX_ANCHORS


@dataclass(frozen=True)
class Question:
    """Whether a device with ``anchors`` would accept ``chain``.

    ``chain`` is what the server sent, leaf first, in the order in which it sent the rest.
    ``families`` are the key families that the cipher profile offers; ``host`` "" asks nothing
    of the names. ``at`` is aware.
    """

    anchors: tuple[Link, ...]
    chain: tuple[Link, ...]
    at: datetime
    host: str = ""
    families: frozenset[str] = frozenset({"rsa", "ecdsa"})
    signatures: Signatures = field(default_factory=Signatures, repr=False)

    @property
    def leaf(self) -> Link:
        """The server's own certificate."""
        return self.chain[0]


@dataclass(frozen=True)
class Finding:
    """One thing that a verifier objects to: a code of ``urootlet.advice`` and a sentence."""

    code: str
    reason: str


@dataclass(frozen=True)
class Built:
    """A path, leaf first, as far as it was built; ``anchored`` when it ends at an anchor.

    ``findings`` are in the order in which the stack makes its checks.
    """

    path: tuple[Link, ...]
    anchored: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Answer:
    """``code`` and ``reason`` are empty exactly when the chain is accepted.

    ``path`` is leaf first; its last link is ``anchor`` unless the leaf itself was the anchor.
    """

    path: tuple[Link, ...]
    anchor: Link | None
    code: str
    reason: str

    @property
    def accepted(self) -> bool:
        """Whether a device would have gone on with the connection."""
        return not self.code


@dataclass(frozen=True)
class Model:
    """How one TLS stack verifies.

    ``build`` finds the path and objects; ``fold`` makes names comparable; ``forms`` are the
    anchor forms that it takes, smallest first; ``rsa_bits``, ``curves`` and ``digests`` are what
    it accepts. ``empty_san_counts``, ``wildcard_dots``, ``partial_wildcards``: ``names.matches``.
    ``checks_dates``: dates count at all; ``anchor_dates``: those of anchors do. ``tail_only``:
    only the issuer of the last unverified certificate is looked up among the anchors.
    ``partial``: an anchor need not be self-signed. ``strict``: the RFC 5280 profile of CA
    certificates is enforced. ``alternative``: see ``wolfssl``. ``order``: codes, most telling
    first, when a stack collects all that it objects to; empty when it stops at the first.
    """

    id: str
    name: str
    build: Callable[[Question, Model], Built]
    fold: Callable[[bytes], Folded] = names.ignoring_case
    forms: tuple[str, ...] = ("tiny", "strict", "full")
    rsa_bits: int = 2048
    curves: frozenset[str] = frozenset({"ec-p256", "ec-p384", "ec-p521"})
    digests: frozenset[str] = frozenset({"sha256", "sha384", "sha512"})
    empty_san_counts: bool = False
    checks_dates: bool = True
    wildcard_dots: int = 1
    anchor_dates: bool = True
    tail_only: bool = False
    partial: bool = False
    strict: bool = False
    alternative: bool = False
    partial_wildcards: bool = False
    order: tuple[str, ...] = ()

    def named(self, child: Link, parent: Link) -> bool:
        """Whether ``child`` names ``parent`` as its issuer, as this stack compares names."""
        return self.fold(child.issuer) == self.fold(parent.subject)

    def key_is_weak(self, link: Link) -> bool:
        """Whether the key is none that this stack accepts."""
        if link.family == "rsa":
            return int(link.key.removeprefix("rsa-")) < self.rsa_bits
        return link.key not in self.curves

    def dates(self, link: Link, at: datetime) -> list[Finding]:
        """Object to dates."""
        if not self.checks_dates:
            return []
        if at < link.not_before:
            return [Finding("CLOCK", f"{link.title} is not valid before {day(link.not_before)}")]
        if at > link.not_after:
            return [Finding("EXPIRED", f"{link.title} ended on {day(link.not_after)}")]
        return []

    def host(self, question: Question) -> list[Finding]:
        """Object to a leaf that does not carry the host's name."""
        leaf, host = question.leaf, question.host
        dots, empty = self.wildcard_dots, self.empty_san_counts
        if not host or names.matches(
            leaf, host, empty_counts=empty, dots=dots, parts=self.partial_wildcards
        ):
            return []
        shown = leaf.dns or leaf.addresses or leaf.common_names
        return [Finding("NAME", f"the certificate is for {', '.join(shown[:3])}, not for {host}")]

    def strength(self, link: Link) -> list[Finding]:
        """Object to a key."""
        if not self.key_is_weak(link):
            return []
        return [
            Finding("TLSPOLICY", f"{self.name} does not take the key of {link.title} ({link.key})")
        ]

    def hash(self, link: Link) -> list[Finding]:
        """Object to the hash of a signature."""
        if link.digest in self.digests:
            return []
        return [
            Finding(
                "TLSPOLICY", f"{link.title} is signed over {link.digest}, which does not count"
            )
        ]


def no_issuer(question: Question, link: Link, model: Model, path: Sequence[Link] = ()) -> Finding:
    """Say why the path ends at ``link``; an anchor above any other of ``path`` would do too."""
    same = [one for one in question.anchors if model.named(link, one)]
    if same:
        return Finding(
            "ROOT",
            f"the anchor called {same[0].title} cannot have signed {link.title}: "
            f"{_unfit(link, same[0], question)}",
        )
    sent = [one for one in question.chain if model.named(link, one) and one is not link]
    if sent and question.chain.index(sent[0]) < question.chain.index(link):
        reason = f"{sent[0].title} was sent before {link.title}, which it signed"
        return Finding("ROOT", reason)
    if sent:
        reason = f"the {sent[0].title} that was sent is no issuer for {link.title}"
        return Finding("ROOT", reason)
    if link.is_self_issued:
        return Finding("ROOT", f"{link.title} is a root that the bundle does not hold")
    above = dict.fromkeys(one.issuer_title for one in path[1:])
    if len(above) > 1:
        return Finding("ROOT", f"no anchor is {' or '.join(above)}, to which the chain leads")
    return Finding("ROOT", f"no anchor is {link.issuer_title}, which signed {link.title}")


def _unfit(link: Link, anchor: Link, question: Question) -> str:
    if not question.signatures.made(link, anchor):
        return "its key is another one"
    if not anchor.may(CERT_SIGN) or (anchor.version == 3 and not anchor.is_ca):
        return "it is not a CA"
    return "its constraints forbid it"


def day(moment: datetime) -> str:
    """Return the day of a moment (UTC), with the time when it is not midnight."""
    return moment.strftime(
        "%Y-%m-%d" if moment.strftime("%H%M%S") == "000000" else "%Y-%m-%d %H:%M"
    )
