"""The world around a device under test: clock, link, publisher, and what was seen of the device.

The link is a stand-in for the network and the server; signatures, parsing, loading of anchors
and the file system are real. ``events`` is all that outsiders saw, in order, and with ``ledger``
all that a checker remembers across a power cut.
"""

import sys

from invariants import Ledger, check_confirm, check_reboot, check_session, digest_of, oracle

from urootlet import clock, control, fetch, recovery
from urootlet.errors import Error
from urootlet.rotation import Rotation

_POWER_ON = 946684805  # a board without a battery starts in 2000
_TRUE = 1800000000  # what NTP says
_MICROPYTHON = sys.implementation.name == "micropython"

if _MICROPYTHON:
    import tls
else:
    import ssl as tls


class Session:
    """What :class:`urootlet.tls_mpy.Context` tells of a handshake."""

    def __init__(self, leaf):
        self.leaf = leaf


class Client:
    """A connected client: it delivers what is published to a subscriber."""

    def __init__(self, world, digest):
        self.session = Session(world.case.leaf)
        self.digest = digest
        self._world = world
        self._callback = None

    def set_callback(self, callback):
        self._callback = callback

    def subscribe(self, _topic):
        pass

    def check_msg(self):
        for data in self._world.case.published(self._world):
            self._callback(b"", data)

    def disconnect(self):
        pass


class Config:
    """What the rotation asks of the settings."""

    def __init__(self, case):
        self.offers = "offers" if case.topic else ""
        self.recovery = ["http://recovery"] if case.http else []


class Union(control.Union):
    """The real one, which also tells what it was made of."""

    def __init__(self, first, second):
        super().__init__(first, second)
        self.parts = first, second


class Identity:
    """Stands for :class:`urootlet.session.Identity`: contexts are real, the link is not."""

    def __init__(self, world):
        self._world = world
        self.config = Config(world.case)

    def wake(self):
        self._world.now = max(self._world.now, _TRUE)

    def context(self, bundle):
        world = self._world
        if world.case.unloadable is not None and not hasattr(bundle, "parts"):
            found = oracle(world.device)
            waits = found is not None and found.state in (1, 2)
            if waits and digest_of(bundle.data) == digest_of(world.case.unloadable):
                raise Error("FORMAT", "anchor 0 does not load")
        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        for index in range(len(bundle.anchors)):
            if _MICROPYTHON:
                context.load_verify_locations(bundle.der(index))
            else:
                context.load_verify_locations(cadata=bundle.der(index))

    def open(self, bundle, floor):
        world = self._world
        self.wake()
        clock.raise_to(floor)
        digest = digest_of(bundle.data)
        world.events.append(("open", digest))
        check_session(world, bundle)
        self.context(bundle)
        code = world.case.link(world, bundle)
        if code:
            raise Error(code, "")
        world.events.append(("client", digest))
        return Client(world, digest)

    def handshake(self, bundle):
        world = self._world
        self.context(bundle)
        for one in bundle.parts:
            check_session(world, one)
        for one in bundle.parts:
            if not world.case.link(world, one):
                return one.original(0)
        raise Error("ROOT", "")


class World:
    """One device, one case, and what happened so far."""

    def __init__(self, device, case):
        self.device = device
        self.case = case
        self.now = _POWER_ON
        self.events = []
        self.ledger = Ledger()
        self.served = None

    def connect(self):
        """Put this world in the place of the real one."""
        clock.now = lambda: self.now
        clock.set_clock = self._set_clock
        control.handshake = self.handshake
        control.Union = Union
        recovery.time = self
        recovery.fetch = self
        fetch.get = self.get

    def _set_clock(self, seconds):
        self.now = seconds

    def handshake(self, identity, bundle):
        """Stand for ``urootlet.control.handshake``."""
        return identity.handshake(bundle)

    def sleep(self, seconds):
        """Stand for ``time.sleep``: a pause ends the 5 seconds of listening."""
        self.now += 1

    def get(self, url, _limit):
        """Stand for ``urootlet.fetch.get``."""
        found = self.case.fetched(self, url.split("/")[-1])
        if found is None:
            raise Error("NET", url)
        return found

    def boot(self):
        """Power on and live as an application does until nothing is new; power off.

        X
        """
        self.now = _POWER_ON
        self.events.append(("boot", b""))
        self.served = None
        Rotation.looked.clear()
        self.device.on()
        self.connect()
        try:
            self._live()
        except (MemoryError, OSError):
            self.events.append(("restart", b""))
            return
        self._check()

    def _live(self):
        hooks = {"on_confirm": self._confirmed, "on_parked": self._parked}
        self.rotation = Rotation(self.device.folder, hooks, self.case.factory, Identity(self))
        self._check()
        for _ in range(6):
            try:
                client = self.rotation.connect()
            except Error as error:
                self.events.append(("error", error.code.encode()))
                self.served = None
                break
            self.served = client.digest
            new = [self.rotation.try_offer(data) for data in self.case.published(self)]
            if not any(new):
                break

    def _check(self):
        self.device.checking = True
        check_reboot(self, self.rotation.store)
        self.device.checking = False

    def _confirmed(self, bundle):
        check_confirm(self, bundle)
        self.events.append(("confirm", digest_of(bundle.data)))

    def _parked(self, reason):
        self.events.append(("parked", b""))

    def had(self, what, data):
        """Whether an event was seen, such as a session under these bytes."""
        return (what, digest_of(data)) in self.events
