"""What a device does with an offer: it changes nothing unless it passes every check.

The cheap checks come first: size, form, target, order, signatures, room, loading. Loaded when an
offer comes.
"""

from . import clock, keyset
from .bundle import Bundle
from .errors import Error, const
from .store import SLOTS, hash16

_TYPING = const(0)
if _TYPING:
    from .rotation import Rotation
    from .store import Record, Store

# The numbers of urootlet.store and urootlet.bundle: states, events, kind, flag.
_TRIAL = const(1)
_PARKED = const(2)
_OFFER = const(0)
_CUT = const(1)
_KEYS = const(7)
_TYPE_KEY_SET = const(2)
_REVOKE_NOW = const(2)

_MAX_STAGINGS = const(3)  # a day, so that a stranger cannot wear out the flash
_DAY = const(86400)


def take(rotation: "Rotation", data: bytes) -> bool:
    """Take what was offered; :meth:`urootlet.rotation.Rotation.offer` says the rest."""
    if len(data) > 4 and data[4] == _TYPE_KEY_SET:
        return _take_keys(rotation, data)
    store = rotation.store
    record = store.record
    found = Bundle(data)
    digest = hash16(data)
    if digest == record.active_hash:
        return _heal(store, data)
    waits = store.other() if record.state else b""
    if waits == data:
        return False
    if found.sequence == 0:
        raise Error("SIGNATURE", "unsigned")
    keys = store.keys()
    keyset.check_target(keys, found)
    if found.key_set != keys.version:
        raise Error("SEQUENCE", "key set %d, not %d" % (found.key_set, keys.version))
    keyset.check_order(found, record.floor)
    if waits:
        candidate = Bundle(waits)
        keyset.check_order(found, (candidate.key_set, candidate.sequence))
    if digest[:8] == record.last_bad:
        raise Error("FORMAT", "refused before")
    today = _day(record, found)
    keyset.check_bundle(keys, found)
    rotation.identity.context(found)
    _stage(rotation, found, digest, today)
    return True


def _heal(store: "Store", data: bytes) -> bool:
    """Write the active bundle's own bytes again if its file was damaged; tell whether."""
    if store.active():
        return False
    store.put(SLOTS[store.record.active], data)
    return True


def _day(record: "Record", found: Bundle) -> int:
    """Return the day that a staging counts for, or refuse one too many: SEQUENCE."""
    today = clock.now() // _DAY
    made = found.created // _DAY
    if made > today:  # the clock is behind: only a bundle that was made later proves a day
        today = max(made, record.day)
    if record.staged >= _MAX_STAGINGS and today == record.day:
        raise Error("SEQUENCE", "enough for today")
    return today


def _stage(rotation: "Rotation", found: Bundle, digest: bytes, today: int) -> None:
    """Write a bundle that passed every check, and make it the candidate."""
    rotation.settle()  # with no record, a cut would leave the new bytes as the active set
    store = rotation.store
    record = store.record
    inactive = SLOTS[1 - record.active]
    store.put(inactive, found.data)
    if hash16(store.read(inactive)) != digest:
        raise Error("FLASH", "read back")
    record.candidate_hash = digest
    record.staged = record.staged + 1 if today == record.day else 1
    record.day = today
    event = _OFFER
    if found.flags & _REVOKE_NOW:
        event = _CUT
        record.sealed = True  # also when a later bundle takes this one's place
    store.step(event)
    rotation.counted = True
    rotation.tell("on_offer", found)


def _take_keys(rotation: "Rotation", data: bytes) -> bool:
    """Take the next key set; tell whether it is new here."""
    store = rotation.store
    record = store.record
    found = keyset.KeySet(data)
    if hash16(data) == record.keys_hash:
        try:
            store.keys()
        except Error:  # the file was lost: these are the very bytes
            store.take_keys(found)
        return False
    keyset.check_next(store.keys(), found)
    store.take_keys(found)
    waited = record.state in (_TRIAL, _PARKED)
    store.step(_KEYS)
    if waited:  # nothing may find the candidate there again, by any fault
        store.put(SLOTS[1 - record.active], b"-")
    return True
