"""The rotations that are swept: what is published, what the link lets through, how it must end."""

from invariants import digest_of, oracle

from urootlet import bundle as layout

_IDLE, _TRIAL, _PARKED, _REVOKE = range(4)
#: What the material ``leaf`` proves of the time.
PROVEN = 1_790_000_000 + 100 * 86400
_OTHERS = {
    "boot.py": b"# never touched\n",
    "main.py": b"import urootlet\n" * 20,
    "cert.der": bytes(range(256)) * 3,
    "key.der": bytes(range(121)),
    "rootlet.json": b"{%s}" % (b" " * 160),
}


class Case:
    """One rotation. ``files`` are the materials by name; subclasses say what differs."""

    name = "good link"
    #: Materials that are published, in order, once the one before it is known to work.
    feed = ("new",)
    #: Rotations that are over before the sweep begins.
    before = ()
    #: The material that must be active in the end, in which state, and who serves then.
    ends = "new"
    state = _IDLE
    serves = "new"
    topic = True
    http = False
    proves_time = False
    #: Whether the device must end as ever when a file was damaged: what is published heals it.
    heals = False
    breaks = None
    flash = "old"
    keys = "factory"
    #: Writes of the record before the sweep: littlefs compacts at another moment then.
    aged = 2
    #: A file was damaged; both records were.
    damaged = rebuilt = False

    def __init__(self, files):
        self.files = files
        self.factory = (files["factory"], files["keys-1"] if self.keys == "factory" else b"")
        self.others = _OTHERS
        self.bundles = [
            data
            for name, data in files.items()
            if data[:4] == b"RLT1" and data[4] == 1 and not name.startswith("no-")
        ]
        self.known = {digest_of(data): layout.Bundle(data) for data in self.bundles}
        self.flashed = (bytes(16), digest_of(files[self.flash]), digest_of(files["factory"]))
        self.leaf = files["leaf"] if self.proves_time else None
        self.unloadable = None if self.breaks is None else files[self.breaks]
        self.time_floors = self._time_floors()
        self.preparing = False
        #: Whether the run is one rotation of a device that has started before: I11.
        self.bounded = self.name in ("good link", "good link, aged")

    def _time_floors(self):
        floors = [0] + [bundle.created for bundle in self.known.values()]
        return floors + ([PROVEN] if self.leaf else [])

    def published(self, world):
        """Return what the publisher offers now."""
        names = self.before if self.preparing else self.feed
        found = []
        for name in names:
            found.append(self.files[name])
            if not name.startswith("keys") and not world.had("client", found[-1]):
                break
        return found[-2:] if found[-2:-1] and found[-2][4] == 2 else found[-1:]

    def fetched(self, world, name):
        """Return what the recovery server has under this name."""
        if name.startswith("keys-"):
            return self.files.get(name.split(".")[0])
        return self.published(world)[-1]

    def link(self, world, bundle):
        """Return the code of the failure that a connection with ``bundle`` meets, or ''."""
        return "" if self.preparing else self.fault(world, bundle)

    def fault(self, world, bundle):
        return ""

    def is_(self, bundle, *names):
        """Whether a bundle is one of these materials."""
        return bytes(bundle.data) in [self.files[name] for name in names]

    def rules(self, world, name):
        """Whether this material is the active one, by what is on the device."""
        found = oracle(world.device)
        return found is not None and found.active_hash == digest_of(self.files[name])

    def done(self, world):
        """Whether the device has come to rest where it must."""
        found = oracle(world.device)
        if found is None:
            return self.ends == self.flash
        served = None if self.serves is None else digest_of(self.files[self.serves])
        return (
            found.active_hash == digest_of(self.files[self.ends])
            and found.state == self.state
            and world.served == served
        )


class Unsigned(Case):
    name = "good link, first bundle unsigned"
    flash = "factory"
    keys = "file"
    aged = 0


class Aged(Case):
    name = "good link, aged"
    aged = 8
    heals = True


class ProvesTime(Case):
    name = "good link, leaf moves the time floor"
    proves_time = True
    aged = 5


class Large(Case):
    name = "good link, four strict anchors"
    feed = ("large",)
    ends = serves = "large"


class Bad(Case):
    name = "candidate never verifies"
    ends = serves = "old"
    state = _PARKED

    def fault(self, world, bundle):
        return "ROOT" if self.is_(bundle, "new") else ""


class Down(Case):
    name = "no server at all"
    before = ("new",)
    feed = ("newer",)
    ends = "new"
    serves = None

    def fault(self, world, bundle):
        return "NET"


