"""The first record of a device, or a new one when both were lost. Loaded only then."""

from .bundle import Bundle
from .errors import MICROPYTHON, Error, const
from .keyset import KeySet, check_bundle
from .store import SLOTS, hash16

_TYPING = const(0)
if _TYPING:
    from .store import Store

_TRIAL = const(1)  # the state of urootlet.store


def rebuild(store: "Store") -> None:
    """Put a record together from what is signed; nothing is trusted for being there.

    The key set in force is the newest that is here. A slot counts when it is signed under the
    key set of its own version: what was accepted under an older one stays good (rule 4), and
    offers are checked under the newest alone. Without an update key set the only bundle is
    the one that was flashed. Of two signed bundles the older is the active one and the newer
    its candidate, unless the newer cuts the older off.
    """
    if MICROPYTHON:
        _refuse_fat()
    made = store.record
    held = {}
    for name in ("", "k0", "k1"):
        held[store.take_signed(store.key_file(name))] = name
    found = []
    for index in (0, 1):
        data = store.read(SLOTS[index])
        try:
            bundle = Bundle(data)
            if bundle.flags:  # also when it was signed under keys that are gone
                made.sealed = True
            order = 0, 0  # without update keys a number proves nothing
            if bundle.sequence and made.keys:
                check_bundle(KeySet(store.key_file(held[bundle.key_set])), bundle)
                order = bundle.key_set, bundle.sequence
        except (Error, KeyError):
            continue
        found.append((order, index, hash16(data), bundle.flags))
    found.sort()
    if found:
        first = found[0]
        last = found[-1]
        if last[3]:
            first = last
        made.floor, made.active, made.active_hash = first[:3]
        if last[0] > first[0]:
            made.state = _TRIAL
            made.candidate_hash = last[2]


def _refuse_fat() -> None:
    """Refuse FAT: a rename there deletes first, and a power cut can lose any file."""
    import vfs

    try:
        mounts = vfs.mount()
    except TypeError:  # before 1.25 it cannot list
        return
    for mounted, path in mounts:
        if path == "/" and "Fat" in repr(mounted):
            raise Error("FORMAT", "FAT; use littlefs")
