"""The life of a device in a sweep: made ready, lived once and recorded, or gone on with from a cut."""

import json

from invariants import Ledger, Violation, check_mirror, oracle, remember
from world import World

from urootlet import store as store_module

#: I7: how many it takes at most until a device rests.
BOOTS = 4
#: I11: what a rotation may cost: changes of the flash, and writes of record files.
MAX_CHANGES = 28
MAX_RECORD_WRITES = 10
#: Points between two lines that tell how far a sweep is.
_TELL = 200


class Life:
    """One case on one device: lived once with every change written down, or from a point of it."""

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
        for _ in range(BOOTS):
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

    def reached(self, base, journal, events, fine):
        """Yield what each cut leaves, the events until then, and what is committed in it."""
        ledger = Ledger()
        last = -1
        for number, torn, image, seen in self.device.points(base, journal, fine):
            self.where = "cut at %d torn at %d" % (number, torn)
            seen = min(seen, len(events))
            if number != last:
                ledger = self.ledger_at(image, ledger)
                last = number
            yield image, events[:seen], ledger
