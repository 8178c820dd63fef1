"""Replacing the trust of a device in the field; docs/rotation.md explains it.

- An offer is a signed bundle, over any transport. It changes nothing unless it passes every
  check, cheap ones first: size, form, target, order, signatures, room, loading.
- A candidate is tried alone: TLS, name, and CONNACK 0. Only that makes it the active set.
- A TLS failure is never evidence: the candidate is parked and tried again, and the active set
  serves. Only what fails in this device (form, signature, loading) is refused for good.
- With revoke-now, and after a confirmed retire-previous, nothing older authenticates anything.
"""

from . import clock, keyset
from .bundle import Bundle
from .errors import MICROPYTHON, Error, const
from .session import Identity
from .states import step
from .store import SLOTS, Store, hash16, shipped

_TYPING = const(0)
if _TYPING:
    from collections.abc import Callable, Generator
    from typing import Any

# The numbers of urootlet.states and urootlet.bundle: states, events, actions, kind, flag.
_TRIAL = const(1)
_PARKED = const(2)
_REVOKE = const(3)
_OFFER = const(0)
_CUT = const(1)
_TRY = const(2)
_WORKS = const(3)
_FAILS = const(4)
_SPENT = const(5)
_BAD = const(6)
_KEYS = const(7)
_FRESH = const(1)
_COUNT = const(2)
_WAIT = const(4)
_ADOPT = const(8)
_BAN = const(16)
_DROP = const(32)
_TYPE_KEY_SET = const(2)
_REVOKE_NOW = const(2)
# Reasons of the last change, as urootlet.status tells them.
_CONFIRMED = const(1)
_EARLY = const(2)
_INCONCLUSIVE = const(3)
_TIRED = const(4)
_DAMAGED = const(5)

