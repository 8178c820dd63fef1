"""Sweep faults over rotations, on either interpreter; the host starts it (tests/sweep/run.py).

Arguments: folder of materials, what to sweep (``cuts``, ``double``, ``errors``, ``flips``,
``ages`` or ``clean``), part, parts, ``fine`` or ``coarse``, and the numbers of the cases. One JSON
line per case, and some on the way that tell how far it is; a violation is one as well, and ends
the run with status 1.

A run is made once, with every change of the storage written down. What a cut at any point leaves
is computed from that, so that only the rest of the life is run again; ``crosscheck`` shows on
the real thing that the two are the same.
"""

import gc
import json
import os
import sys
import time

from cases import CASES
from invariants import Ledger, Violation, check_mirror, digest_of, oracle, read, remember
from world import World

from urootlet import keyset
from urootlet import session as session_module
from urootlet import store as store_module

if sys.implementation.name == "micropython":
    from ram_flash import Device
else:
    from journal_disk import Device

_BOOTS = 4
_EIO = 5
_ENOSPC = 28
_RECORDS = ("s0", "s1")
_FILES = ("s0", "s1", "ta", "tb", "k0", "k1")
_LOST = (("s0",), ("s1",), _RECORDS, ("ta",), ("tb",), ("k0",), ("k1",))
#: I11: what a rotation may cost: changes of the flash, and writes of record files.
MAX_CHANGES = 28
MAX_RECORD_WRITES = 10
#: Points between two lines that tell how far a sweep is.
_TELL = 200


