"""Verifier models: whether a device with these anchors would accept this chain.

TLS stacks differ in how they look for a path (RFC 4158 leaves it open) and in what they object
to. Each one is a row of ``MODELS``: a way of building the path, and properties. Signatures are
really checked. ``docs/verifiers.md`` says how the rows are held against the real stacks.

Pure: no clock, no files. Inputs are hostile: at most ``MAX_CHAIN`` certificates, ``MAX_ANCHORS``
anchors and a bounded number of signatures.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rootlet.errors import InputError
from rootlet.path import mbedtls, names, openssl, wolfssl
from rootlet.path.link import CertificateLink, Link, from_certificate, read
from rootlet.path.model import MAX_ANCHORS, MAX_CHAIN, Answer, Built, Finding, Model, Question
from rootlet.path.signatures import Signatures

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "MAX_ANCHORS",
    "MAX_CHAIN",
    "MODELS",
    "Answer",
    "CertificateLink",
    "Finding",
    "Link",
    "Model",
    "Question",
    "Signatures",
    "from_certificate",
    "read",
    "verify",
]

#: What a stack that collects everything is best described by; as ``urootlet.diagnose`` picks.
_TELLING = ("FORMAT", "CLOCK", "EXPIRED", "NAME", "CROSS", "ROOT", "TLSPOLICY")
_OPENSSL_CURVES = frozenset({"ec-p256", "ec-p384", "ec-p521"})

_OPENSSL = Model(
    "openssl",
    "OpenSSL 3",
    openssl.build,
    fold=names.canonical,
    forms=("strict", "full"),
    curves=_OPENSSL_CURVES,
    empty_san_counts=True,
    wildcard_dots=2,
)

#: Stack -> its model, by the names of ``rootlet verify --stack``.
MODELS = {
    model.id: model
    for model in (
        Model("mbedtls", "mbedTLS 3.6", mbedtls.build, order=_TELLING),
        _OPENSSL,
        replace(
            _OPENSSL, id="openssl-strict", name="OpenSSL 3, strict", partial=True, strict=True
        ),
        Model(
            "esp-idf",
            "the certificate bundle of ESP-IDF 5.5",
            mbedtls.build,
            anchor_dates=False,
            tail_only=True,
            order=_TELLING,
        ),
        Model(
            "wolfssl",
            "wolfSSL 5",
            wolfssl.build,
            fold=names.exact,
            forms=("strict", "full"),
            rsa_bits=1024,
            digests=frozenset({"sha1", "sha256", "sha384", "sha512"}),
            partial_wildcards=True,
        ),
    )
}


def verify(model: Model, question: Question) -> Answer:
    """Answer ``question`` as ``model`` would.

    Raises InputError for no or too many certificates, TrustError when the work has no end.
    """
    _check_size("anchors", question.anchors, MAX_ANCHORS)
    _check_size("certificates in the chain", question.chain, MAX_CHAIN)
    leaf = question.leaf
    if leaf.family not in question.families:
        offered = " and ".join(sorted(question.families)).upper()
        reason = f"the server's key is {leaf.family.upper()}; the cipher profile offers {offered}"
        return Answer((leaf,), None, "FAMILY", reason)
    built = model.build(question, model)
    finding = _first(built, model)
    if finding is None:
        return Answer(built.path, built.path[-1], "", "")
    anchor = built.path[-1] if built.anchored else None
    return _refusal(Answer(built.path, anchor, finding.code, finding.reason), question)


def _check_size(what: str, given: Sequence[Link], limit: int) -> None:
    if not 1 <= len(given) <= limit:
        raise InputError(
            f"{len(given)} {what}",
            why=f"1 to {limit} can be looked at",
            hint="give the server's chain, leaf first",
            code="FORMAT",
        )


def _first(built: Built, model: Model) -> Finding | None:
    """Return the objection that describes the refusal, None if there is none."""
    if not model.order:
        return next(iter(built.findings), None)
    return min(built.findings, key=lambda one: model.order.index(one.code), default=None)


def _refusal(answer: Answer, question: Question) -> Answer:
    """Call a missing root FAMILY when no anchor has the leaf's key type: as a device does."""
    family = question.leaf.family
    if answer.code != "ROOT" or any(one.family == family for one in question.anchors):
        return answer
    reason = f"the server's key is {family.upper()}, and no anchor's is; {answer.reason}"
    return replace(answer, code="FAMILY", reason=reason)
