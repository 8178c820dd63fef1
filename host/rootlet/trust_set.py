"""A set of trust anchors as people keep one: a rootlet bundle, or a file of CA certificates."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rootlet import bundle, catalog, path, pem, verify, x509

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The longest file that may hold one.
MAX_FILE = pem.MAX_FILE
_MAGIC = b"RLT1"


@dataclass(frozen=True)
class TrustSet:
    """Anchors with their ids in the catalogue, or their names, in the order of the file.

    ``families`` are the key families that a client with it offers. ``not_after`` is the date
    that the bundle gives itself; None where it has none.
    """

    name: str
    anchors: Mapping[path.Link, str] = field(repr=False)
    families: frozenset[str] = frozenset({"rsa", "ecdsa"})
    not_after: datetime | None = None

    def question(
        self, chain: tuple[path.Link, ...], at: datetime, host: str, signatures: path.Signatures
    ) -> path.Question:
        """Return what a verifier model is asked about a chain."""
        return path.Question(
            tuple(self.anchors), chain, at, host, self.families, signatures=signatures
        )


def for_models(data: bytes, where: str) -> TrustSet:
    """Read what verifier models can look at: as ``read``, at most ``path.MAX_ANCHORS`` anchors."""
    found = read(data, where)
    if len(found.anchors) > path.MAX_ANCHORS:
        pem.refuse(
            f"{where}: {len(found.anchors)} anchors",
            f"at most {path.MAX_ANCHORS} can be looked at",
            "give the anchors of a device, not a list for the web",
        )
    return found


def read(data: bytes, where: str) -> TrustSet:
    """Read a bundle, or PEM or DER of CA certificates. Raises InputError (FORMAT)."""
    if not data.startswith(_MAGIC):
        return TrustSet(where, _named(x509.parse_certificates(data, where)))
    found = bundle.decode(data, where)
    ends = datetime.fromtimestamp(found.not_after, UTC) if found.not_after else None
    return TrustSet(where, verify.read_anchors(found), verify.families_of(found.profile), ends)


def of_catalog(*anchors: catalog.TrustAnchor, name: str = "") -> TrustSet:
    """Return catalogued anchors in full form, called ``name`` or by the id of the first."""
    return TrustSet(
        name or anchors[0].id,
        {path.from_certificate(one.certificate): one.id for one in anchors},
    )


def _named(certificates: list[x509.Certificate]) -> dict[path.Link, str]:
    known = catalog.load()
    named: dict[path.Link, str] = {}
    for one in certificates:
        link, ours = path.from_certificate(one), known.by_sha256(one.sha256)
        named[link] = ours.id if ours else link.title
    return named