_MAX_ATTEMPTS = const(3)
_MAX_STAGINGS = const(3)  # a day, so that a stranger cannot wear out the flash
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

    def __init__(
        self,
        folder: str = "",
        hooks: "dict[str, Callable[..., None]] | None" = None,
        factory: "tuple[bytes, bytes] | None" = None,
        identity: "Identity | None" = None,
    ) -> None:
        self.store = Store(folder, shipped(folder) if factory is None else factory)
        self.hooks = hooks or {}
        self._folder = folder
        self._identity = identity
        self._recovered = 0
        self._trying = False

    @property
    def identity(self) -> Identity:
        """Settings, certificate and key, read when first needed."""
        if self._identity is None:
            self._identity = Identity(self._folder)
        return self._identity

    def offer(self, data: bytes) -> bool:
        """Take a signed bundle as the candidate; tell whether it is new here.

        A key set is taken too, and is in force at once. A refusal writes nothing.
        Errors: FORMAT, NOKEYS, TARGET, SEQUENCE, SIGNATURE, HEAP, FLASH.
        """
        if self._trying:  # or what was not tried would be confirmed
            raise Error("SEQUENCE", "a trial is running")
        if len(data) > 4 and data[4] == _TYPE_KEY_SET:
            return self._offer_keys(data)
        found = Bundle(data)
        record = self.store.record
        digest = hash16(data)
        if digest == record.active_hash:
            return self._heal(data)
        if record.state and digest == record.candidate_hash and self.store.candidate():
            return False
        if found.sequence == 0:
            raise Error("SIGNATURE", "unsigned")
        keys = self.store.keys()
        keyset.check_target(keys, found)
        if found.key_set != keys.version:
            raise Error("SEQUENCE", "key set %d, not %d" % (found.key_set, keys.version))
        keyset.check_order(found, record.floor)
        current = self.store.candidate()
        if current is not None:
            keyset.check_order(found, _order(Bundle(current)))
        if digest[:8] == record.last_bad:
            raise Error("FORMAT", "refused before")
        today = clock.now() // _DAY
        staged = record.staged if record.day == today else 0
        if staged >= _MAX_STAGINGS:
            raise Error("SEQUENCE", "enough for today")
        keyset.check_bundle(keys, found)
        self.identity.context(found)
        self._stage(data, digest, staged + 1, today, found)
        return True

    def _heal(self, data: bytes) -> bool:
        """Write the active bundle's own bytes again if its file was damaged; tell whether."""
        store = self.store
        if store.active() is not None:
            return False
        self._flash(store.write, SLOTS[store.record.active], data)
        return True

    def _stage(self, data: bytes, digest: bytes, staged: int, today: int, found: Bundle) -> None:
        self._settle()  # with no record, a cut would leave the new bytes as the active set
        inactive = SLOTS[1 - self.store.record.active]
        self._flash(self.store.write, inactive, data)
        if hash16(self.store.read(inactive) or b"") != digest:
            raise Error("FLASH", "read back")
        record = self.store.record
        record.candidate_hash = digest
        record.staged = staged
        record.day = today
        event = _OFFER
        if found.flags & _REVOKE_NOW:
            event = _CUT
            record.sealed = True  # also when a later bundle takes this one's place
        self._step(event)
        self.tell("on_offer", found)

    def try_offer(self, data: bytes) -> bool:
        """Take an offer from a stranger: as :meth:`offer`, but a refusal goes to ``on_error``."""
        try:
            return self.offer(data)
        except Error as error:
            self.tell("on_error", error)
            return False

    def _offer_keys(self, data: bytes) -> bool:
        """Take the next key set; tell whether it is new here."""
        found = keyset.KeySet(data)
        record = self.store.record
        if hash16(data) == record.keys_hash:
            try:
                self.store.keys()
            except Error:  # the file was lost: these are the very bytes
                self._flash(self.store.take_keys, data)
            return False
        keyset.check_next(self.store.keys(), found)
        self._flash(self.store.take_keys, data)
        self._step(_KEYS)
        return True

    def connect(self) -> "Any":
        """Return a client on a verified connection, after a trial if one is due.

        When no set that may authenticate gets through, a newer bundle is looked for, at most
        every quarter of an hour, and tried at once. Raises the error of the active set.
        """
        try:
            return self._run()
        except Error as error:
            if not self.lost(error):
                raise
            from .recovery import recover

            if not recover(self):
                raise
        return self._run()

    def _run(self) -> "Any":
        """Make the connections that :meth:`flow` asks for."""
        flow = self.flow()
        answer: "Any" = None
        while True:
            try:
                bundle, floor = flow.send(answer)
            except StopIteration as stop:
                return stop.value
            answer = self.attempt(bundle, floor)

    def attempt(self, bundle: "Any", floor: int) -> "Any":
        """Make one connection of :meth:`flow`; return what to send back."""
        try:
            if floor < 0:
                return self.identity.handshake(bundle)
            return self.identity.open(bundle, floor)
        except Error as error:
            return error

    def lost(self, error: Error) -> bool:
        """Whether it is time to look for a newer bundle, after the active set failed so.

        The pause differs, so that a fleet does not come at once.
        """
        now = clock.now()
        # The active set does not authenticate the server; the network and the name are there.
        if error.code not in ("ROOT", "FAMILY", "EXPIRED", "NOROOTS") or (
            self._recovered <= now < self._recovered + _FIRST_WAIT + now % _FIRST_WAIT
        ):
            return False
        self._recovered = now
        return True

    def flow(self) -> "Generator[tuple[Any, int], Any, Any]":
        """Yield ``(bundle, floor)`` of each connection to make; send the client or its Error back.

        A floor below 0 asks for a handshake only (:meth:`Identity.handshake`), and for the
        anchor. The generator returns the client that serves, or raises. This is how both the
        synchronous and the asyncio way work.
        """
        client = None
        try:
            self._settle()
            record = self.store.record
            if record.state == _TRIAL and record.attempts >= _MAX_ATTEMPTS:
                record.reason = _TIRED
                self._step(_SPENT)
            if record.state in (_TRIAL, _REVOKE) or (record.state == _PARKED and self._due()):
                client = yield from self._trial()
        except Error as error:  # a flash that is full or worn does not end the service
            if error.code != "FLASH" or self.store.record.state == _REVOKE:
                raise
            self.tell("on_error", error)
        if client is None:
            client = yield from self._serve()
        return client

    def _trial(self) -> "Generator[tuple[Any, int], Any, Any]":
        """Try the candidate alone. Returns the client, or None when the active set must serve."""
        found = self._candidate()
        if found is None:
            return None
        self._step(_TRY)
        self._trying = True
        try:
            return (yield from self._verdict(found))
        finally:
            self._trying = False

    def _verdict(self, found: Bundle) -> "Generator[tuple[Any, int], Any, Any]":
        """Make the trial's connection, and note what came of it."""
        self.tell("on_trial", found)
        answer = yield found, found.created
        record = self.store.record
        if isinstance(answer, Error) and MICROPYTHON:
            now = clock.before()
            if answer.code == "EXPIRED" and record.time_floor > found.created:
                # The clock was pushed up by a floor that only the old bundle vouches for.
                clock.set_clock(found.created)
                answer = yield found, found.created
            if isinstance(answer, Error):  # which proves nothing of the time
                clock.set_clock(now)
        if not isinstance(answer, Error):
            record.reason = _CONFIRMED
            record.floor = _order(found)
            record.sealed = record.sealed or found.flags > 0
            record.time_floor = found.created
            self._step(_WORKS)
            self.tell("on_confirm", found)
            self._served(found, answer)
            return answer
        self.tell("on_error", answer)
        if record.state == _REVOKE:
            raise answer
        yield from self._control(found)
        self._step(_FAILS)
        self._tell_reason("on_parked")
        return None

    def _control(self, found: Bundle) -> "Generator[tuple[Any, int], Any, Any]":
        """Connect once with both sets: only the old one's anchor means that it is too early."""
        record = self.store.record
        record.reason = _INCONCLUSIVE
        active = self._active()
        if active is None:
            return
        if MICROPYTHON:
            clock.raise_to(max(active.created, record.time_floor))
        from .control import Union

        anchor = yield Union(found, active), -1
        if isinstance(anchor, bytes):
            record.reason = _EARLY
            for index in range(len(found.anchors)):
                if found.original(index) == anchor:
                    record.reason = _INCONCLUSIVE

    def _serve(self) -> "Generator[tuple[Any, int], Any, Any]":
        """Connect with the active set."""
        active = self._active()
        if active is None or self.store.record.state == _REVOKE:
            raise Error("NOROOTS", "no usable bundle")
        answer = yield active, max(active.created, self.store.record.time_floor)
        if isinstance(answer, Error):
            self.tell("on_error", answer)
            raise answer
        self._served(active, answer)
        return answer

    def _served(self, found: Bundle, client: "Any") -> None:
        """Learn from a verified connection: the time it proves, and what ends soon."""
        from . import dates

        leaf = client.session.leaf
        client.session.leaf = None
        record = self.store.record
        proven = dates.validity(leaf)[0] if leaf else 0
        proven = min(proven, found.created + _FLOOR_AHEAD, clock.LAST)
        if proven > record.time_floor + _FLOOR_STEP:
            record.time_floor = proven
            try:
                self._flash(self.store.commit)
            except Error as error:
                self.tell("on_error", error)
        if "on_expiring" in self.hooks:
            for name, days in dates.ending(found, clock.now()):
                self.tell("on_expiring", name, days)

    def _candidate(self) -> "Bundle | None":
        """Return the candidate, or forget one that cannot be read here."""
        data = self.store.candidate()
        if data is not None:
            try:
                found = Bundle(data)
                self.identity.context(found)
            except Error as error:
                if error.code == "HEAP":
                    return None
                self.tell("on_error", error)
            else:
                return found
        elif self.resume():
            return self._candidate()
        if self.store.record.state == _REVOKE:
            return None
        self.store.record.reason = _DAMAGED
        # A file that is damaged says nothing about the bytes that were in it.
        self._step(_KEYS if data is None else _BAD)
        self._tell_reason("on_revert")
        return None

    def resume(self) -> bool:
        """Take what is in the inactive slot as an offer: power may have gone before the record."""
        data = self.store.read(SLOTS[1 - self.store.record.active])
        try:
            return self.offer(data or b"")
        except Error:
            return False

    def _active(self) -> "Bundle | None":
        data = self.store.active()
        return None if data is None else Bundle(data)

    def _due(self) -> bool:
        """Whether the back-off has passed; a clock that went back is no reason to wait longer."""
        record = self.store.record
        return not record.tried_at <= clock.now() < record.next_try

    def _step(self, event: int) -> None:
        """Go through the state table and make it last."""
        record = self.store.record
        state, actions = step(record.state, event)
        if not actions and state == record.state and event != _KEYS:
            return
        if actions & _BAN:
            record.last_bad = record.candidate_hash[:8]
        if actions & _FRESH:
            record.attempts = record.backoff = 0
        if actions & _COUNT:
            record.attempts += 1
        if actions & _WAIT:
            record.attempts = 0
            record.tried_at = clock.now()
            wait = min(_FIRST_WAIT << (2 * record.backoff), _DAY)
            record.next_try = min(record.tried_at + wait, clock.LAST)
            record.backoff = min(record.backoff + 1, 8)
        if actions & _ADOPT:
            record.attempts = record.backoff = 0
            record.active = 1 - record.active
            old = record.active_hash
            record.active_hash = record.candidate_hash
            record.candidate_hash = old
        if actions & _DROP:
            record.candidate_hash = bytes(16)
        record.state = state
        self._flash(self.store.commit)

    def _settle(self) -> None:
        """Make both records the same before other work, so that a flipped bit loses nothing."""
        if not self.store.mirrored:
            self._flash(self.store.commit)

    def _flash(self, write: "Callable[..., None]", *arguments: "Any") -> None:
        """Write, and after a failure go by what is in the flash."""
        try:
            write(*arguments)
        except (OSError, MemoryError) as error:
            self.store = Store(self.store.folder, self.store.factory)
            raise Error("FLASH", str(error))

    def tell(self, name: str, *arguments: "Any") -> None:
        """Call a hook of the application, if it has that one."""
        hook = self.hooks.get(name)
        if hook is not None:
            try:
                hook(*arguments)
            except Exception as error:  # noqa: BLE001 - an application's fault must not stop us
                print("rootlet:", name, repr(error))  # noqa: T201 - a board has no other log

    def _tell_reason(self, name: str) -> None:
        """Call a hook with the reason of the last change in words."""
        if name in self.hooks:
            from .status import REASONS

            self.tell(name, REASONS[self.store.record.reason])

    def status(self) -> "dict[str, Any]":
        """Return what an operator wants to know; nothing secret."""
        from .status import status

        return status(self.store.record)


def _order(found: Bundle) -> "tuple[int, int]":
    return found.key_set, found.sequence
