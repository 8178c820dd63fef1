"""A device in memory for rules that are about state: a flash that cuts, a clock, a link, a fleet.

Bundles, key sets, signatures and the whole of ``urootlet.rotation`` are real. What stands in is
the flash (a dictionary whose files are replaced whole, as littlefs does), the clock of a board,
and the link, which knows which root is at the top of the path that the server shows.
"""

from __future__ import annotations

import errno
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from keyset_cases import TARGET, Set, Signer, first, record
from rootlet import bundle, catalog, signing
from urootlet import clock
from urootlet.errors import Error
from urootlet.rotation import Rotation
from urootlet.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CA1, CA3, CA4, SG2 = "amazon-root-ca-1", "amazon-root-ca-3", "amazon-root-ca-4", "starfield-g2"
RETIRE, REVOKE = 1, 2
CREATED = 1_790_000_000
DAY, YEAR = 86_400, 31_557_600
#: The clock of an ESP32 at power on.
POWER_ON = 946_684_800
#: Two of three keys, which is what a fleet has.
KEYS_1 = first(2, 0, 1, 2)
KEYS_2 = Set(2, 2, (3, 4, 5), (0, 1, 3, 4))
KEYS_3 = Set(3, 2, (6, 7, 8), (3, 4, 6, 7))
_SIGNERS = {1: (0, 1), 2: (3, 4), 3: (6, 7)}


@cache
def anchor(name: str) -> bundle.Anchor:
    """Return a root of the catalogue as an anchor."""
    found = catalog.load().get(name)
    return bundle.Anchor(found.der, bytes.fromhex(found.sha256))


@cache
def offered(
    roots: Iterable[str | bundle.Anchor],
    sequence: int,
    *,
    key_set: int = 1,
    flags: int = 0,
    created: int = CREATED,
    signed: tuple[Signer, ...] | None = None,
    target: str = TARGET,
    profile: int = 3,
) -> bytes:
    """Return a bundle of these roots, signed by two keys of its key set unless ``signed`` says."""
    anchors = [anchor(one) if isinstance(one, str) else one for one in roots]
    by = _SIGNERS[key_set] if signed is None else signed
    header = bundle.Signing(key_set, sequence, flags, room=len(by)) if sequence else None
    data = bundle.encode(anchors, target=target, profile=profile, created=created, signing=header)
    if not by or header is None:
        return data
    return signing.Signable(data).add(record(one, data) for one in by).encode()


@cache
def keys(one: Set) -> bytes:
    """Return the file of a key set."""
    return one.encode()


class PowerCut(BaseException):
    """The power has gone: nothing under test may survive it."""


@dataclass
class Flash:
    """Files that are replaced whole, what was written, and what goes wrong.

    ``cut`` is how many writes still succeed before the power goes; the one it goes in has
    ``landed`` or not. ``broken`` refuses every write with EIO, as a worn flash does.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    cut: int | None = None
    landed: bool = False
    broken: bool = False

    def write(self, name: str, data: bytes) -> None:
        if self.broken:
            raise OSError(errno.EIO, "the flash is worn")
        if self.cut == 0:
            if self.landed:
                self.files[name] = bytes(data)
            raise PowerCut
        if self.cut is not None:
            self.cut -= 1
        self.files[name] = bytes(data)
        self.writes.append(name)

    def flip(self, name: str, byte: int, bits: int = 1) -> None:
        """Flip bits of one byte."""
        data = bytearray(self.files[name])
        data[byte] ^= bits
        self.files[name] = bytes(data)


@dataclass(frozen=True)
class Server:
    """Who answers a connection: the root above its leaf, the leaf's dates, and what follows."""

    root: str
    begins: int = CREATED
    ends: int = CREATED + 400 * DAY
    connack: int = 0
    name: bool = True


@dataclass(frozen=True)
class Session:
    """A completed handshake: the bundle's bytes (empty for two sets as one), and who answered."""

    data: bytes
    server: Server
    application: bool


