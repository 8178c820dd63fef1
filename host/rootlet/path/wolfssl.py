"""wolfSSL 5, src/internal.c ``ProcessPeerCerts``, in its default build.

It goes through the certificates from the last one sent down to the leaf. Each must be signed by
a CA that is known: an anchor, or one sent further on that has passed. A certificate at the end
that leads nowhere therefore fails the handshake (ASN_NO_SIGNER_E, -188) though the leaf has a
path without it. Builds with WOLFSSL_ALT_CERT_CHAINS are more lenient; this is the default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rootlet.path.link import CERT_SIGN
from rootlet.path.model import Built, Finding, no_issuer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rootlet.path.link import Link
    from rootlet.path.model import Model, Question


def build(question: Question, model: Model) -> Built:
    """Verify every certificate sent, from the end."""
    known = list(question.anchors)
    signers: dict[str, Link] = {}
    findings: list[Finding] = []
    for sent in reversed(question.chain):
        signer = _signer(sent, known, question, model)
        if signer is None:
            findings.append(_no_signer(sent, question, model))
            break
        signers[sent.identity] = signer
        findings += model.dates(sent, question.at) + model.strength(sent) + model.hash(sent)
        if sent is not question.leaf:
            known.append(sent)
    path = list(_path(question, signers))
    anchored = path[-1] in question.anchors
    findings += [
        item for one in path if one in question.anchors for item in _anchor(one, question, model)
    ]
    if not findings:
        findings = [*_serving(question.leaf), *model.host(question)]
    return Built(tuple(path), anchored, tuple(findings))


def _signer(child: Link, known: list[Link], question: Question, model: Model) -> Link | None:
    """``GetCA``: by name; the signature must hold, and what was sent must be a CA."""
    for one in known:
        may_sign = one in question.anchors or (one.is_ca and one.may(CERT_SIGN))
        if may_sign and model.named(child, one) and question.signatures.made(child, one):
            return one
    return None


def _anchor(anchor: Link, question: Question, model: Model) -> list[Finding]:
    """An anchor outside its dates does not load, so this is what the device would report."""
    return model.dates(anchor, question.at)


def _serving(leaf: Link) -> Iterator[Finding]:
    if not leaf.serves() or not leaf.may("digital_signature"):
        yield Finding("ROOT", f"{leaf.title} is not a certificate for a TLS server")


def _no_signer(sent: Link, question: Question, model: Model) -> Finding:
    """Tell a tail that leads nowhere, over a path that is good, from a path that is missing."""
    for link in question.chain:
        anchor = _signer(link, list(question.anchors), question, model)
        if anchor is not None and link is not sent:
            reason = (
                f"every certificate sent is verified, and no anchor is {sent.issuer_title}, which "
                f"signed {sent.title}; that {anchor.title} is one does not help"
            )
            return Finding("CROSS", reason)
    return no_issuer(question, sent, model)


def _path(question: Question, signers: dict[str, Link]) -> Iterator[Link]:
    """Follow the signers from the leaf up."""
    link: Link | None = question.leaf
    seen: set[str] = set()
    while link is not None and link.identity not in seen:
        yield link
        seen.add(link.identity)
        link = None if link in question.anchors else signers.get(link.identity)
