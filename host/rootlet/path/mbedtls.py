"""mbedTLS 3.6, library/x509_crt.c, and ESP-IDF's certificate bundle, which sits on top of it.

``x509_crt_verify_chain`` climbs from the leaf. For each certificate it looks for a parent among
the anchors, then among what was sent *after* that certificate, never before it; it does not come
back from a wrong turn. It stops at the first anchor. Everything that it objects to is collected.

With ``tail_only`` the anchors are out of reach while it climbs (esp_crt_bundle.c of ESP-IDF up to
5.5, cross-signed verification off): the callback then looks up the issuer of the one certificate
that was found untrusted, by the bytes of its name, and clears it when that key signed it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rootlet.path.link import CERT_SIGN
from rootlet.path.model import Built, Finding, no_issuer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rootlet.path.link import Link
    from rootlet.path.model import Model, Question

_MAX_INTERMEDIATES = 8  # MBEDTLS_X509_MAX_INTERMEDIATE_CA
#: What x509_get_crt_ext reads: keyUsage, subjectAltName, basicConstraints, certificatePolicies,
#: extKeyUsage and the key identifiers. Any other that is critical fails the parse.
_READ = {f"2.5.29.{arc}" for arc in (14, 15, 17, 19, 32, 35, 37)}


def build(question: Question, model: Model) -> Built:
    """Climb, and collect what the stack objects to."""
    unread = [link for link in question.chain if link.critical - _READ]
    if unread:
        reason = f"{unread[0].title} has a critical extension that {model.name} does not know"
        return Built((question.leaf,), anchored=False, findings=(Finding("FORMAT", reason),))
    climb = _Climb(question, model)
    climb.run()
    findings = [
        *model.host(question),
        *_serving(question.leaf),
        *model.strength(question.leaf),
        *climb.findings,
    ]
    return Built(tuple(climb.path), climb.anchored, tuple(findings))


def _serving(leaf: Link) -> list[Finding]:
    """``mbedtls_ssl_check_cert_usage``: ECDHE signs with the leaf's key."""
    if leaf.may("digital_signature") and leaf.serves():
        return []
    return [Finding("ROOT", f"{leaf.title} is not a certificate for a TLS server")]


class _Climb:
    """``x509_crt_verify_chain``: the path so far and what was wrong with it."""

    def __init__(self, question: Question, model: Model) -> None:
        self._question = question
        self._model = model
        self._self_issued = 0
        self.path = [question.leaf]
        self.anchored = False
        self.findings = model.dates(question.leaf, question.at)

    def run(self) -> None:
        """Go up until an anchor, or until nothing fits."""
        if self._is_trusted_leaf():
            self.anchored = True
            return
        place: int | None = 0
        while place is not None:
            place = self._step(place)

    def _step(self, place: int) -> int | None:
        """Add the parent of the last link, sent at ``place``; return its place, None to end."""
        child = self.path[-1]
        found = self._anchor(child) or self._sent(child, place)
        if found is None:
            self._end_at(child)
            return None
        parent, place_of_parent = found
        self.findings += self._model.hash(child)
        if len(self.path) > 1 and child.is_self_issued:
            self._self_issued += 1
        if place_of_parent is not None and not self._take_sent(child, parent):
            return None
        self.findings += self._model.strength(parent)
        self._push(parent, anchored=place_of_parent is None)
        return place_of_parent

    def _push(self, parent: Link, *, anchored: bool) -> None:
        self.path.append(parent)
        self.anchored = anchored
        if not anchored or self._model.anchor_dates:
            self.findings += self._model.dates(parent, self._question.at)

    def _take_sent(self, child: Link, parent: Link) -> bool:
        """Note a bad signature, which does not end the climb; refuse to go too far up."""
        if len(self.path) > _MAX_INTERMEDIATES:
            self.findings.append(Finding("ROOT", "more than 8 issuing certificates were sent"))
            return False
        if not self._question.signatures.made(child, parent):
            reason = f"the key of {parent.title} that was sent did not sign {child.title}"
            self.findings.append(Finding("ROOT", reason))
        return True

    def _anchor(self, child: Link) -> tuple[Link, None] | None:
        if self._model.tail_only:
            return None
        signed = self._question.signatures.made
        fit = [one for one in self._question.anchors if self._fits(child, one, top=True)]
        found = self._best([one for one in fit if signed(child, one)])
        return (found, None) if found else None

    def _sent(self, child: Link, place: int) -> tuple[Link, int] | None:
        chain = self._question.chain
        fit = [
            at for at in range(place + 1, len(chain)) if self._fits(child, chain[at], top=False)
        ]
        found = self._best([chain[at] for at in fit])
        return (found, next(at for at in fit if chain[at] is found)) if found else None

    def _best(self, fit: Sequence[Link]) -> Link | None:
        """``x509_crt_find_parent_in``: the first that is valid now, else the first."""
        valid = (one for one in fit if one.is_valid(self._question.at))
        return next(valid, fit[0] if fit else None)

    def _fits(self, child: Link, parent: Link, *, top: bool) -> bool:
        """``x509_crt_check_parent`` and the path length; a version 1 anchor passes for a CA."""
        if not self._model.named(child, parent):
            return False
        needs_ca = not (top and parent.version < 3)
        if needs_ca and not (parent.is_ca and parent.may(CERT_SIGN)):
            return False
        below = len(self.path) - 1 - self._self_issued
        return parent.path_length is None or below <= parent.path_length

    def _is_trusted_leaf(self) -> bool:
        """``x509_crt_check_ee_locally_trusted``: self-issued, and the same bytes as an anchor."""
        leaf = self._question.leaf
        if self._model.tail_only or not leaf.is_self_issued:
            return False
        return any(one.identity == leaf.identity for one in self._question.anchors)

    def _end_at(self, top: Link) -> None:
        """Nothing fits: refused, unless the bundle of ESP-IDF holds the issuer."""
        question = self._question
        if self._model.tail_only:
            anchor = _signer([top], question)
            if anchor is not None:  # BAD_MD is forgiven as well
                self._push(anchor, anchored=True)
                return
            if crossed := _signer(self.path[:-1], question):
                self.findings.append(_tail(top, crossed))
                return
        self.findings += self._model.hash(top)
        path = () if self._model.tail_only else self.path
        self.findings.append(no_issuer(question, top, self._model, path))


def _signer(path: Sequence[Link], question: Question) -> Link | None:
    """Return the first anchor that signed one of ``path``, by the bytes of its name."""
    for link in path:
        for anchor in question.anchors:
            if anchor.subject == link.issuer and question.signatures.made(link, anchor):
                return anchor
    return None


def _tail(top: Link, anchor: Link) -> Finding:
    return Finding(
        "CROSS",
        f"only the issuer of the last certificate, {top.title}, is looked up, and no anchor is "
        f"{top.issuer_title}; that {anchor.title} is one does not help",
    )
