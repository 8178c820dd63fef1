"""Ask servers what they show to which client, and inspect every chain that was shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rootlet import inspection
from rootlet.errors import InputError, TrustError
from rootlet.net import handshakes
from rootlet.net.offers import OFFERS, Offer, with_protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from rootlet.endpoint import Endpoint
    from rootlet.inspection import Inspection
    from rootlet.net.handshakes import Attempt
    from rootlet.trust_set import TrustSet

#: What a device that names no stack is taken for; as ``rootlet.verify`` does.
DEFAULT_STACK = "mbedtls"


@dataclass(frozen=True)
class Request:
    """What to ask. ``name`` "" means that of each host; ``protocols`` are further ALPN names."""

    endpoints: tuple[Endpoint, ...]
    at: datetime
    name: str = ""
    starttls: str = ""
    protocols: tuple[str, ...] = ()
    bundles: tuple[TrustSet, ...] = ()
    seconds: float = 10.0


@dataclass(frozen=True)
class Shown:
    """A chain that was shown, once, however many offers got it: DER, leaf first.

    ``inspection`` is None when it cannot be read; ``unreadable`` then says why.
    """

    number: int
    ders: tuple[bytes, ...] = field(repr=False)
    inspection: Inspection | None
    unreadable: str = ""


@dataclass(frozen=True)
class Report:
    """What one endpoint showed; ``attempts`` are in the order of the offers."""

    endpoint: Endpoint
    name: str
    offers: tuple[Offer, ...]
    attempts: tuple[Attempt, ...]
    chains: tuple[Shown, ...]

    @property
    def failure(self) -> Attempt | None:
        """The attempt that says why nothing was shown at all, None when something was."""
        if self.chains:
            return None
        ended = {one.offer: one for one in self.attempts}
        # A server that offers nothing to a client that offers everything says it best.
        return ended.get("any", self.attempts[0])

    def chain_of(self, attempt: Attempt) -> Shown:
        """Return the chain that an attempt was shown."""
        return next(one for one in self.chains if one.ders == attempt.chain)

    def objection(self, bundle: TrustSet, stack: str) -> tuple[str, str] | None:
        """Return code and reason why a client with a bundle could be refused; None when it works.

        The server chooses between the families that are offered, so each must pass.
        """
        readable = [one.inspection for one in self.chains if one.inspection]
        met = [one for one in readable if one.family in bundle.families]
        if not met:
            offered = " and ".join(sorted(bundle.families)).upper()
            return "TLSPOLICY", f"the server shows no {offered} certificate"
        answers = [row.answers[stack] for one in met for row in one.rows if row.anchors is bundle]
        return next(((one.code, one.reason) for one in answers if not one.accepted), None)


def probe(request: Request, told: Callable[[int, int, str], None]) -> list[Report]:
    """Ask, and return a report for each endpoint in the order of the request.

    ``told`` gets ``(done, total, what)``. Raises RootletError when a process does not come back;
    what a server does never raises.
    """
    targets = [_target(request, one) for one in request.endpoints]
    total = sum(len(one.offers) for one in targets)
    attempts: list[Attempt] = []
    told(0, total, "connecting")
    for attempt in handshakes.shake(targets, request.seconds):
        attempts.append(attempt)
        told(len(attempts), total, str(request.endpoints[attempt.target]))
    return [
        _report(request, target, [one for one in attempts if one.target == number], number)
        for number, target in enumerate(targets)
    ]


def _target(request: Request, endpoint: Endpoint) -> handshakes.Target:
    named = dict.fromkeys([*endpoint.protocols, *request.protocols])
    offers = (*OFFERS, *(with_protocol(one) for one in named))
    name = request.name or endpoint.host
    return handshakes.Target(endpoint.host, endpoint.port, name, request.starttls, offers)


def _report(
    request: Request, target: handshakes.Target, found: Sequence[Attempt], number: int
) -> Report:
    order = [one.id for one in target.offers]
    attempts = tuple(sorted(found, key=lambda one: order.index(one.offer)))
    chains = dict.fromkeys(one.chain for one in attempts if one.chain)
    return Report(
        request.endpoints[number],
        target.name,
        target.offers,
        attempts,
        tuple(_shown(n, ders, target.name, request) for n, ders in enumerate(chains, 1)),
    )


def _shown(number: int, ders: tuple[bytes, ...], name: str, request: Request) -> Shown:
    try:
        found = inspection.inspect(ders, name, request.at, request.bundles)
    except (InputError, TrustError) as error:
        return Shown(number, ders, None, f"{error.what}: {error.why}")
    return Shown(number, ders, found)
