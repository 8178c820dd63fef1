"""What a trust store lacks of the anchors that AWS asks for, and which services would fail.

AWS asks custom trust stores to hold all five (https://www.amazontrust.com/repository/). Without a
root, chains under it fail, except where Starfield G2 is there and the server sends its cross-sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rootlet import catalog

if TYPE_CHECKING:
    from collections.abc import Collection

_CROSS_SIGNER = "starfield-g2"


@dataclass(frozen=True)
class Loss:
    """A service whose chains under ``root`` fail; ``always`` False: only without a cross-sign."""

    service: str
    root: str
    always: bool


def wanted() -> list[catalog.TrustAnchor]:
    """Return the five, in the order of the catalogue."""
    return [one for one in catalog.load().anchors if one.role == "ats"]


def losses(held: Collection[str]) -> list[Loss]:
    """Return what fails with the anchors of these ids: every service on record for a root."""
    return [
        Loss(service, root.id, always=_CROSS_SIGNER not in held)
        for root in wanted()
        if root.id not in held and root.id != _CROSS_SIGNER
        for service in root.services or ("whatever uses it",)
    ]