class Link:
    """The identity of the device, as :class:`urootlet.session.Identity` is, without a network.

    ``answer(bundle, application)`` returns the server of a connection, or an Error that the
    network makes of it.
    """

    def __init__(self, world: Board) -> None:
        self._world = world
        self.cert = self.key = b""
        self.config = SimpleNamespace(recovery=[], offers="", ntp="", timeout=20)
        self.server = Server(CA1)
        self.answer: Callable[[Any, bool], Server | Error] = lambda *_: self.server
        self.ntp: Callable[[], int | None] = lambda: None
        self.retained = b""
        self.sessions: list[Session] = []

    def context(self, found: Any) -> object:
        return found

    def wake(self) -> None:
        told = self.ntp()
        if told is not None:
            self._world.set(told)

    def open(self, found: Any, floor: int) -> Any:
        self.wake()
        clock.raise_to(floor)
        server = self._meet(found, application=True)
        if server.connack:
            raise Error("POLICY", f"CONNACK {server.connack}")
        return Client(leaf(server.begins), self.retained)

    def handshake(self, _identity: object, found: Any) -> bytes:
        return anchor(self._meet(found, application=False).root).original

    def _meet(self, found: Any, *, application: bool) -> Server:
        server = self.answer(found, application)
        if isinstance(server, Error):
            raise server
        held = [found.original(index) for index in range(len(found.anchors))]
        if server.root not in _NAMES or anchor(server.root).original not in held:
            raise Error("ROOT", server.root)
        if self._world.clock < server.begins:
            raise Error("CLOCK", "begins in the future")
        if self._world.clock > server.ends:
            raise Error("EXPIRED", "has ended")
        if not server.name:
            raise Error("NAME", "another name")
        self.sessions.append(Session(found.data if application else b"", server, application))
        return server


_NAMES = (CA1, CA3, CA4, SG2)


class Client:
    """A connection after CONNACK 0, with the methods of ``umqtt.simple``."""

    def __init__(self, der: bytes, retained: bytes) -> None:
        self.session = SimpleNamespace(leaf=der)
        self._retained = [retained] if retained else []
        self._subscribed = False
        self._callback: Callable[[bytes, bytes], None] = lambda *_: None
        self.ended = False

    def set_callback(self, callback: Callable[[bytes, bytes], None]) -> None:
        self._callback = callback

    def subscribe(self, topic: str, qos: int = 0) -> None:
        """Take the topic; what was retained comes with the next message."""
        self._subscribed = True

    def check_msg(self) -> None:
        if self._subscribed and self._retained:
            self._callback(b"offers", self._retained.pop())

    def disconnect(self) -> None:
        self.ended = True


