"""Replacing the trust of a device in the field; docs/rotation.md explains it.

- An offer is a signed bundle, over any transport. It changes nothing unless it passes every
  check, cheap ones first: size, form, target, order, signatures, room, loading.
- A candidate is tried alone: TLS, name, and CONNACK 0. Only that makes it the active set.
- A TLS failure is never evidence: the candidate is parked and tried again, and the active set
  serves. Only what fails in this device (form, signature, loading) is refused for good, and not
  for want of memory.
- With revoke-now, and after a confirmed retire-previous, nothing older authenticates anything.
"""

from os import urandom

from . import clock
from .bundle import Bundle
from .errors import MICROPYTHON, Error, const
from .session import Identity
from .store import Store, shipped

_TYPING = const(0)
if _TYPING:
    from collections.abc import Callable, Generator
    from typing import Any

# The numbers of urootlet.store and urootlet.bundle: states, events, kind, flag.
_TRIAL = const(1)
_PARKED = const(2)
_REVOKE = const(3)
_TRY = const(2)
_WORKS = const(3)
_SPENT = const(5)
# Reasons of the last change, as urootlet.status tells them.
_CONFIRMED = const(1)
_TIRED = const(4)

_MAX_ATTEMPTS = const(3)
_DAY = const(86400)
_FIRST_WAIT = const(900)
_FLOOR_STEP = const(2592000)  # 30 days: the floor is not worth a write for less
_FLOOR_AHEAD = const(157680000)  # 5 years after the bundle was made


