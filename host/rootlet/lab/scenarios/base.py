"""What a scenario is: one way for the lab to behave, and what a correct client does about it."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal

from cryptography.hazmat.primitives.serialization import Encoding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from rootlet.lab.pki import Hierarchy, Validity
    from rootlet.lab.rig import Lab

#: What a scenario may ask of a client, and the words for a runner that has to say it is missing.
NEEDS = {
    "tls13": "the client offers TLS 1.3",
    "memory": "the client has 40 KB of memory for one handshake",
}


@dataclass(frozen=True)
class Accept:
    """A correct client connects: TLS, then MQTT CONNACK 0."""


@dataclass(frozen=True, init=False)
class Refuse:
    """A correct client ends the connection, or sees that the server has, and says why.

    ``codes`` are rows of ``urootlet.advice``; any one of them is right.
    """

    codes: tuple[str, ...]

    def __init__(self, *codes: str) -> None:
        object.__setattr__(self, "codes", codes)


@dataclass(frozen=True)
class Bundle:
    """What the client must hold: ids of certs/catalog.toml and the cipher profile.

    ``validity`` is that of the anchors themselves: a device may hold a root that has ended.
    """

    roots: tuple[str, ...] = ("amazon-root-ca-1", "amazon-root-ca-3")
    profile: Literal["both", "rsa", "ecdsa"] = "both"
    validity: Validity = "true"

    def anchors(self, pki: Hierarchy) -> tuple[tuple[str, bytes], ...]:
        """Return the id and the DER certificate of each root, in order."""
        made = [pki.anchor(root, self.validity) for root in self.roots]
        return tuple(
            (root, each.public_bytes(Encoding.DER))
            for root, each in zip(self.roots, made, strict=True)
        )


class Scenario(ABC):
    """One behaviour of the lab. Adding one is adding a subclass with a ``name``.

    Its docstring draws the chain or the flight; the first line says what happens. A scenario is
    a class because what is asked of a client is known before any lab runs.
    """

    name: ClassVar[str]  #: kebab-case; classes without one are only there to be inherited from
    expect: ClassVar[Accept | Refuse]
    bundle: ClassVar[Bundle] = Bundle()
    needs: ClassVar[tuple[str, ...]] = ()  #: rows of ``NEEDS``

    @abstractmethod
    def apply(self, lab: Lab) -> AbstractContextManager[None]:
        """Make a running lab misbehave inside ``with``, and put it back afterwards."""

    @classmethod
    def summary(cls) -> str:
        """Return the first line of the docstring."""
        return inspect.cleandoc(cls.__doc__ or "").partition("\n")[0]


def changed(**fields: object) -> Mapping[str, object]:
    """Return the fields of ``rootlet.lab.Face`` in which a scenario differs from the lab's own."""
    return MappingProxyType(fields)


class FaceScenario(Scenario):
    """A scenario in which only what the front shows is different."""

    face: ClassVar[Mapping[str, object]] = changed()

    def apply(self, lab: Lab) -> AbstractContextManager[None]:
        """Show another face, then the one from before."""
        return lab.showing(**self.face)