@cache
def leaf(begins: int) -> bytes:
    """Return a certificate that begins at this time."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")])
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=begins)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=400))
    )
    return made.sign(key, SHA256()).public_bytes(Encoding.DER)


class Board:
    """A device with all of the above inside ``with``; ``trust`` is its present boot.

    ``flashed`` is the bundle in ``ta``, ``factory`` what the firmware carries.
    """

    def __init__(
        self,
        flashed: bytes | None = None,
        factory: tuple[bytes, bytes] | None = None,
        *,
        clock: int = CREATED + DAY,
    ) -> None:
        self.flash = Flash({"ta": offered((CA1,), 1) if flashed is None else flashed})
        self.factory = (b"", keys(KEYS_1)) if factory is None else factory
        self.clock = clock
        self.link = Link(self)
        self.urls: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.told: list[tuple[str, Any]] = []
        self._hooks = {name: self._hook(name) for name in _HOOKS}

    def __enter__(self) -> Self:
        with ExitStack() as patches:
            for place, stand_in in (
                ("urootlet.clock.time", self),
                ("urootlet.recovery.time", self),
                ("urootlet.rotation.MICROPYTHON", True),
                ("urootlet.control.MICROPYTHON", True),
                ("urootlet.control.handshake", self.link.handshake),
                ("urootlet.rotation.Store", self._store()),
                ("urootlet.fetch.get", self._get),
            ):
                patches.enter_context(patch(place, stand_in))
            machine = SimpleNamespace(RTC=lambda: SimpleNamespace(datetime=self._datetime))
            patches.enter_context(patch.dict(sys.modules, machine=machine))
            self.boot()
            self._patches = patches.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()

    # The clock, where ``urootlet.clock`` expects the module ``time``.

    def time(self) -> int:
        return self.clock

    def gmtime(self, seconds: int) -> tuple[int, ...]:
        return tuple(time.gmtime(seconds))

    def sleep(self, seconds: float) -> None:
        self._slept = getattr(self, "_slept", 0.0) + seconds
        self.clock += int(self._slept)
        self._slept %= 1

    def set(self, clock: int) -> None:
        self.clock = clock

    def _datetime(self, moment: tuple[int, ...]) -> None:
        year, month, day, _, hour, minute, second, _ = moment
        self.clock = int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())

    def _store(self) -> type[Store]:
        flash = self.flash

        class InMemory(Store):
            def read(self, name: str, limit: int = 4096) -> bytes:
                data = flash.files.get(self.folder + name, b"")
                return data if len(data) <= limit else b""

            def write(self, name: str, data: bytes) -> None:
                flash.write(self.folder + name, data)

        return InMemory

    def _get(self, url: str, limit: int) -> bytes:
        self.asked.append(url)
        if url not in self.urls or len(self.urls[url]) > limit:
            raise Error("NET", url)
        return self.urls[url]

    def _hook(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.told.append((name, arguments))

    # What a test does with the device.

    def boot(self) -> Rotation:
        """Start it again; the clock goes on, as over a watchdog's reset."""
        self.flash.cut = None
        Rotation.looked.clear()
        return self.start()

    def start(self) -> Rotation:
        """Make the rotation anew in the same boot, as each ``urootlet.connect()`` does."""
        self.trust = Rotation("", self._hooks, self.factory, self.link)  # type: ignore[arg-type]
        return self.trust

    def connect(self) -> str:
        """Connect once; return "" or the code of the error."""
        try:
            self.client = self.trust.connect()
        except Error as error:
            return error.code
        return ""

    def offer(self, data: bytes) -> str:
        """Offer; return "" when it is new here, "same", or the code of the refusal."""
        try:
            return "" if self.trust.offer(data) else "same"
        except Error as error:
            return error.code

    def refuses(self, data: bytes) -> str:
        """Offer what must be refused, and check that not a byte was written."""
        before = (dict(self.flash.files), len(self.flash.writes))
        code = self.offer(data)
        assert code
        assert (self.flash.files, len(self.flash.writes)) == before
        return code

    def rotate(self, data: bytes, root: str) -> None:
        """Take a good bundle, over a good link, all the way."""
        assert self.offer(data) == ""
        self.link.server = replace(self.link.server, root=root)
        assert self.connect() == ""
        assert self.trust.store.active() == data

    @property
    def active(self) -> bytes | None:
        return self.trust.store.active() or None

    @property
    def candidate(self) -> bytes | None:
        store = self.trust.store
        return (store.other() or None) if store.record.state else None

    @property
    def state(self) -> str:
        return str(self.trust.status()["state"])

    def later(self, seconds: int) -> None:
        self.clock += seconds


_HOOKS = (
    "on_offer",
    "on_trial",
    "on_confirm",
    "on_revert",
    "on_parked",
    "on_expiring",
    "on_error",
)


OLD, NEW, NEXT = offered((CA1,), 1), offered((CA3,), 2), offered((CA4,), 3)


def bad_trial(trusted: Server) -> Callable[[Any, bool], Server | Error]:
    """An impostor: nonsense for ``NEW`` alone, the server given for all else."""

    def answer(found: Any, application: bool) -> Server | Error:
        alone = application and found.data == NEW
        return Server("") if alone else trusted

    return answer


def with_cut(board: Board, cut: int, landed: bool, *steps: Callable[[], object]) -> None:
    """Do the steps with a power cut at the given write, then start again."""
    board.flash.cut, board.flash.landed = cut, landed
    with suppress(PowerCut):
        for step in steps:
            step()
    board.boot()
