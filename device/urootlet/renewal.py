"""Replacing a device's own certificate and key, by the states of a rotation; docs/gateway.md.

A *pair* is one file, because two cannot be replaced in one step: the certificate and then its
key, both DER. There are two slots, ``ita`` and ``itb``, and a record, ``is0`` and ``is1``, with
the same states, attempts and back-off as a rotation of roots (docs/rotation.md).

- A pair comes from this device itself or over its own port, never over the network.
- It is tried alone, under the active roots: TLS, name, and CONNACK 0. Only that makes it the
  active one; a failure is never evidence, and the old pair serves.
- Where the old pair is refused, it is tried under the very roots that this happened under: they
  may be new too, and alone allowed.
- ``cert.der`` and ``key.der`` are what was flashed. They count until a pair is confirmed, and
  again when somebody flashes others. Nothing here writes them.
"""

from . import clock, dates
from .bundle import Bundle
from .der import element
from .errors import Error, const
from .rotation import Rotation
from .status import tell_reason
from .store import SLOTS, Record, hash16

_TYPING = const(0)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

# States and events of urootlet.store, reasons of urootlet.status.
_TRIAL = const(1)
_PARKED = const(2)
_REVOKE = const(3)
_OFFER = const(0)
_TRY = const(2)
_WORKS = const(3)
_FAILS = const(4)
_SPENT = const(5)
_KEYS = const(7)
_CONFIRMED = const(1)
_INCONCLUSIVE = const(3)
_TIRED = const(4)

_MAX_ATTEMPTS = const(3)
_MAX_SIZE = const(4096)
_HURRY = const(900)  # seconds between trials while the active certificate is refused