class Sweep:
    """One case on one device."""

    def __init__(self, device, case, part=0, parts=1):
        self.device = device
        self.case = case
        self.points = 0
        self.met = 0
        self.part = part
        self.parts = parts
        self.where = ""
        self.changes = self.writes = 0
        #: Points of this part: known, or for double faults guessed from those before.
        self.total = 0

    def prepare(self):
        """Flash the device, and live through the rotations that are over before the sweep."""
        device, case = self.device, self.case
        device.format()
        device.on()
        for name, data in case.others.items():
            self._put(name, data)
        self._put("ta", case.files[case.flash])
        if case.keys == "file":
            self._put("k1", case.files["keys-1"])
        world = World(device, case)
        self._age()
        device.settle()
        if case.before:
            case.preparing = True
            for _ in case.before:
                world.boot()
            case.preparing = False
            if not world.had("confirm", case.files[case.before[-1]]):
                raise Violation("preparation", case.name)
        device.off()
        self.base = device.image()
        self.world = world

    def _put(self, name, data):
        with self.device.open(self.device.folder + name, "wb") as file:
            file.write(data)

    def _age(self):
        """Write the record some times, so that littlefs compacts at another moment."""
        if self.case.aged:
            store = store_module.Store(self.device.folder, self.case.factory)
            for _ in range(self.case.aged):
                store.commit()

    def world_at(self, image, events, ledger):
        """Return the world as it is when ``image`` is what a cut has left."""
        self.device.restore(image)
        world = World(self.device, self.case)
        world.events = list(events)
        world.ledger.floor = ledger.floor
        world.ledger.cut = ledger.cut
        world.ledger.keys = ledger.keys
        return world

    def ledger_at(self, image, ledger):
        """Return what is committed in ``image``, on top of ``ledger``."""
        world = self.world_at(image, (), ledger)
        self.device.on()
        remember(world)
        self.device.off()
        return world.ledger

    def live(self, world):
        """Boot until the device rests; I7: at most 4 boots, and it rests where it must."""
        for _ in range(_BOOTS):
            world.boot()
            check_mirror(world)
            if self.case.done(world):
                self.device.off()
                return
        if self.case.damaged and not self.case.heals:
            self.device.off()
            return
        found = oracle(self.device)
        state = found and (found.state, found.attempts, found.active)
        raise Violation("I7-convergence", "%r, last %r" % (state, world.events[-4:]))

    def run(self):
        """Live once, recorded; return the journal and the events."""
        world = self.world_at(self.base, self.world.events, self.world.ledger)
        self.device.record(world.events)
        self.live(world)
        self.changes = self.device.changes()
        if self.case.bounded:
            self._check_wear()
        return self.device.journal(), world.events

    def _check_wear(self):
        """I11: changes of the flash, and writes of record files, that one rotation costs."""
        ends = self.device.image()
        before, after = self._number(self.base), self._number(ends)
        self.device.restore(ends)
        self.writes = 2 * (after - before)
        if self.changes > MAX_CHANGES * self.device.dear:
            raise Violation("I11-flash-operations", str(self.changes))
        if self.writes > MAX_RECORD_WRITES:
            raise Violation("I11-record-writes", str(self.writes))

    def _number(self, image):
        self.device.restore(image)
        self.device.on()
        found = oracle(self.device)
        self.device.off()
        return 0 if found is None else found.number

    def mine(self):
        """Count a point; whether it is in this process's part."""
        self.met += 1
        if self.met % self.parts != self.part:
            return False
        self.count()
        return True

    def count(self):
        """Count a point that is swept, and tell how far it is now and then."""
        self.points += 1
        if self.points % _TELL == 0:
            line = {
                "case": self.case.name,
                "done": self.points,
                "of": max(self.total, self.points),
            }
            print(json.dumps(line))

    def cuts(self, fine):
        """Cut the power at every point of the run."""
        journal, events = self.run()
        self.total = self.device.count(journal, fine) // self.parts
        for image, seen, ledger in self._points(self.base, journal, events, fine):
            if self.mine():
                self.live(self.world_at(image, seen, ledger))
                self.replay()

    def _points(self, base, journal, events, fine):
        ledger = Ledger()
        last = -1
        for number, torn, image, seen in self.device.points(base, journal, fine):
            self.where = "cut at %d torn at %d" % (number, torn)
            seen = min(seen, len(events))
            if number != last:
                ledger = self.ledger_at(image, ledger)
                last = number
            yield image, events[:seen], ledger

    def double(self, fine):
        """Cut at every coarse point, and again at every point of the life after it."""
        journal, events = self.run()
        first = 0
        firsts = self.device.count(journal, False)
        for image, seen, ledger in self._points(self.base, journal, events, False):
            first += 1
            if first % self.parts != self.part:
                continue
            where = self.where
            again = self.device.copy(image)
            world = self.world_at(again, seen, ledger)
            self.device.record(world.events)
            self.live(world)
            second = self.device.journal()
            left = (firsts - first) // self.parts + 1
            self.total = self.points + left * self.device.count(second, fine)
            for later, more, book in self._points(again, second, world.events, fine):
                self.where = where + ", then " + self.where
                self.count()
                book.floor = max(book.floor, ledger.floor)
                book.cut = max(book.cut, ledger.cut)
                book.keys = max(book.keys, ledger.keys)
                self.live(self.world_at(later, more, book))

    def replay(self):
        """I8: the bundle before is refused, and not one byte changes.

        Where it is the active one and its file was damaged, it heals that, and nothing else.
        """
        device = self.device
        device.on()
        world = World(device, self.case)
        world.connect()
        from world import Identity, Rotation

        rotation = Rotation(device.folder, {}, self.case.factory, Identity(world))
        device.record(world.events)
        data = self.case.files["old"]
        store = rotation.store
        heals = digest_of(data) == store.record.active_hash and not store.active()
        before = read(device, "s0"), read(device, "s1")
        taken = rotation.try_offer(data)
        if taken != heals or bool(device.changes()) != heals:
            raise Violation("I8-refused", "an old bundle")
        if heals and store.active() != data:
            raise Violation("I8-heals", "not the bytes that were lost")
        if before != (read(device, "s0"), read(device, "s1")):
            raise Violation("I8-refused", "the record changed")
        device.off()

    def errors(self):
        """Let each operation fail once while the power stays; then each input, output or all."""
        self.run()
        count = self.changes
        self.total = 4 * count // self.parts
        for error in (_EIO, _ENOSPC):
            for number in range(count):
                self.where = "operation %d returns %d" % (number, error)
                if self.mine():
                    self._with(lambda: self.device.fail(number, error), self._mend)
                self.where = "operations from %d return %d" % (number, error)
                if self.mine():
                    self._worn(number, error)
        self._out_of_memory()

    def _with(self, arm, disarm):
        world = self.world_at(self.base, self.world.events, self.world.ledger)
        arm()
        try:
            world.boot()
        finally:
            disarm()
        self.live(world)

    def _mend(self):
        self.device.fail(-1, 0)

    def _worn(self, number, error):
        """From ``number`` on nothing can be written: who served goes on serving."""
        world = self.world_at(self.base, self.world.events, self.world.ledger)
        self.device.fail(number, error, True)
        try:
            for _ in range(_BOOTS):
                world.boot()
            if self.case.name == "good link" and world.served is None:
                raise Violation("I2-serves-when-worn", repr(world.events[-3:]))
        finally:
            self._mend()
        self.live(world)

    def _out_of_memory(self):
        number = 0
        while True:
            self.where = "MemoryError at file operation %d" % number
            faults = Faults(self.device, number)
            self.count()
            self._with(faults.arm, faults.disarm)
            if faults.count <= number:
                return
            number += 1

    def flips(self, step):
        """Flip a bit in each byte of each file, and lose files, before and after the rotation."""
        journal, events = self.run()
        ends = self.device.image()
        after = self.ledger_at(ends, Ledger())
        states = [(self.base, self.world.events, self.ledger_at(self.base, Ledger()))]
        seen_states = []
        for image, seen, ledger in self._points(self.base, journal, events, False):
            state = self._state(image)
            if state not in seen_states:
                seen_states.append(state)
                states.append((self.device.copy(image), seen, ledger))
        states.append((ends, events, after))
        self.case.damaged = True
        self.total = sum([self._damages(image, step) for image, _, _ in states]) // self.parts
        for image, seen, ledger in states:
            self._damage(image, seen, ledger, step)
        self.case.damaged = False

    def _state(self, image):
        self.device.restore(image)
        self.device.on()
        found = oracle(self.device)
        self.device.off()
        return found and found.state

    def _damages(self, image, step):
        self.device.restore(image)
        self.device.on()
        found = len(_LOST)
        for name in _FILES:
            size = len(read(self.device, name) or b"")
            found += len(range(0, size, 1 if name in _RECORDS else step))
        self.device.off()
        return found

    def _damage(self, image, events, ledger, step):
        for names in _LOST:
            self.where = "lost: " + " ".join(names)
            if self.mine():
                self._damaged(image, events, ledger, names, None)
        for name in _FILES:
            self.device.restore(image)
            self.device.on()
            size = len(read(self.device, name) or b"")
            if name == "ta" and oracle(self.device) is None and self.case.flash == "factory":
                continue  # no signature, and no record of its hash yet: nothing can tell
            for at in range(0, size, 1 if name in _RECORDS else step):
                self.where = "bit flipped in byte %d of %s" % (at, name)
                if self.mine():
                    self._damaged(image, events, ledger, (name,), at)

    def _damaged(self, image, events, ledger, names, at):
        world = self.world_at(image, events, ledger)
        self.device.on()
        for name in names:
            data = read(self.device, name)
            if data is None:
                continue
            if at is None:
                self.device.remove(name)
            else:
                flipped = bytearray(data)
                flipped[at] ^= 1 << at % 8
                self._put(name, flipped)
        self.device.settle()
        self.case.rebuilt = "s0" in names and "s1" in names
        self.live(world)
        self.replay()
        self.case.rebuilt = False

    def ages(self, number):
        """I11: rotate at many ages of the file system, with nothing put in: what does it cost?

        Littlefs compacts its directory and moves it to other blocks as it likes, and no rotation
        can choose when: about 25 writes apart, and 2,400.
        """
        self.case.bounded = True
        dearest = most = 0
        for age in range(number):
            self.where = "after %d more writes of the record" % age
            self.run()
            dearest = max(dearest, self.changes)
            most = max(most, self.writes)
            self.device.restore(self.base)
            self.device.on()
            store_module.Store(self.device.folder, self.case.factory).commit()
            self.device.off()
            self.base = self.device.image()
        self.changes, self.writes = dearest, most


