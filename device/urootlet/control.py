"""The control connection: a handshake with both sets, after a trial that failed."""

import socket

from . import clock
from .bundle import Bundle
from .errors import MICROPYTHON, const
from .status import tell_reason

_TYPING = const(0)
if _TYPING:
    from collections.abc import Generator
    from typing import Any

    from .rotation import Rotation
    from .session import Identity

_FAILS = const(4)  # the event of urootlet.store
# Reasons, as urootlet.status tells them.
_EARLY = const(2)
_INCONCLUSIVE = const(3)


def park(rotation: "Rotation", found: Bundle) -> "Generator[tuple[Any, int], Any, None]":
    """Connect once with both sets, and park the candidate, whatever comes of it.

    The answer is a reason and no more: only the old one's anchor means that it is too early. The
    steps are those of :meth:`urootlet.rotation.Rotation.flow`.
    """
    store = rotation.store
    reason = _INCONCLUSIVE
    data = store.active()
    if data:
        active = Bundle(data)
        if MICROPYTHON:
            clock.raise_to(max(active.created, store.record.time_floor))
        anchor = yield Union(found, active), -1
        candidates = [found.original(index) for index in range(len(found.anchors))]
        if isinstance(anchor, bytes) and anchor not in candidates:
            reason = _EARLY
    store.record.reason = reason
    store.step(_FAILS)
    tell_reason(rotation, "on_parked")


class Union:
    """What a TLS context wants of a bundle: the first one's profile, the anchors of both."""

    def __init__(self, first: Bundle, second: Bundle) -> None:
        self.profile = first.profile
        self.anchors: "list[tuple[Bundle, int]]" = []
        seen = []
        for one in (first, second):
            for index in range(len(one.anchors)):
                original = one.original(index)
                # One that both have counts once: OpenSSL's store keeps no certificate twice.
                if original not in seen:
                    seen.append(original)
                    self.anchors.append((one, index))

    def der(self, index: int) -> bytes:
        """Return the DER of an anchor."""
        one, index = self.anchors[index]
        return one.der(index)

    def original(self, index: int) -> bytes:
        """Return the SHA-256 of an anchor's original."""
        one, index = self.anchors[index]
        return one.original(index)


def handshake(identity: "Identity", bundle: "Any") -> bytes:
    """Do a handshake and nothing more; return the original's SHA-256 of the anchor used."""
    context = identity.context(bundle)
    sock = socket.socket()
    try:
        sock.settimeout(identity.config.timeout)
        sock.connect(identity.resolve())
        context.wrap_socket(sock).close()
    except Exception as error:  # noqa: BLE001 - libraries raise anything; it becomes one Error
        from .diagnose import explain

        raise explain(error, bundle, identity.config.address, context)
    finally:
        sock.close()
    return context.watch.anchor
