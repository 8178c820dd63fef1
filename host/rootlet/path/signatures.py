"""Checking signatures at a bounded cost: each pair once, and never more than a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rootlet.errors import TrustError

if TYPE_CHECKING:
    from rootlet.path.link import Link

#: 16 certificates against 20 anchors, with cross-signs in circles: real chains need under ten.
MAX_CHECKS = 400


class Signatures:
    """Who signed whom, remembered. Raises TrustError (FORMAT) beyond ``limit`` checks."""

    def __init__(self, limit: int = MAX_CHECKS) -> None:
        self._limit = limit
        self._known: dict[tuple[str, str], bool] = {}

    def made(self, child: Link, parent: Link) -> bool:
        """Whether the key of ``parent`` made the signature on ``child``."""
        pair = child.identity, parent.identity
        if pair not in self._known:
            if len(self._known) >= self._limit:
                raise TrustError(
                    "the chain takes too much work",
                    why=f"{self._limit} signatures did not settle it",
                    hint="look at it with: openssl storeutl -noout -text -certs FILE",
                    code="FORMAT",
                )
            self._known[pair] = child.is_signed_by(parent)
        return self._known[pair]
