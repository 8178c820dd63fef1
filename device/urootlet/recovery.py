"""What a device does when its active set cannot authenticate the server any more.

It looks for a newer signed bundle: at the configured URLs over plain HTTP, then on the offers
topic through a connection under an older set. Older sets only ever fetch offers; after
``retire-previous`` or ``revoke-now`` they do not even that.
"""

import time
from os import urandom

from . import clock, fetch
from .bundle import Bundle
from .errors import Error, const
from .status import tell_reason
from .store import SLOTS

_TYPING = const(0)
if _TYPING:
    from typing import Any

    from .rotation import Rotation

# The numbers of urootlet.store and urootlet.status: state, events, reason.
_REVOKE = const(3)
_BAD = const(6)
_KEYS = const(7)
_DAMAGED = const(5)
_MAX_BUNDLE = const(4096)
_MAX_KEY_SET = const(6144)
_MAX_KEY_SETS = const(8)  # in one go; each counts, so the next go continues
_FIRST_WAIT = const(900)
_LISTEN = const(5)  # seconds for a retained offer to arrive


def recover(rotation: "Rotation") -> bool:
    """Try every way once, if it is time; tell whether a new candidate is there."""
    if not _due(rotation):
        return False
    if resume(rotation):  # staging an offer of an older set overwrote that set, then a cut
        return True
    for url in rotation.identity.config.recovery:
        if _attempt(rotation, lambda base=url: _fetch(rotation, base)):
            return True
    return any(
        _attempt(rotation, lambda one=data: _rung(rotation, one)) for data in _rungs(rotation)
    )


def _due(rotation: "Rotation") -> bool:
    """Whether the last look was 15 to 30 minutes ago, by chance, or a fleet would come at once."""
    now = clock.now()
    folder = rotation.store.folder
    looked = rotation.looked.get(folder, 0)
    if looked - _FIRST_WAIT <= now < looked + _FIRST_WAIT:
        return False
    rotation.looked[folder] = now + (int.from_bytes(urandom(2), "big") * _FIRST_WAIT >> 16)
    return True


def mend(rotation: "Rotation", data: bytes, error: Error) -> bool:
    """Find a candidate that cannot be read or loaded here; else forget it, unless it alone counts.

    ``data`` is what its slot holds, ``b""`` when that is damaged: this says nothing about the
    bytes that were in it, so they are not banned.
    """
    if data:
        rotation.tell("on_error", error)
    elif resume(rotation):
        return True
    store = rotation.store
    if store.record.state != _REVOKE:
        store.record.reason = _DAMAGED
        store.step(_BAD if data else _KEYS)
        tell_reason(rotation, "on_revert")
    return False


def resume(rotation: "Rotation") -> bool:
    """Take what is in the inactive slot as an offer: power may have gone before the record."""
    store = rotation.store
    try:
        return rotation.offer(store.read(SLOTS[1 - store.record.active]))
    except Error:
        return False


def _attempt(rotation: "Rotation", way: "Any") -> bool:
    try:
        return bool(way())
    except Exception as error:  # noqa: BLE001 - what an older set's server sends may be anything
        told = error if isinstance(error, Error) else Error("NET", repr(error))
        rotation.tell("on_error", told)
        return False


def _fetch(rotation: "Rotation", base: str) -> bool:
    """Get ``<base>/latest.rlt``, and the key sets that lead to it."""
    data = fetch.get(base + "/latest.rlt", _MAX_BUNDLE)
    wanted = Bundle(data).key_set
    record = rotation.store.record
    try:
        rotation.store.keys()
    except Error:  # its file was lost; these bytes are known by their hash
        rotation.offer(fetch.get("%s/keys-%d.rlk" % (base, record.keys), _MAX_KEY_SET))
    for _ in range(_MAX_KEY_SETS):
        version = rotation.store.record.keys
        if version >= wanted:
            break
        rotation.offer(fetch.get("%s/keys-%d.rlk" % (base, version + 1), _MAX_KEY_SET))
    return rotation.offer(data)


def _rungs(rotation: "Rotation") -> "list[bytes]":
    """Return the older sets that may still fetch offers, newest first."""
    store = rotation.store
    if store.record.sealed:
        return []
    previous = b"" if store.record.state else store.other()
    return [data for data in (previous, store.factory[0]) if data]


def _rung(rotation: "Rotation", data: bytes) -> bool:
    """Listen for an offer under an older set; nothing else happens on this connection."""
    topic = rotation.identity.config.offers
    if not topic:
        return False
    found = Bundle(data)
    client = rotation.identity.open(found, found.created)
    new: "list[bool]" = []
    try:
        client.set_callback(lambda _topic, message: new.append(rotation.try_offer(message)))
        client.subscribe(topic)
        ends = clock.now() + _LISTEN
        while not new and clock.now() < ends:
            client.check_msg()
            time.sleep(0.1)
    finally:
        client.disconnect()
    return any(new)
