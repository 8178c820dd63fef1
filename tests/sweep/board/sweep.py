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
from faults import Faults
from invariants import Ledger, Violation, digest_of, oracle, read
from life import BOOTS, Life
from world import World

from urootlet import keyset
from urootlet import store as store_module

if sys.implementation.name == "micropython":
    from ram_flash import Device
else:
    from journal_disk import Device

_EIO = 5
_ENOSPC = 28
_RECORDS = ("s0", "s1")
_FILES = ("s0", "s1", "ta", "tb", "k0", "k1")
_LOST = (("s0",), ("s1",), _RECORDS, ("ta",), ("tb",), ("k0",), ("k1",))


class Sweep(Life):
    """The faults that one case on one device is swept with."""

    def cuts(self, fine):
        """Cut the power at every point of the run."""
        journal, events = self.run()
        self.total = self.device.count(journal, fine) // self.parts
        for image, seen, ledger in self.reached(self.base, journal, events, fine):
            if self.mine():
                self.live(self.world_at(image, seen, ledger))
                self.replay()

    def double(self, fine):
        """Cut at every coarse point, and again at every point of the life after it."""
        journal, events = self.run()
        first = 0
        firsts = self.device.count(journal, False)
        for image, seen, ledger in self.reached(self.base, journal, events, False):
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
            for later, more, book in self.reached(again, second, world.events, fine):
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
            for _ in range(BOOTS):
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
        for image, seen, ledger in self.reached(self.base, journal, events, False):
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
