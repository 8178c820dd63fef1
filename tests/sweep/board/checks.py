"""Named checks on what a sweep does not meet by itself: refusals, limits, damaged writes."""

from cases import Bad, Case, KeysFile
from invariants import Violation, digest_of
from urootlet.errors import Error
from world import Identity, Rotation, World


def at_rest(sweep_class, device, case):
    """Prepare a device, live until it rests; return a rotation on it, with the power on."""
    sweep = sweep_class(device, case)
    sweep.prepare()
    sweep.run()
    device.on()
    return again(device, case, sweep.world)


def again(device, case, world):
    """Return a rotation of the device as it is now."""
    world.connect()
    world.now = 1800000000
    rotation = Rotation(device.folder, {}, case.factory, Identity(world))
    device.record(world.events)
    return rotation


def refused(rotation, device, name, data):
    """I8: an offer is refused, and not one byte of the storage changes."""
    before = device.changes()
    if rotation.try_offer(data) or device.changes() != before:
        raise Violation("I8-refused", name)


def nothing_bad_is_taken(sweep_class, device, files):
    """Unsigned, forged, replayed and misdirected files change nothing, in each state."""
    count = 0
    for case_class in (Case, Bad):
        case = case_class(files)
        rotation = at_rest(sweep_class, device, case)
        for name, data in files.items():
            if name.startswith("no-") or name in ("factory", "old"):
                refused(rotation, device, name, data)
                count += 1
        device.off()
    return count


def three_a_day(sweep_class, device, files):
    """Rule 9: the fourth bundle of a day is refused, whoever signed it."""
    case = Bad(files)
    rotation = at_rest(sweep_class, device, case)
    taken = [rotation.try_offer(files[name]) for name in ("newer", "day-3", "day-4", "day-5")]
    device.off()
    if taken[0] is not True or taken.count(True) > 2:
        raise Violation("I8-stagings-a-day", repr(taken))
    return 4


def back_off(sweep_class, device, files):
    """A parked candidate is not tried again before its time."""
    rotation = at_rest(sweep_class, device, Bad(files))
    world = rotation.identity._world
    rotation.connect()
    device.off()
    if world.had("open", files["new"]):
        raise Violation("I6-back-off", "tried again at once")
    return 1


class Fading(Bad):
    """The candidate does not get through, then nothing does, then the candidate alone."""

    dead = ("new",)

    def fault(self, world, bundle):
        return "ROOT" if self.is_(bundle, *self.dead) else ""


def dead_active(sweep_class, device, files):
    """When the active set is dead, a parked candidate does not wait for a long back-off."""
    case = Fading(files)
    rotation = at_rest(sweep_class, device, case)
    world = rotation.identity._world
    told = []
    for later, dead in ((1000, ("new",)), (1000, ("new", "old")), (60, ("old",)), (900, ("old",))):
        world.now += later
        case.dead = dead
        try:
            told.append(rotation.connect().digest)
        except Error as error:
            told.append(error.code)
    device.off()
    if told != [digest_of(files["old"]), "ROOT", "ROOT", digest_of(files["new"])]:
        raise Violation("I6-dead-active", repr(told))
    return 4


def key_file(sweep_class, device, files):
    """Rule 4: a key file that is not the one accepted counts for nothing."""
    case = KeysFile(files)
    at_rest(sweep_class, device, case)
    with device.open(device.folder + "k0", "wb") as file:
        file.write(files["no-keys-1"])
    device.settle()
    rotation = again(device, case, World(device, case))
    refused(rotation, device, "signed by a planted key set", files["no-planted"])
    device.off()
    return 1


def read_back(sweep_class, device, files):
    """What was not written as it was offered is no candidate."""
    sweep = sweep_class(device, Case(files))
    sweep.prepare()
    device.on()
    rotation = again(device, sweep.case, sweep.world)
    write = rotation.store.write

    def spoilt(name, data):
        write(name, data[:-1] + bytes((data[-1] ^ 1,)) if name == "tb" else data)

    rotation.store.write = spoilt
    try:
        rotation.offer(files["new"])
    except Error as error:
        if error.code == "FLASH":
            device.off()
            return 1
    raise Violation("I2-read-back", "a damaged candidate was taken")


def dropped_for_good(sweep_class, device, files):
    """Rule 4: a candidate that newer keys dropped does not come back, whatever is lost."""
    case = Bad(files)
    rotation = at_rest(sweep_class, device, case)
    rotation.offer(files["keys-2"])
    for name in ("s0", "s1"):
        device.remove(name)
    record = again(device, case, World(device, case)).store.record
    device.off()
    if record.keys != 2 or record.state or record.active_hash != digest_of(files["old"]):
        raise Violation("I4-dropped-for-good", repr((record.keys, record.state)))
    return 1


def every(sweep_class, device, files):
    """Run all checks; return how many faults they put in."""
    checks = (
        nothing_bad_is_taken, three_a_day, back_off, dead_active, key_file, read_back, dropped_for_good,
    )  # fmt: skip
    return sum([check(sweep_class, device, files) for check in checks])