class Renewal:
    """The identity of the device whose trust is ``trust``: pairs in, connections out.

    ``hooks`` are those of a rotation: ``on_offer``, ``on_trial`` and ``on_confirm`` get the
    certificate (DER), ``on_parked`` a reason, ``on_error`` an Error.
    """

    def __init__(
        self, trust: Rotation, hooks: "dict[str, Callable[..., None]] | None" = None
    ) -> None:
        self.trust = trust
        identity = trust.identity
        self._flashed = identity.cert + identity.key
        self._own = Rotation(trust.store.folder + "i", hooks, (b"", b""), identity)
        self.status = self._own.status
        trust.attempt = self._meet  # type: ignore[method-assign]  # its connections are ours
        self._agree()

    def active(self) -> bytes:
        """Return the pair that serves."""
        return self._own.store.active() or self._flashed

    def previous(self) -> bytes:
        """Return the pair that served before a confirmed one, ``b""`` when none was confirmed."""
        store = self._own.store
        if store.record.state or not any(store.record.active_hash):
            return b""
        found = store.other() or self._flashed
        # With the confirmed pair damaged, the one before serves: it is not to be retired.
        return b"" if found == self.active() else found

    @property
    def ready(self) -> bool:
        """Whether a pair is to be tried with the next connection."""
        record = self._own.store.record
        return record.state == _TRIAL or self._own._due(record.next_try)

    def offer(self, cert: bytes, key: bytes) -> bool:
        """Take a pair as the candidate; tell whether it is new here. A refusal writes nothing.

        Errors: FORMAT (it does not load), FLASH.
        """
        pair = cert + key
        own = self._own
        store = own.store
        record = store.record
        hashed = hash16(pair)
        if pair == self.active() or (record.state and hashed == record.candidate_hash):
            return False
        if split(pair) != (cert, key) or len(pair) > _MAX_SIZE:
            raise Error("FORMAT", "certificate and key")
        try:
            self._present(pair)
            own.identity.context(self._roots())
            own.settle()
            inactive = SLOTS[1 - record.active]
            store.put(inactive, pair)
            if hash16(store.read(inactive)) != hashed:
                raise Error("FLASH", "read back")
            record.candidate_hash = hashed
            store.step(_OFFER)
        finally:
            self._agree()
        own.counted = True
        own.tell("on_offer", cert)
        return True

    def connect(self) -> "Any":
        """Return a client on a verified connection, as :meth:`Rotation.connect` does.

        A pair that waits is tried first; while new roots are tried it waits.
        """
        return self._attempt() or self.trust.connect()

    def _meet(self, bundle: "Any", floor: int) -> "Any":
        """Make one connection of the trust's own, as :meth:`Rotation.attempt` does.

        When this device is refused, the old certificate may have been cut off too early: then the
        pair that waits is all we have, and these roots may be. CONNACK 0 with both proves both.
        """
        trust = self.trust
        answer = Rotation.attempt(trust, bundle, floor)
        # In TLS 1.3 a server may just close: then it is POLICY, as without certificates.
        if floor >= 0 and isinstance(answer, Error) and answer.code in ("CLIENTCERT", "POLICY"):
            if trust._trying and clock.raised:  # or only what the next one adds would be undone
                clock.set_clock(clock.now() - clock.raised)
                clock.raised = 0
            return self._attempt(bundle, floor) or answer
        return answer

    def _attempt(self, roots: "Any" = None, floor: int = 0) -> "Any":
        """Try the candidate if it is time; return the client or None. No fault of it gets out.

        With ``roots`` the active pair has just been refused under them, and the time is now.
        """
        own = self._own
        try:
            record = own.store.record
            if record.number:
                own.settle()
            if record.state == _TRIAL and record.attempts >= _MAX_ATTEMPTS:
                record.reason = _TIRED
                own.store.step(_SPENT)
            if roots:
                due = record.state == _TRIAL or own._due(record.tried_at + _HURRY)
            else:
                due = self.ready and self.trust.store.record.state not in (_TRIAL, _REVOKE)
            if due:
                return self._trial(roots, floor)
        except Error as error:
            own.tell("on_error", error)
        finally:
            self._agree()
        return None

    def _trial(self, roots: "Any", floor: int) -> "Any":
        """Try the candidate; return the client, or None when the active pair must serve."""
        own = self._own
        record = own.store.record
        pair = own.store.other()
        if not pair:
            own.store.step(_KEYS)
            return None
        cert = split(pair)[0]
        if not own.counted:
            own.store.step(_TRY)
        own.counted = False  # what the offer wrote was the first attempt
        own.tell("on_trial", cert)
        self._present(pair)
        if not roots:
            roots = self._roots()
            floor = max(roots.created, self.trust.store.record.time_floor)
        answer = Rotation.attempt(self.trust, roots, floor)
        if isinstance(answer, Error):
            own.tell("on_error", answer)
            record.reason = _INCONCLUSIVE
            own.store.step(_FAILS)
            tell_reason(own, "on_parked")
            return None
        record.reason = _CONFIRMED
        try:
            own.store.step(_WORKS)
        except Error as error:  # a worn flash: this connection is verified all the same
            own.tell("on_error", error)
        if not own.store.record.state:
            own.tell("on_confirm", cert)
        return answer

    def _roots(self) -> Bundle:
        """Return the active bundle. Errors: NOROOTS."""
        data = self.trust.store.active()
        if not data:
            raise Error("NOROOTS", "no usable bundle")
        return Bundle(data)

    def _agree(self) -> None:
        """Go by what was flashed, and by the record if it is about that; present what serves.

        A write that fails has the record read again, so this follows whatever may write.
        """
        store = self._own.store
        digest = hash16(self._flashed)
        number = store.record.number
        if not number:
            self._rebuild()
        elif store.record.keys_hash != digest:  # others were flashed since: they count
            store.record = Record()
            store.record.number = number
            store.mirrored = False
        store.record.keys_hash = digest
        self._present(self.active())

    def _present(self, pair: bytes) -> None:
        """Let connections be made with a pair from now on."""
        identity = self.trust.identity
        identity.cert, identity.key = split(pair)

    def _rebuild(self) -> None:
        """Put a lost record together: the newest pair is a candidate, the other one serves."""
        store = self._own.store
        found = [(_begins(self._flashed), -1, b"")]
        for index in (0, 1):
            data = store.read(SLOTS[index])
            begins = _begins(data)
            if begins:
                found.append((begins, index, hash16(data)))
        found.sort()
        newest = found[-1]
        if newest[1] >= 0:
            record = store.record
            record.active = 1 - newest[1]
            for _, index, digest in found:
                if index == record.active:
                    record.active_hash = digest
            record.candidate_hash = newest[2]
            record.state = _TRIAL


def split(pair: bytes) -> "tuple[bytes, bytes]":
    """Return certificate and key of a pair. Errors: FORMAT."""
    end = element(pair, 0, len(pair))[2]
    return pair[:end], pair[end:]


def _begins(pair: bytes) -> int:
    """Return when the certificate of a pair begins, 0 for one that cannot be read."""
    try:
        return dates.validity(split(pair)[0])[0]
    except (Error, ValueError, IndexError):
        return 0
