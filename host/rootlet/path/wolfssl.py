"""wolfSSL 5, src/internal.c ``ProcessPeerCerts``, in its default build.

It goes through the certificates from the last one sent down to the leaf. Each must be signed by
a CA that is known: an anchor, or one sent further on that has passed. A certificate at the end
that leads nowhere therefore fails the handshake (ASN_NO_SIGNER_E, -188) though the leaf has a
path without it. Builds with WOLFSSL_ALT_CERT_CHAINS (``alternative``) pass over such a one.

A CA is found by the child's authority key identifier where it has one: the anchor's own key
identifier, or SHA-1 of its key when it states none. What was sent and signs must say so in
keyUsage. An anchor outside its dates does not load, which is as good as fatal to a device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rootlet.path.link import CERT_SIGN
from rootlet.path.model import Built, Finding, no_issuer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rootlet.path.link import Link
    from rootlet.path.model import Model, Question


_MAX_DEPTH = 9  # MAX_CHAIN_DEPTH
#: Extensions that DecodeExtensionType knows; any other that is critical is ASN_CRIT_EXT_E.
_READ = {f"2.5.29.{arc}" for arc in (14, 15, 17, 19, 30, 31, 32, 35, 36, 37, 54)}


def build(question: Question, model: Model) -> Built:
    """Verify every certificate sent, from the end."""
    early = [*_anchors(question, model), *_unreadable(question)]
    if early:
        return Built((question.leaf,), anchored=False, findings=tuple(early))
    walk = _Walk(question, model)
    for sent in reversed(question.chain):
        if not walk.take(sent):
            break
    path = tuple(walk.path())
    findings = walk.findings or [*_serving(question.leaf), *model.host(question)]
    return Built(path, path[-1] in question.anchors, tuple(findings))


class _Walk:
    """The CAs known so far, who signed what, and how many CAs each may still have below."""

    def __init__(self, question: Question, model: Model) -> None:
        self._question = question
        self._model = model
        self._known = list(question.anchors)
        self._room = {one.identity: one.path_length for one in question.anchors}
        self._signers: dict[str, Link] = {}
        self.findings: list[Finding] = []

    def take(self, sent: Link) -> bool:
        """Verify one certificate; False ends the handshake."""
        question, model = self._question, self._model
        signer = _signer(sent, self._known, question, model)
        if signer is not None and self._is_too_deep(sent, signer):
            signer = None
        if signer is None:
            if model.alternative and sent is not question.leaf:
                return True
            self.findings.append(_no_signer(sent, question, model))
            return False
        if not question.signatures.made(sent, signer):
            reason = f"the key of {signer.title} did not sign {sent.title}: it is another key"
            self.findings.append(Finding("ROOT", reason))
            return False
        self.findings += [
            *model.dates(sent, question.at),
            *model.strength(sent),
            *model.hash(sent),
        ]
        self._add(sent, signer)
        return True

    def path(self) -> Iterator[Link]:
        """Follow the signers from the leaf up."""
        link: Link | None = self._question.leaf
        seen: set[str] = set()
        while link is not None and link.identity not in seen:
            yield link
            seen.add(link.identity)
            link = None if link in self._question.anchors else self._signers.get(link.identity)

    def _is_too_deep(self, sent: Link, signer: Link) -> bool:
        return sent.is_ca and self._room[signer.identity] == 0

    def _add(self, sent: Link, signer: Link) -> None:
        self._signers[sent.identity] = signer
        if sent is self._question.leaf:
            return
        self._known.append(sent)
        above = self._room[signer.identity]
        limits = [sent.path_length, None if above is None else above - 1]
        self._room[sent.identity] = min((one for one in limits if one is not None), default=None)


def _signer(child: Link, known: list[Link], question: Question, model: Model) -> Link | None:
    """``GetCA``, by key identifier and name alone; ``AddCA``: a CA whose keyUsage says so."""
    for one in known:
        may_sign = one in question.anchors or (one.is_ca and CERT_SIGN in (one.usage or ()))
        same_key_id = child.aki is None or child.aki == (one.ski or one.key_id)
        if may_sign and same_key_id and model.named(child, one):
            return one
    return None


def _anchors(question: Question, model: Model) -> Iterator[Finding]:
    for anchor in question.anchors:
        yield from model.dates(anchor, question.at)


def _unreadable(question: Question) -> Iterator[Finding]:
    if len(question.chain) > _MAX_DEPTH:
        yield Finding("ROOT", f"more than {_MAX_DEPTH} certificates were sent")
    for link in question.chain:
        if link.critical - _READ:
            reason = f"{link.title} has a critical extension that wolfSSL does not know"
            yield Finding("FORMAT", reason)


def _serving(leaf: Link) -> Iterator[Finding]:
    if not leaf.serves() or not leaf.may("digital_signature"):
        yield Finding("ROOT", f"{leaf.title} is not a certificate for a TLS server")


def _no_signer(sent: Link, question: Question, model: Model) -> Finding:
    """Tell a tail that leads nowhere, over a path that is good, from a path that is missing."""
    for link in question.chain:
        anchor = _signer(link, list(question.anchors), question, model)
        if anchor and link is not sent and question.signatures.made(link, anchor):
            reason = (
                f"every certificate sent is verified, and no anchor is {sent.issuer_title}, which "
                f"signed {sent.title}; that {anchor.title} is one does not help"
            )
            return Finding("CROSS", reason)
    return no_issuer(question, sent, model)
