"""Which chains of Amazon Trust Services a set of anchors can end, and which not.

The rows are the issuing CAs by series, as the public log of CA certificates (CCADB, read
2026-08-21) has them; ``certs/known.toml`` names each one. A server sends what it likes, so an
anchor that is reached only through a cross-sign counts only if that cross-sign is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from urootlet.format_cpython import ECDSA, RSA

if TYPE_CHECKING:
    from collections.abc import Collection

#: Amazon Root CA 1 to 4 each have a cross-sign by this one.
_CROSS_SIGNER = "starfield-g2"


@dataclass(frozen=True)
class Chain:
    """One series of issuing CAs: the leaf's family, its name, and the root that issued them."""

    name: str
    family: int
    root: str
    by_cross_sign: bool = False


CHAINS = (
    Chain("RSA 2048 M01-M06, S00-S25", RSA, "amazon-root-ca-1"),
    Chain("RSA 4096 M01-M05", RSA, "amazon-root-ca-2"),
    Chain("ECDSA 256 M01-M06, S00-S05, S14-S21", ECDSA, "amazon-root-ca-3"),
    Chain("ECDSA 256 S06-S13 (2026, under the P-384 root)", ECDSA, "amazon-root-ca-4"),
    Chain("ECDSA 384 M01-M06, S00-S29", ECDSA, "amazon-root-ca-4"),
    Chain("European Sovereign Cloud, RSA 2048", RSA, "amazon-root-ca-1", by_cross_sign=True),
    Chain("European Sovereign Cloud, ECDSA 256", ECDSA, "amazon-root-ca-3", by_cross_sign=True),
    Chain("European Sovereign Cloud, ECDSA 384", ECDSA, "amazon-root-ca-4", by_cross_sign=True),
)


@dataclass(frozen=True)
class Answer:
    """Whether a chain is covered: ``yes``, ``cross-sign`` (if the server sends it) or ``no``."""

    chain: Chain
    covered: str
    because: str


def answers(anchors: Collection[str], profile: int) -> list[Answer]:
    """Return one answer per row of :data:`CHAINS` for anchor ids and a cipher profile mask."""
    return [_answer(chain, anchors, profile) for chain in CHAINS]


def _answer(chain: Chain, anchors: Collection[str], profile: int) -> Answer:
    if not chain.family & profile:
        family = "RSA" if chain.family == RSA else "ECDSA"
        return Answer(chain, "no", f"the cipher profile offers no {family}")
    if chain.root in anchors:
        if chain.by_cross_sign:
            return Answer(chain, "cross-sign", f"only if the cross-sign by {chain.root} is sent")
        return Answer(chain, "yes", chain.root)
    if _CROSS_SIGNER in anchors:
        return Answer(chain, "cross-sign", f"only if the cross-sign by {_CROSS_SIGNER} is sent")
    return Answer(chain, "no", f"add --with {chain.root}")