class Faults:
    """A MemoryError at one of the opens, reads and writes of the store."""

    def __init__(self, device, number):
        self.device = device
        self.number = number
        self.count = 0

    def arm(self):
        self._usual = getattr(session_module, "open", self.device.open)
        session_module.open = store_module.open = self.open

    def disarm(self):
        session_module.open = store_module.open = self._usual

    def hit(self):
        if self.device.checking:
            return
        self.count += 1
        if self.count - 1 == self.number:
            raise MemoryError

    def open(self, path, mode):
        self.hit()
        return _File(self, self.device.open(path, mode))


class _File:
    """A file whose reads and writes may find no memory."""

    def __init__(self, faults, file):
        self._faults = faults
        self._file = file

    def read(self, *size):
        self._faults.hit()
        return self._file.read(*size)

    def write(self, data):
        self._faults.hit()
        return self._file.write(data)

    def seek(self, at):
        return self._file.seek(at)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


def load(folder):
    """Return the materials by name."""
    found = {}
    for name in os.listdir(folder):
        with open(folder + "/" + name, "rb") as file:
            found[name] = file.read()
    return found


def check(device, files):
    """Run the named checks and print a line."""
    import checks

    try:
        points = checks.every(Sweep, device, files)
    except Violation as flaw:
        print(json.dumps({"case": "checks", "violated": flaw.name, "detail": flaw.detail}))
        return 1
    print(json.dumps({"case": "checks", "what": "checks", "points": points, "seconds": 0}))
    return 0


def remembered(verify):
    """Return ``verify`` that works out each signature once: it is a pure rule, and the dearest."""
    known = {}

    def answer(modulus, signature, digest):
        asked = bytes(modulus), bytes(signature), digest
        if asked not in known:
            known[asked] = verify(modulus, signature, digest)
        return known[asked]

    return answer


def main(folder, what, part, parts, fine, *numbers):
    files = load(folder)
    keyset.verify = remembered(keyset.verify)
    device = Device()
    if what == "checks":
        return check(device, files)
    for number in numbers or range(len(CASES)):
        case = CASES[int(number)](files)
        sweep = Sweep(device, case, int(part), int(parts))
        started = time.time()
        try:
            sweep.prepare()
            if what == "cuts":
                sweep.cuts(fine == "fine")
            elif what == "double":
                sweep.double(fine == "fine")
            elif what == "errors":
                sweep.errors()
            elif what == "flips":
                sweep.flips(1 if fine == "fine" else 40)
            elif what == "ages":
                sweep.ages(1500 if fine == "fine" else 80)
            else:
                sweep.run()
        except Violation as flaw:
            line = {"case": case.name, "violated": flaw.name, "detail": flaw.detail}
            line["point"] = sweep.where
            print(json.dumps(line))
            return 1
        gc.collect()
        line = {"case": case.name, "what": what, "points": sweep.points}
        line["seconds"] = time.time() - started
        line["changes"] = sweep.changes
        line["writes"] = sweep.writes
        print(json.dumps(line))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
