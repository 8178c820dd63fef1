"""What must hold after every reboot, each under its name (issue: "How it is proven").

The checker reads the state record by docs/rotation.md with a reader of its own, so that a fault
in ``urootlet.record`` is not the checker's as well.
"""

import binascii
import hashlib
import struct

_LAYOUT = ">4sI6BHIHIIIH16s16s16s8s"
_SIZE = 96
REVOKE = 3
SLOTS = ("ta", "tb")
STATES = ("idle", "trial", "parked", "revoke")


class Violation(BaseException):
    """An invariant does not hold; nothing under test can catch it."""

    def __init__(self, name, detail=""):
        super().__init__(name + ": " + detail)
        self.name = name
        self.detail = detail


class Ledger:
    """What the checker remembers: the highest floor, and below which order nothing may serve."""

    def __init__(self):
        self.floor = (0, 0)
        self.cut = (0, 0)
        self.keys = 0


class Seen:
    """The fields of a record that the invariants are about."""

    def __init__(self, data):
        values = struct.unpack(_LAYOUT, data[:92])
        self.number, self.state, self.active, self.attempts = values[1:5]
        self.floor = (values[8], values[9])
        self.keys = values[10]
        self.time_floor = values[11]
        self.active &= 1  # 2 is: sealed
        self.active_hash, self.candidate_hash = values[15:17]
        self.last_bad = values[18]


def digest_of(data):
    return hashlib.sha256(data).digest()[:16]


def read(device, name):
    """Return a file's bytes or None."""
    try:
        with device.open(device.folder + name, "rb") as file:
            return file.read()
    except OSError:
        return None


def oracle(device):
    """Return the newest valid record on the device, or None."""
    best = None
    for name in ("s0", "s1"):
        data = read(device, name)
        if data is None or len(data) != _SIZE or data[:4] != b"RLS1":
            continue
        if struct.pack(">I", binascii.crc32(data[:92]) & 0xFFFFFFFF) != data[92:]:
            continue
        found = Seen(data)
        if best is None or found.number > best.number:
            best = found
    return best


def remember(world):
    """Bring the ledger up to what the device has committed; return its record."""
    found = oracle(world.device)
    if found is None:
        return None
    ledger = world.ledger
    ledger.floor = max(ledger.floor, found.floor)
    ledger.keys = max(ledger.keys, found.keys)
    active = world.case.known.get(found.active_hash)
    if active is not None and active.flags:
        ledger.cut = max(ledger.cut, order(active))
    if found.state == REVOKE and found.candidate_hash in world.case.known:
        ledger.cut = max(ledger.cut, order(world.case.known[found.candidate_hash]))
    return found


def order(bundle):
    return bundle.key_set, bundle.sequence


def check_files(world):
    """I1: the file system mounted, and no other file changed a byte."""
    for name, data in world.case.others.items():
        if read(world.device, name) != data:
            raise Violation("I1-other-files", name)


def check_usable(world, store):
    """I2: the active set is old, new or, where its file was damaged, the factory's.

    Under revoke-now it does not count: the candidate must be there, or the newer one that takes
    its place, and that the record is about to name.
    """
    active = store.active()
    if store.record.state == REVOKE:
        other = read(world.device, SLOTS[1 - store.record.active])
        if other not in world.case.bundles and not world.case.damaged:
            raise Violation("I2-usable-set", "none that may authenticate")
        return
    if active:
        if bytes(active) not in world.case.bundles:
            raise Violation("I2-usable-set", "strange bytes")
        return
    if world.case.damaged or world.case.factory[0]:
        return
    raise Violation("I2-usable-set", "none")


def check_evidence(world, found):
    """I3: what is active was flashed, or a connection with it alone was completed before.

    With both records lost nothing tells a candidate that retires from an active set that did;
    then a device must not go back to what may be retired.
    """
    if found is None or found.active_hash in world.case.flashed or world.case.rebuilt:
        return
    if ("client", found.active_hash) not in world.events:
        raise Violation("I3-evidence", "active without a completed trial")


def check_floor(world, store):
    """I4: the floor never falls; that of a record put together again counts its candidate."""
    floor = store.record.floor
    if world.case.damaged:
        candidate = store.other() if store.record.state else b""
        if candidate:
            floor = max(floor, order(world.case.known[digest_of(candidate)]))
    if floor < world.ledger.floor:
        raise Violation("I4-floor-falls", "%r after %r" % (floor, world.ledger.floor))


def check_keys(world, found):
    """I4: a key set that was taken is never forgotten, or its stolen predecessor would rule."""
    if found is not None and found.keys < world.ledger.keys and not world.case.rebuilt:
        raise Violation("I4-keys-fall", "%d after %d" % (found.keys, world.ledger.keys))


def check_kept(world, found):
    """I4: what was told as confirmed is still active, or something newer is."""
    told = [event[1] for event in world.events if event[0] == "confirm"]
    if not told or world.case.damaged:
        return
    active = found and world.case.known.get(found.active_hash)
    if not active or order(active) < order(world.case.known[told[-1]]):
        raise Violation("I4-confirm-lost", "told, and not on the disk")


def check_floor_reached(world, found):
    """I5: the floor is never above the active bundle's own number."""
    active = found and world.case.known.get(found.active_hash)
    if active is not None and found.floor > order(active):
        raise Violation("I5-floor-ahead", "%r, active %r" % (found.floor, order(active)))


def check_time_floor(world, found):
    """I5: no clock moves the time floor, only a certificate of a verified connection."""
    if found is not None and found.time_floor not in world.case.time_floors:
        raise Violation("I5-time-floor", str(found.time_floor))


def check_attempts(world, found):
    """I6: at most 3 attempts; each connection with a waiting candidate is counted before it."""
    if found is not None and found.attempts > 3:
        raise Violation("I6-attempts", str(found.attempts))


def check_counted(world, bundle):
    """I6: an attempt is on the flash before its connection is made."""
    found = oracle(world.device)
    if found is None or found.state == REVOKE:
        return
    if digest_of(bundle.data) == found.candidate_hash and found.state and not found.attempts:
        raise Violation("I6-attempt-not-counted", STATES[found.state])


def check_mirror(world):
    """I4: after a boot both records are the same, so no flipped bit brings back an older one."""
    first, second = read(world.device, "s0"), read(world.device, "s1")
    if first is not None and first != second:
        raise Violation("I4-mirror", "the records differ")


def check_session(world, bundle):
    """I12: only a known set, not cut off by revoke-now or a confirmed retire, authenticates."""
    remember(world)
    known = world.case.known.get(digest_of(bundle.data))
    if known is None:
        raise Violation("I12-unverified-set", "bytes that nobody signed")
    if order(known) < world.ledger.cut:
        raise Violation("I12-forbidden-set", "%r below %r" % (order(known), world.ledger.cut))
    check_counted(world, bundle)


def check_confirm(world, bundle):
    """I10: success is told only over a connection that the new set authenticated."""
    last = [event for event in world.events if event[0] in ("client", "boot")][-1:]
    if last != [("client", digest_of(bundle.data))]:
        raise Violation("I10-confirm", "told without its connection")


def check_reboot(world, store):
    """Check all that must hold when the power comes back."""
    check_files(world)
    found = oracle(world.device)
    check_evidence(world, found)
    check_keys(world, found)
    check_kept(world, found)
    check_floor_reached(world, found)
    check_time_floor(world, found)
    check_attempts(world, found)
    check_floor(world, store)
    check_usable(world, store)
    remember(world)
