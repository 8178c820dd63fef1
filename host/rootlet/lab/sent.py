"""The certificates that the front sends, in the order in which it sends them.

::

    2, 3, 4      leaf <- issuing CA [<- root by Starfield G2 [<- Starfield G2 by Class 2]]
    cross-tail   leaf <- issuing CA, Starfield G2 by Class 2: the link between is missing
    shuffled     leaf, Starfield G2 by Class 2, root by Starfield G2, issuing CA
    extra        leaf, a leaf of nobody's, issuing CA, root by Starfield G2
    big          shape 3 and ten more cross-signs: over 12 KB, in one 16 KB record
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rootlet.lab.authorities import ISSUING
from rootlet.lab.pki import Chain

if TYPE_CHECKING:
    from cryptography import x509

    from rootlet.lab.face import Face
    from rootlet.lab.pki import Hierarchy

_BIG = 10  # cross-signs of 1.1 KB; RFC 5246 section 6.2.1 allows 16,384 bytes a record


def chain(genuine: Hierarchy, face: Face, issuing_ca: str, domain: str) -> Chain:
    """Return what a front with this face sends for one family, and the leaf's key."""
    shown = face.leaf_domain or domain
    if face.root == "proxy":
        return genuine.proxied(issuing_ca, shown)
    pki = genuine.lookalike() if face.root == "lookalike" else genuine
    leaf = pki.leaf(issuing_ca, shown, face.leaf_validity)
    issuing = pki.issuing(issuing_ca, face.issuing_validity)
    return Chain((leaf, *_above(pki, face, issuing, issuing_ca)), pki.leaf_key(issuing_ca))


def _above(
    pki: Hierarchy, face: Face, issuing: x509.Certificate, issuing_ca: str
) -> tuple[x509.Certificate, ...]:
    root, starfield = pki.cross(ISSUING[issuing_ca].issuer), pki.cross("starfield-g2")
    if face.shape == "cross-tail":
        return issuing, starfield
    if face.shape == "shuffled":
        return starfield, root, issuing
    if face.shape == "extra":
        return pki.proxied(issuing_ca, "example.com").certificates[0], issuing, root
    if face.shape == "big":
        return issuing, root, *(pki.cross("amazon-root-ca-1") for _ in range(_BIG))
    return (issuing, root, starfield)[: int(face.shape) - 1]
