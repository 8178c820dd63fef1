"""The upper rungs, the same for a board and a gateway: from the name to a message that stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from rootlet.doctor import server

if TYPE_CHECKING:
    from rootlet.doctor.kit import Kit
    from rootlet.doctor.ladder import Step
    from rootlet.errors import RootletError


#: Seconds that a connection is held: a client that was thrown out comes back within a few.
HELD = 5


class Connected(Protocol):
    """Who climbs: something on which the functions of ``snippets/reach.py`` can be called."""

    kit: Kit

    @property
    def topic(self) -> str:
        """What is published to and subscribed."""

    def reach(self, function: str, *arguments: object) -> dict[str, Any]:
        """Call a function and return what it tells."""


def tls(patient: Connected) -> str:
    """Shake hands with our roots, and nothing more."""
    told = patient.reach("handshake")
    if "code" in told:
        code, why = server.explain(told, patient.kit.trusted())
        raise patient.kit.fail(code, why)
    return (
        f"{told['protocol']}, {told['suite']}, verified up to {patient.kit.anchor(told['anchor'])}"
    )


def mqtt(patient: Connected) -> str:
    """Connect as the thing: CONNECT, and CONNACK 0."""
    connect(patient)
    return f"CONNACK 0 for client id {patient.kit.thing}"


def connect(patient: Connected) -> None:
    """Open the connection that the next steps use. Raises RootletError."""
    told = patient.reach("connect")
    if "code" in told:
        raise patient.kit.fail(told["code"], told["detail"])


def publish(patient: Connected) -> str:
    """Publish one message with QoS 1."""
    _try(patient, "publish", "iot:Publish on topic")
    return f"acknowledged on {patient.topic}"


def subscribe(patient: Connected) -> str:
    """Subscribe to the same topic."""
    _try(patient, "subscribe", "iot:Subscribe on topicfilter")
    return f"acknowledged on {patient.topic}"


def _try(patient: Connected, function: str, action: str) -> None:
    """Do it; when the connection ends at it, find out whether it ends without it too."""
    told = patient.reach(function, patient.topic)
    if "dropped" not in told:
        return
    connect(patient)
    if "dropped" in patient.reach("stay", HELD):
        raise _taken_over(patient)
    raise patient.kit.fail(
        "TOPIC",
        f"the connection ended at this {function} ({told['dropped']}), and stays without it",
        f"allow {action}/{patient.topic}, or name another topic: --topic",
    )


def stay(patient: Connected) -> str:
    """Hold the connection for some seconds: a second client with the same id would end it."""
    if "dropped" not in patient.reach("stay", HELD):
        patient.reach("leave")
        return "the connection stays"
    connect(patient)
    if "dropped" in patient.reach("stay", HELD):
        raise _taken_over(patient)
    patient.reach("leave")
    return "the connection ended once and then stayed: a weak link?"


def _taken_over(patient: Connected) -> RootletError:
    return patient.kit.fail(
        "CLIENTID",
        f"nothing was refused, yet two connections of {patient.kit.thing} were ended within "
        "seconds: a server does that to the older one when a second comes with its id",
    )


#: The rungs that both ladders end with.
STEPS: tuple[Step[Connected], ...] = (
    ("tls", tls),
    ("mqtt", mqtt),
    ("publish", publish),
    ("subscribe", subscribe),
    ("stays", stay),
)
