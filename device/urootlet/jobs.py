"""Rotation by AWS IoT Jobs over MQTT; docs/jobs.md explains it.

What must outlast a reset is in the device's record and in the job's ``statusDetails``, so a job
goes on with whichever connection comes next:

1. ``$next/get`` asks what is to do, without its document, which may be large.
2. An update says IN_PROGRESS, which attempt this is, and asks for the document. So one that this
   device cannot even read is given up after three attempts instead of being asked for for ever.
3. Of the document only the signed bytes count. They are an offer like any other.
4. A new candidate is noted by its hash and tried with the next connection, and there the job
   ends: SUCCEEDED over the connection that the new set made, or FAILED when it is parked.

Whatever else happens (a refusal, no answer, a cancelled job) leads back to step 1, after a pause
that grows. The rotation itself never waits for an answer. Sources: AWS IoT developer guide, "Jobs
device MQTT API"; the botocore model ``iot-jobs-data``.
"""

import binascii
import json

from . import clock
from .bundle import Bundle
from .errors import Error, const
from .release import VERSION
from .store import hash16

_TYPING = const(0)
if _TYPING:
    from collections.abc import Callable
    from typing import Any

    from .rotation import Rotation

# What is asked for: nothing; what to do; the document; that a status is taken; the same before a
# trial, which the program starts by connecting again.
_TO_READ = const(1)
_TO_FETCH = const(2)
_TO_TELL = const(3)
_TO_TRY = const(4)

_PARKED = const(2)  # urootlet.store
_MAX_MESSAGE = const(36864)  # a document has 32,768 characters at most, the rest is around it
_MAX_FILE = const(8192)  # base64 of a key set, the longest of the two
_MAX_ID = const(64)  # characters of a job's name
_MAX_VERSION = const(1073741824)
_MAX_KEY_SETS = const(8)  # rule 11: as many at once as recovery takes
_DOUBLINGS = const(8)  # of the pause, to 256 s and as much again by device
_LONGEST = const(512)  # no pause and no time-out is longer
_DAY = const(86400)

#: What :meth:`urootlet.rotation.Rotation.offer` refuses for good, and the reason to tell.
_REJECTED = {
    "SIGNATURE": "sig",
    "NOKEYS": "sig",
    "FORMAT": "fmt",
    "NOROOTS": "fmt",
    "SEQUENCE": "old",
    "TARGET": "target",
}
#: Refusals (RejectedError.code) after which it is worth asking again; others are faults of ours.
_AGAIN = const(
    "VersionMismatch InvalidStateTransition TerminalStateReached ResourceNotFound "
    "RequestThrottled InternalError"
)


