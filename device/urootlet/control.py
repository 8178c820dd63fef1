"""The control connection: a handshake with both sets, after a trial that failed."""

import socket

from . import clock
from .anchors import Rooted
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
        try:
            anchor = yield Union(found, active), -1
        except MemoryError:  # then it tells nothing
            anchor = None
        candidates = [found.original(index) for index in range(len(found.anchors))]
        if isinstance(anchor, bytes) and anchor not in candidates:
            reason = _EARLY
    store.record.reason = reason
    store.step(_FAILS)
    tell_reason(rotation, "on_parked")


class Union(Rooted):
    """What a TLS context wants of a bundle: the first one's profile, the anchors of both."""

    def __init__(self, first: Bundle, second: Bundle) -> None:
        self.profile = first.profile
        self.data = first.data + second.data
        self.anchors = list(first.anchors)
        seen = [first.original(index) for index in range(len(first.anchors))]
        for index, (start, end) in enumerate(second.anchors):
            # One that both have counts once: OpenSSL's store keeps no certificate twice.
            if second.original(index) not in seen:
                self.anchors.append((start + len(first.data), end + len(first.data)))


def handshake(identity: "Identity", bundle: "Any") -> bytes:
    """Do a handshake and nothing more; return the original's SHA-256 of the anchor used."""
    from .diagnose import explain, resolve

    context = identity.context(bundle)
    found = resolve(identity.config)
    sock = socket.socket(found[0])
    try:
        sock.settimeout(identity.config.timeout)
        sock.connect(found[-1])
        context.wrap_socket(sock).close()
    except Exception as error:  # noqa: BLE001 - libraries raise anything; it becomes one Error
        raise explain(error, bundle, identity.config, context)
    finally:
        sock.close()
    return context.anchor