class Rotation:
    """The trust of the device in ``folder``: offers in, verified connections out.

    ``hooks`` maps names to callables: ``on_offer(bundle)``, ``on_trial(bundle)``,
    ``on_confirm(bundle)``, ``on_revert(reason)``, ``on_parked(reason)``,
    ``on_expiring(anchor, days)``, ``on_error(error)``. One that raises stops nothing.
    """

    #: When a newer bundle was last looked for, and up to 15 minutes more, by folder; here, because
    #: ``urootlet.connect`` makes a new object with each call, and a loop of calls must not ask the
    #: server each time.
    looked: "dict[str, int]" = {}  # noqa: RUF012 - shared on purpose

    def __init__(
        self,
        folder: str = "",
        hooks: "dict[str, Callable[..., None]] | None" = None,
        factory: "tuple[bytes, bytes] | None" = None,
        identity: "Identity | None" = None,
    ) -> None:
        self.store = Store(folder, shipped(folder) if factory is None else factory)
        self.hooks = hooks or {}
        self._identity = identity
        self._trying = self._woken = False
        self._lost = 0  # chance said no: whether the last trial is long ago, nobody knows
        #: Whether staging has counted the first attempt already, in this run.
        self.counted = False

    @property
    def identity(self) -> Identity:
        """Settings, certificate and key, read when first needed."""
        if self._identity is None:
            self._identity = Identity(self.store.folder)
        return self._identity

    def offer(self, data: bytes) -> bool:
        """Take a signed bundle as the candidate; tell whether it is new here.

        A key set is taken too, and is in force at once. A refusal writes nothing.
        Errors: FORMAT, NOKEYS, TARGET, SEQUENCE, SIGNATURE, HEAP, FLASH.
        """
        if self._trying:  # or what was not tried would be confirmed
            raise Error("SEQUENCE", "a trial is running")
        from .offers import take

        return take(self, data)

    def try_offer(self, data: bytes) -> bool:
        """Take an offer from a stranger: as :meth:`offer`, but a refusal goes to ``on_error``."""
        try:
            return self.offer(data)
        except Error as error:
            self.tell("on_error", error)
            return False

    def connect(self) -> "Any":
        """Return a client on a verified connection, after a trial if one is due.

        When no set that may authenticate gets through, a newer bundle is looked for, at most
        every quarter of an hour, and tried at once. Raises the error of the active set.
        """
        try:
            return self._run()
        except Error as error:
            if not dead(error):
                raise
            from .recovery import recover

            if not recover(self):
                raise
        return self._run()

    def _run(self) -> "Any":
        """Make the connections that :meth:`flow` asks for."""
        flow = self.flow()
        answer: "Any" = None
        try:
            while True:
                try:
                    bundle, floor = flow.send(answer)
                except StopIteration as stop:
                    return stop.value
                answer = self.attempt(bundle, floor)
        finally:
            flow.close()

    def attempt(self, bundle: "Any", floor: int) -> "Any":
        """Make one connection of :meth:`flow`; return what to send back."""
        try:
            if floor < 0:
                from .control import handshake

                return handshake(self.identity, bundle)
            return self.identity.open(bundle, floor)
        except Error as error:
            return error

    def flow(self) -> "Generator[tuple[Any, int], Any, Any]":
        """Yield ``(bundle, floor)`` of each connection to make; send the client or its Error back.

        A floor below 0 asks for a handshake only (``urootlet.control``), and for the anchor. The
        generator returns the client that serves, or raises. This is how both the synchronous and
        the asyncio way work.
        """
        client = None
        try:
            self.settle()
        except Error as error:  # FLASH; a candidate that alone authenticates needs no write
            self.tell("on_error", error)
        try:
            record = self.store.record
            if record.state == _TRIAL and record.attempts >= _MAX_ATTEMPTS:
                record.reason = _TIRED
                self.store.step(_SPENT)
            if record.state in (_TRIAL, _REVOKE) or self._due(record.next_try):
                client = yield from self._trial()
        except Error as error:  # a flash that is full or worn does not end the service
            if error.code != "FLASH":
                raise
            self.tell("on_error", error)
        if client is None:
            try:
                client = yield from self._serve()
            except Error as error:
                # A candidate may be all that is left: it does not wait for a long back-off then.
                record = self.store.record
                first = record.tried_at
                if (
                    not dead(error)
                    or record.state != _PARKED
                    or (not self._lost and first <= clock.now() < first + _FIRST_WAIT)
                ):
                    raise
                self._lost = 0
                client = yield from self._trial()
                if client is None:
                    raise
        return client

    def _trial(self) -> "Generator[tuple[Any, int], Any, Any]":
        """Try the candidate alone. Returns the client, or None when the active set must serve."""
        found = self._candidate()
        if found is None:
            return None
        if not self.counted and self.store.record.state != _REVOKE:
            self.store.step(_TRY)
        self.counted = False  # what staging wrote was the first attempt
        self._trying = True
        try:
            return (yield from self._verdict(found))
        finally:
            self._trying = False

    def _verdict(self, found: Bundle) -> "Generator[tuple[Any, int], Any, Any]":
        """Make the trial's connection, and note what came of it."""
        self.tell("on_trial", found)
        clock.raised = 0
        answer = yield found, found.created
        record = self.store.record
        if isinstance(answer, Error) and MICROPYTHON:
            now = clock.now() - clock.raised
            if answer.code == "EXPIRED" and record.time_floor > found.created:
                # The clock was pushed up by a floor that only the old bundle vouches for.
                clock.set_clock(found.created)
                answer = yield found, found.created
            if isinstance(answer, Error):  # which proves nothing of the time
                clock.set_clock(now)
        if not isinstance(answer, Error):
            record.reason = _CONFIRMED
            record.floor = found.key_set, found.sequence
            record.sealed = record.sealed or found.flags > 0
            record.time_floor = found.created
            try:
                self.store.step(_WORKS)
            except Error as error:  # a worn flash: this connection is verified all the same
                self.tell("on_error", error)
            if not self.store.record.state:
                self.tell("on_confirm", found)
            self._served(found, answer)
            return answer
        self.tell("on_error", answer)
        if record.state == _REVOKE:
            raise answer
        from .control import park

        yield from park(self, found)
        return None

    def _serve(self) -> "Generator[tuple[Any, int], Any, Any]":
        """Connect with the active set."""
        data = self.store.active()
        if not data or self.store.record.state == _REVOKE:
            raise Error("NOROOTS", "bundle")
        active = Bundle(data)
        answer = yield active, max(active.created, self.store.record.time_floor)
        if isinstance(answer, Error):
            self.tell("on_error", answer)
            raise answer
        self._served(active, answer)
        return answer

    def _served(self, found: Bundle, client: "Any") -> None:
        """Learn from a verified connection: the time it proves, and what ends soon."""
        leaf = client.session.leaf
        client.session.leaf = None
        record = self.store.record
        if leaf:
            from .dates import validity

            proven = min(validity(leaf)[0], found.created + _FLOOR_AHEAD, clock.now())
            if proven > record.time_floor + _FLOOR_STEP:
                record.time_floor = proven
                try:
                    self.store.commit()
                except Error as error:
                    self.tell("on_error", error)
        if "on_expiring" in self.hooks:
            from .facts import ending

            for name, days in ending(found, clock.now()):
                self.tell("on_expiring", name, days)

    def _candidate(self) -> "Bundle | None":
        """Return the candidate, or None when there is none that can be tried here."""
        data = self.store.other()
        identity = self.identity
        try:
            found = Bundle(data)
            identity.context(found)
        except Error as error:
            # Not its fault. "anchor" alone is what a board says: they loaded when it was staged,
            # and MicroPython calls an invalid certificate what mbedTLS had no memory for.
            if error.code == "HEAP" or error.detail[:8] in ("anchor", "identity"):
                self.tell("on_error", error)
                return None
            from .recovery import mend

            return self._candidate() if mend(self, data, error) else None
        return found

    def _due(self, until: int) -> bool:
        """Whether a parked candidate has waited until then.

        A clock behind the last trial was lost with the power, or was wrong then. When the network
        does not know better, chance decides, once a start: one in 2, 4, 8, then 16, as the
        back-off grows; counting the starts would write to the flash at each. A device that stays
        up waits a day more by the clock that it has.
        """
        record = self.store.record
        if record.state != _PARKED:
            return False
        if clock.now() < record.tried_at:
            if self._woken:
                record.tried_at = clock.now()
                record.next_try = record.tried_at + _DAY
                return False
            self._woken = True
            try:
                self.identity.wake()
            except Error as error:
                self.tell("on_error", error)
            if clock.now() < record.tried_at:
                self._lost = urandom(1)[0] & ((1 << min(record.backoff, 4)) - 1)
                if self._lost:
                    return False
                record.tried_at = until = 0  # it is due until it is tried, whoever asks
                record.next_try = 0
        return until <= clock.now()

    def settle(self) -> None:
        """Make both records the same before other work, so that a flipped bit loses nothing."""
        if not self.store.mirrored:
            self.store.commit()

    def tell(self, name: str, *arguments: "Any") -> None:
        """Call a hook of the application, if it has that one."""
        hook = self.hooks.get(name)
        if hook is not None:
            try:
                hook(*arguments)
            except Exception as error:  # noqa: BLE001 - an application's fault must not stop us
                print("rootlet:", name, repr(error))  # noqa: T201 - a board has no other log

    def status(self) -> "dict[str, Any]":
        """Return what an operator wants to know; nothing secret."""
        from .status import status

        return status(self.store.record)


def dead(error: Error) -> bool:
    """Whether network and name are there, but the active set does not authenticate the server."""
    return error.code in ("ROOT", "FAMILY", "EXPIRED", "NOROOTS")
