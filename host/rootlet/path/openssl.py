"""OpenSSL 3, crypto/x509/x509_vfy.c, as CPython's ``ssl`` sets it up.

``build_chain`` with X509_V_FLAG_TRUSTED_FIRST, the default: for the top of the path it looks
among the anchors, then among all that was sent, in any order. Parents are picked by name and key
identifier alone; signatures are checked once the path stands, so a wrong pick is not taken back.
The checks come in the order of ``verify_chain``: path, extensions, key sizes, host name, and from
the anchor down signatures and dates. The first objection ends it.

The common name counts when subjectAltName has no DNS name. Python's default cipher list asks for
security level 2, which stays when ``set_ciphers`` is called: RSA from 2,048 bits on, no SHA-1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rootlet.path.link import BASIC_CONSTRAINTS, CERT_SIGN, NAME_CONSTRAINTS
from rootlet.path.model import Built, Finding, no_issuer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rootlet.path.link import Link
    from rootlet.path.model import Model, Question

#: Critical extensions that X509_supported_extension takes, but nameConstraints: see _objections.
_READ = {f"2.5.29.{arc}" for arc in (14, 15, 17, 19, 31, 32, 33, 35, 36, 37, 54)}


def build(question: Question, model: Model) -> Built:
    """Build the path, then check it."""
    path, trusted = _build_chain(question, model)
    anchored = trusted < len(path) or _is_trusted_leaf(question, model)
    if anchored:
        findings = tuple(_objections(path, trusted, question, model))
    else:
        findings = (_no_path(path, trusted, question, model),)
    return Built(tuple(path), anchored, findings)


def _build_chain(question: Question, model: Model) -> tuple[list[Link], int]:
    """Return the path and where its trusted part begins; its length when there is none."""
    path, sent = [question.leaf], list(question.chain[1:])
    while True:
        top = path[-1]
        anchor = _pick(top, question.anchors, question, model)
        if anchor is not None and (not _is_self_signed(top) or anchor.identity == top.identity):
            # A root that was sent counts as the anchor only when it is the anchor, byte for byte.
            below = path if not _is_self_signed(top) else path[:-1]
            return [*below, *_trusted(anchor, question, model)], len(below)
        parent = None if _is_self_signed(top) else _pick(top, sent, question, model)
        if parent is None:
            return path, len(path)
        sent.remove(parent)
        path.append(parent)


def _trusted(anchor: Link, question: Question, model: Model) -> list[Link]:
    """Return the trusted part: one anchor, or on to a self-signed one without PARTIAL_CHAIN."""
    part = [anchor]
    while not model.partial and not _is_self_signed(part[-1]):
        above = _pick(part[-1], question.anchors, question, model)
        if above is None or above in part:
            break
        part.append(above)
    return part


def _pick(
    child: Link, candidates: Sequence[Link], question: Question, model: Model
) -> Link | None:
    """``X509_STORE_CTX_get1_issuer``, ``find_issuer``: valid now, else the last to end."""
    fit = [one for one in candidates if _may_issue(child, one, model)]
    valid = [one for one in fit if one.is_valid(question.at)]
    return valid[0] if valid else max(fit, key=lambda one: one.not_after, default=None)


def _may_issue(child: Link, parent: Link, model: Model) -> bool:
    """``ossl_x509_likely_issued``: names, key identifiers when both have one."""
    same_key_id = child.aki is None or parent.ski is None or child.aki == parent.ski
    return model.named(child, parent) and same_key_id


def _is_self_signed(link: Link) -> bool:
    """EXFLAG_SS of ossl_x509v3_cache_extensions: nothing in it says otherwise."""
    own_key = link.aki is None or link.ski is None or link.aki == link.ski
    return link.is_self_issued and own_key and link.may(CERT_SIGN)


def _is_trusted_leaf(question: Question, model: Model) -> bool:
    """PARTIAL_CHAIN takes a copy of the leaf among the anchors."""
    leaf = question.leaf.identity
    return model.partial and any(one.identity == leaf for one in question.anchors)


def _no_path(path: list[Link], trusted: int, question: Question, model: Model) -> Finding:
    """Say why no anchor ends the path."""
    top = path[-1]
    if trusted < len(path):
        return Finding("ROOT", f"the anchor {top.title} is not self-signed, and must be")
    return no_issuer(question, top, model, path)


def _objections(
    path: list[Link], trusted: int, question: Question, model: Model
) -> Iterator[Finding]:
    """Yield in the order of ``verify_chain``."""
    top = path[-1]
    if trusted < len(path) and not model.partial and not _is_self_signed(top):
        yield _no_path(path, trusted, question, model)
    yield from _extensions(path, model)
    for link in path:
        yield from model.strength(link)
    for link in path[:-1]:
        yield from model.hash(link)
    yield from model.host(question)
    for child, parent in reversed(list(zip(path, [*path[1:], top], strict=True))):
        if child is not parent and not question.signatures.made(child, parent):
            reason = f"the key of {parent.title} did not sign {child.title}: it is another key"
            yield Finding("ROOT", reason)
        yield from model.dates(child, question.at)


def _extensions(path: list[Link], model: Model) -> Iterator[Finding]:
    """``check_extensions``: each certificate fit for its place, from the leaf up."""
    below = 0
    for depth, link in enumerate(path):
        is_top = depth == len(path) - 1
        if link.has_constraints or NAME_CONSTRAINTS in link.critical:
            yield Finding(
                "ROOT", f"{link.title} has name constraints, which rootlet does not weigh"
            )
        if link.critical - _READ - {NAME_CONSTRAINTS}:
            yield Finding(
                "ROOT", f"{link.title} has a critical extension that OpenSSL does not know"
            )
        if depth and not _is_ca(link, model, is_top=is_top):
            yield Finding("ROOT", f"{link.title} is not a CA certificate")
        if model.strict:
            yield from _strict(link, is_top=is_top, alone=len(path) == 1)
        if not link.serves(any_purpose=False) or (depth == 0 and not _is_server(link)):
            yield Finding("ROOT", f"{link.title} is not for TLS servers")
        if depth and link.path_length is not None and below > link.path_length:
            yield Finding("ROOT", f"{link.title} allows fewer certificates below it")
        below += bool(depth and not link.is_self_issued)


def _is_server(leaf: Link) -> bool:
    return leaf.usage is None or bool(leaf.usage - {CERT_SIGN})


def _is_ca(link: Link, model: Model, *, is_top: bool) -> bool:
    """``check_ca``: keyUsage, then basicConstraints; only the top may be an older kind of CA."""
    if not link.may(CERT_SIGN):
        return False
    if link.is_ca or BASIC_CONSTRAINTS in link.extensions:
        return link.is_ca
    older = (link.version == 1 and _is_self_signed(link)) or link.usage is not None
    return older and is_top and not model.strict


def _strict(link: Link, *, is_top: bool, alone: bool) -> Iterator[Finding]:
    """X509_V_FLAG_X509_STRICT: RFC 5280 section 4.2.1, as ``check_extensions`` enforces it."""
    if alone:
        return
    lacks = ""
    if link.is_ca and BASIC_CONSTRAINTS not in link.critical:
        lacks = "critical basicConstraints"
    elif link.is_ca and link.usage is None:
        lacks = "keyUsage"
    elif link.version == 3 and not is_top and link.aki is None:
        lacks = "an authority key identifier"
    elif link.version == 3 and link.is_ca and link.ski is None:
        lacks = "a subject key identifier"
    if lacks:
        yield Finding("ROOT", f"{link.title} lacks {lacks}, which strict checking asks for")