class Unreachable(Bad):
    name = "candidate meets silence"
    aged = 7

    def fault(self, world, bundle):
        return "NET" if self.is_(bundle, "new") else ""


class Fresh(Case):
    name = "retire-previous as the first rotation of all"
    feed = ("retire",)
    ends = serves = "retire"
    aged = 0


class Retire(Case):
    heals = True
    name = "retire-previous"
    http = True
    feed = ("retire",)
    ends = serves = "retire"


class RetireImpostor(Retire):
    name = "retire-previous, then an impostor under the old root"
    heals = False
    serves = None
    http = True

    def fault(self, world, bundle):
        over = self.rules(world, "retire")
        return "ROOT" if over and self.is_(bundle, "retire") else ""


class RetireThenPlain(Case):
    name = "a plain bundle after retire-previous, then an impostor"
    before = ("retire",)
    feed = ("after-retire",)
    ends = "after-retire"
    serves = None

    def fault(self, world, bundle):
        over = self.rules(world, "after-retire")
        return "ROOT" if over and self.is_(bundle, "after-retire") else ""


class Revoke(Case):
    heals = True
    name = "revoke-now"
    http = True
    feed = ("revoke",)
    ends = serves = "revoke"


class RevokeImpostor(Revoke):
    name = "revoke-now, an impostor under the old root"
    heals = False
    ends = "old"
    state = _REVOKE
    serves = None
    http = True

    def fault(self, world, bundle):
        return "ROOT" if self.is_(bundle, "revoke") else ""


class RevokeTwice(Revoke):
    name = "a newer revoke-now takes the place of one that never verifies"
    ends = serves = "revoke-newer"

    def published(self, world):
        return [
            self.files["revoke-newer" if world.had("open", self.files["revoke"]) else "revoke"]
        ]

    def fault(self, world, bundle):
        return "ROOT" if self.is_(bundle, "revoke") else ""


class RevokeThenKeys(RevokeTwice):
    name = "a key set comes while a revoke-now never verifies"
    ends = serves = "under-keys-2"

    def published(self, world):
        if not world.had("open", self.files["revoke"]):
            return [self.files["revoke"]]
        return [self.files["keys-2"], self.files["under-keys-2"]]


class Keys(Case):
    name = "key set 1 to 2, then a bundle under 2"
    feed = ("keys-2", "under-keys-2")
    ends = serves = "under-keys-2"


class KeysFile(Keys):
    name = "key set 1 to 2, both in files, two bundles"
    keys = "file"
    feed = ("keys-2", "under-keys-2", "under-keys-2-next")
    ends = serves = "under-keys-2-next"


class KeysDropCandidate(Keys):
    name = "a key set drops the candidate of the old one"

    def published(self, world):
        return [self.files[name] for name in ("new", "keys-2", "under-keys-2")]


class Twice(Case):
    name = "two rotations back to back"
    feed = ("new", "newer")
    ends = serves = "newer"


class Back(Case):
    name = "back to the old roots"
    feed = ("new", "back")
    ends = serves = "back"


class Superseded(Case):
    name = "a parked candidate is superseded"
    feed = ("new", "newer")
    ends = serves = "newer"

    def published(self, world):
        return [self.files["newer" if world.had("open", self.files["new"]) else "new"]]

    def fault(self, world, bundle):
        return "ROOT" if self.is_(bundle, "new") else ""


class Unloadable(Case):
    name = "candidate does not load"
    breaks = "new"
    ends = serves = "old"

    def done(self, world):
        found = oracle(world.device)
        if found is None or found.last_bad != digest_of(self.files["new"])[:8]:
            return False
        return Case.done(self, world)


class Http(Case):
    name = "every root is dead: key set and bundle over HTTP"
    heals = True
    topic = False
    http = True
    feed = ("keys-2", "under-keys-2")
    ends = serves = "under-keys-2"

    def fault(self, world, bundle):
        return "" if self.is_(bundle, "under-keys-2") else "ROOT"


class Rung(Case):
    name = "only the previous set fetches an offer"
    before = ("new",)
    feed = ("newer",)
    ends = serves = "newer"

    def fault(self, world, bundle):
        return "" if self.is_(bundle, "newer", "old") else "ROOT"


CASES = (
    Case, Unsigned, Aged, ProvesTime, Large, Bad, Unreachable, Down, Retire, RetireImpostor,
    RetireThenPlain, Revoke, RevokeImpostor, Keys, KeysFile, KeysDropCandidate, Twice, Back,
    Superseded, Unloadable, Http, Rung, Fresh, RevokeTwice, RevokeThenKeys,
)  # fmt: skip
