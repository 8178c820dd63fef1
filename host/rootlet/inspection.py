"""What a chain is that a server showed: each certificate by name, and who would accept it.

Nothing here trusts anything. A name proves nothing, so a certificate that has the name of a known
CA and another key is called that; whether a chain is good is asked of the verifier models alone.

Pure: no clock, no network, no files but the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rootlet import catalog, path, trust_set
from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from rootlet.trust_set import TrustSet

_ROLES = {"root": "root", "cross": "cross-sign", "intermediate": "issuing CA"}
TOGETHER = "all of these"


@dataclass(frozen=True)
class Seen:
    """One certificate: ``role`` is leaf, issuing CA, cross-sign or root.

    ``known`` is its name in ``certs/``, or nothing. ``copies`` is the name of a CA of ``certs/``
    that it has without having the key: a test's, a copy, or an attack.
    """

    link: path.CertificateLink
    role: str
    known: str = ""
    copies: str = ""


@dataclass(frozen=True)
class Row:
    """What each verifier model says to the chain with one set of anchors."""

    anchors: TrustSet
    is_bundle: bool
    answers: Mapping[str, path.Answer]


@dataclass(frozen=True)
class Inspection:
    """A chain as it was sent, and a row for each anchor that can end it, and each bundle.

    ``overall`` is what mbedTLS says when it has every anchor of the catalogue.
    """

    chain: tuple[Seen, ...]
    rows: tuple[Row, ...]
    overall: path.Answer

    @property
    def family(self) -> str:
        """The key family of the leaf: ``rsa`` or ``ecdsa``."""
        return self.chain[0].link.family

    @property
    def cross_signs(self) -> list[Seen]:
        """The cross-signs that were sent."""
        return [one for one in self.chain if one.role == "cross-sign"]


def inspect(
    ders: Sequence[bytes], host: str, at: datetime, bundles: Sequence[TrustSet]
) -> Inspection:
    """Look at a chain in DER, leaf first, that ``host`` sent.

    Raises InputError (FORMAT) for a certificate that cannot be read, and for more than
    ``path.MAX_CHAIN`` of them.
    """
    if len(ders) > path.MAX_CHAIN:
        raise InputError(
            f"{len(ders)} certificates",
            why=f"at most {path.MAX_CHAIN} are looked at; AWS sends 4",
            code="FORMAT",
        )
    links = tuple(path.read(der, f"certificate {n}") for n, der in enumerate(ders, 1))
    signatures = path.Signatures(limit=path.MAX_CHAIN * path.MAX_ANCHORS * len(path.MODELS))
    sets = [*_catalogued(links), *bundles]
    rows = []
    for one in sets:
        question = one.question(links, at, host, signatures)
        answers = {name: path.verify(model, question) for name, model in path.MODELS.items()}
        rows.append(Row(one, one in bundles, answers))
    every = trust_set.of_catalog(*catalog.load().anchors, name="the catalogue")
    overall = path.verify(path.MODELS["mbedtls"], every.question(links, at, host, signatures))
    return Inspection(tuple(_seen(n, one) for n, one in enumerate(links)), tuple(rows), overall)


def _catalogued(chain: Sequence[path.Link]) -> list[TrustSet]:
    """Return each catalogued anchor whose key signed something in the chain, and all of them."""
    useful = [
        one
        for one in catalog.load().anchors
        if any(link.is_signed_by(path.from_certificate(one.certificate)) for link in chain)
    ]
    sets = [trust_set.of_catalog(one) for one in useful]
    return [*sets, trust_set.of_catalog(*useful, name=TOGETHER)] if len(sets) > 1 else sets


def _seen(place: int, link: path.CertificateLink) -> Seen:
    if place == 0:
        return Seen(link, "leaf")
    facts = next(iter(catalog.find_known(link.identity)), None)
    if facts:
        return Seen(link, _ROLES[facts.role], known=facts.name)
    if not link.is_ca:
        return Seen(link, "no CA")
    called = _called(link)
    is_root_name = called is not None and called.role != "intermediate"
    role = "root" if link.is_self_issued else "cross-sign" if is_root_name else "issuing CA"
    same_key = called is not None and called.spki_sha256 == link.certificate.spki_sha256
    return Seen(link, role, copies=called.name if called and not same_key else "")


def _called(link: path.CertificateLink) -> catalog.KnownCertificate | None:
    """Return the first known certificate of that name: a root before its cross-signs."""
    subject = link.certificate.subject
    return next((one for one in catalog.known() if one.subject == subject), None)
