"""What both layouts of ESP-IDF's certificate bundle share: names and keys in order."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from rootlet.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rootlet.export.anchors import Anchor


def in_order(anchors: Sequence[Anchor]) -> list[tuple[bytes, bytes]]:
    """Return name and SubjectPublicKeyInfo as DER, ascending, each pair once.

    Raises TrustError for one name with two keys: the device's search by name ends at one of them.
    """
    pairs = sorted({(one.certificate.subject_der, one.certificate.spki_der) for one in anchors})
    for one, other in pairwise(pairs):
        if one[0] == other[0]:
            labels = [a.label for a in anchors if a.certificate.subject_der == one[0]]
            raise TrustError(
                f"{' and '.join(labels)} have one name and two keys",
                why="ESP-IDF finds an anchor by its name, and would see only one of them",
                hint="leave one of them out of the bundle",
                code="FORMAT",
            )
    return pairs