class Jobs:
    """The jobs of one connection, which :meth:`Rotation.connect` has just made.

    With a ``client`` that has the methods of ``umqtt.simple`` it subscribes at once and
    :meth:`poll` does the rest; ``other`` gets ``(topic, message)`` of what is not about jobs.
    Without one, the program subscribes to ``filters``, hands each message to :meth:`heard`,
    publishes what :meth:`due` returns, and connects again when ``ready``.
    Raises TOPIC when the server takes no subscription.
    """

    # What to publish next, and the execution that it is about.
    _topic: bytes
    _members: "dict[str, Any]"
    _version: "Any"
    _details: "dict[str, str]"

    def __init__(
        self,
        rotation: "Rotation",
        client: "Any" = None,
        other: "Callable[[bytes, bytes], Any] | None" = None,
    ) -> None:
        self._rotation = rotation
        self._client = client
        self._other = other
        thing = b"$aws/things/" + rotation.identity.config.thing.encode()
        self._shadow: "bytes | None" = thing + b"/shadow/name/rootlet/update"
        self._prefix = thing = thing + b"/jobs/"
        self.filters = (thing + b"notify", thing + b"+/+/+")
        # Only what has made this connection may be told as confirmed over it.
        self._proven = _hex(rotation.store.record.active_hash)
        # A trial that is due already could not be made; a day of this connection is long enough.
        self._late = clock.now() * self._parked()
        self._news = self._waits = self._staged = False
        self._tries = self._token = self._until = 0
        self._read()
        if client is not None:
            client.set_callback(self.heard)
            try:
                for one in self.filters:
                    client.subscribe(one, 1)
            except Exception as error:  # noqa: BLE001 - clients raise anything
                raise Error("TOPIC", repr(error))

    def poll(self) -> bool:
        """Take a message, send what is due; tell whether to connect again, to try a candidate.

        OSError: the connection is lost.
        """
        try:
            self._client.check_msg()
        except MemoryError:  # the rest of that message is still on its way
            raise OSError("no memory")
        message = self.due()
        if message:
            self._client.publish(*message)
        return self.ready

    @property
    def ready(self) -> bool:
        """Whether the program is to connect again, because a candidate is to be tried."""
        if self._staged:
            return self._kind != _TO_TRY
        return self._parked() and not 0 <= clock.now() - self._late < _DAY

    @property
    def busy(self) -> bool:
        """Whether something is to be sent or answered: a device that sleeps waits for it."""
        return bool(self._shadow or self._kind)

    def due(self) -> "tuple[bytes, bytes] | None":
        """Return the ``(topic, message)`` to publish now, or ``None``. QoS 0 is enough."""
        topic = self._shadow
        members: "dict[str, Any]"
        if topic:
            self._shadow = None
            members = {"state": {"reported": self._report()}}
        else:
            # A clock that was set back is no reason to wait longer.
            if not self._kind or self.ready or 0 < self._until - clock.now() <= _LONGEST:
                return None
            if self._waits:
                self._again()
                return None
            self._waits = True
            self._until = clock.now() + self._rotation.identity.config.timeout
            topic = self._topic
            members = self._members
            self._token += 1
            members["clientToken"] = str(self._token)
        return topic, json.dumps(members).encode()

    def heard(self, topic: bytes, message: bytes) -> bool:
        """Take a message; tell whether it was about jobs."""
        if not topic.startswith(self._prefix):
            if self._other:
                self._other(topic, message)
            return False
        if topic == self.filters[0]:
            if not self._kind:
                self._read()
            elif self._waits:
                self._news = True
            return True
        answer = _parse(message)
        # An answer that came too late has another token.
        if self._waits and answer.get("clientToken") == str(self._token):
            self._waits = False
            if topic.endswith(b"/accepted"):
                self._took(answer)
            elif str(answer.get("code")) in _AGAIN:
                self._again()
            else:
                self._rest()
        return True

    def _took(self, answer: "dict[str, Any]") -> None:
        """Go on after what was asked for is there, or done."""
        if self._kind == _TO_READ:
            self._rest()
            self._next(answer.get("execution"))
            return
        self._tries = 0
        if self._kind == _TO_FETCH:
            self._version += 1
            self._open(answer.get("jobDocument"))
        else:
            self._read()

    def _read(self) -> None:
        """Ask what is to do."""
        self._kind = _TO_READ
        self._news = False
        self._topic = self._prefix + b"$next/get"
        self._members = {"includeJobDocument": False}
        self._until = 0

    def _again(self) -> None:
        """Ask what is to do, after a pause that grows and differs by device."""
        self._read()
        self._waits = False
        self._tries = min(self._tries + 1, _DOUBLINGS)
        pause = 1 << self._tries
        self._until = clock.now() + pause + binascii.crc32(self._prefix) % pause

    def _rest(self) -> None:
        """Wait for a notice, unless one has come meanwhile."""
        self._kind = 0
        if self._news:
            self._read()

    def _next(self, found: "Any") -> None:
        """Begin or continue an execution, as far as record and details say it is."""
        if not isinstance(found, dict) or not _is_execution(found):
            self._tries = 0
            return
        self._topic = self._prefix + found["jobId"].encode() + b"/update"
        self._version = found["versionNumber"]
        details = found.get("statusDetails")
        if not isinstance(details, dict):
            details = {}
        bundle = str(details.get("bundle"))[:16]
        self._details = {"bundle": bundle, "sequence": str(details.get("sequence"))[:10]}
        record = self._rotation.store.record
        attempts = "123".find(str(details.get("attempts"))) + 1
        if bundle == self._proven:
            self._end("SUCCEEDED", "confirmed")
        elif record.state and bundle == _hex(record.candidate_hash):
            self._end("FAILED", "parked" if record.state == _PARKED else "untried")
        elif bundle == _hex(record.last_bad):
            self._end("REJECTED", "bad")
        elif attempts == 3:
            self._end("FAILED", "unread")
        else:
            self._details = {}
            self._tell(_TO_FETCH, "IN_PROGRESS", "get", attempts + 1)
            self._members["includeJobDocument"] = True

    def _open(self, document: "Any") -> None:
        """Offer what is in a document, and tell what came of it."""
        record = self._rotation.store.record
        try:
            bundle = self._offer(document)
        except Error as error:
            self._rotation.tell("on_error", error)
            self._details["detail"] = str(error)
            code = error.code
            if code == "SEQUENCE" and error.detail == "enough for today":
                code = "BUSY"
            reason = _REJECTED.get(code)
            self._end("REJECTED" if reason else "FAILED", reason or code.lower())
        except MemoryError:
            self._end("FAILED", "heap")
        else:
            self._details["bundle"] = bundle
            if bundle == self._proven:
                self._end("SUCCEEDED", "already")
            elif record.state == _PARKED:
                self._end("FAILED", "parked")
            else:
                self._staged = True
                self._tell(_TO_TRY, "IN_PROGRESS", "trial", record.attempts)

    def _offer(self, document: "Any") -> str:
        """Offer the key sets and the bundle of a document; return the bundle's hash."""
        if not isinstance(document, dict) or document.get("rootlet") != 1:
            raise Error("FORMAT", "job document")
        sets = document.get("keys", [])
        if not isinstance(sets, list):
            raise Error("FORMAT", "keys")
        for one in sets[:_MAX_KEY_SETS]:
            try:
                self._rotation.offer(_decode(one))
            except Error as error:
                if error.code != "SEQUENCE":  # one that this device has left behind
                    raise
        data = _decode(document.get("bundle"))
        self._details["sequence"] = str(Bundle(data).sequence)
        self._rotation.offer(data)
        return _hex(hash16(data))

    def _end(self, status: str, reason: str) -> None:
        self._details["reason"] = reason
        attempts = 0
        if reason == "parked":
            attempts = self._rotation.store.record.backoff
            self._details["detail"] = self._rotation.status()["reason"]
        self._tell(_TO_TELL, status, "done", attempts)

    def _tell(self, kind: int, status: str, phase: str, attempts: int) -> None:
        """Prepare an update of the execution."""
        self._kind = kind
        self._until = 0
        self._details["phase"] = phase
        self._details["attempts"] = str(attempts)
        self._members = {
            "status": status,
            "statusDetails": self._details,
            "expectedVersion": self._version,
        }

    def _report(self) -> "dict[str, Any]":
        """Return what the thing's shadow is told: what is trusted here, and what became of it."""
        found = self._rotation.status()
        return {
            "key_set": found["floor"][0],
            "sequence": found["floor"][1],
            "active": self._proven,
            "state": found["state"],
            "reason": found["reason"],
            "version": VERSION,
        }

    def _parked(self) -> bool:
        """Whether a parked candidate is to be tried again.

        Up to a quarter of its back-off later by device, or a fleet that was offered it in the same
        second would come back in the same second, each time.
        """
        record = self._rotation.store.record
        first, until = record.tried_at, record.next_try
        until += binascii.crc32(self._prefix) % ((until - first >> 2) or 1)
        return record.state == _PARKED and not first <= clock.now() < until


def _hex(digest: bytes) -> str:
    """Return the first 16 hex digits of a hash."""
    return binascii.hexlify(digest[:8]).decode()


def _parse(message: bytes) -> "dict[str, Any]":
    """Return the members of a message, none for one that is too long or no JSON object."""
    if len(message) <= _MAX_MESSAGE:
        try:
            found = json.loads(message)
            if isinstance(found, dict):
                return found
        except (ValueError, RuntimeError, MemoryError):  # RuntimeError: nested too deeply
            pass
    return {}


def _is_execution(found: "dict[str, Any]") -> bool:
    """Whether id and version are what AWS IoT gives an execution; others have no topic."""
    job, version = found.get("jobId"), found.get("versionNumber")
    return (
        isinstance(job, str)
        and 0 < len(job) <= _MAX_ID
        and all(c.isalpha() or c.isdigit() or c in "-_" for c in job)
        and isinstance(version, int)
        and 0 < version < _MAX_VERSION
    )


def _decode(text: "Any") -> bytes:
    """Return the bytes of base64; what they are worth is for their signature to say."""
    if isinstance(text, str) and len(text) <= _MAX_FILE:
        try:
            return binascii.a2b_base64(text)
        except ValueError:
            pass
    raise Error("FORMAT", "base64")
