"""Bundles of the phases of one fleet, with a key set whose 2 of 3 keys have signed them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from keyset_cases import key_modulus, record
from rootlet import bundle, catalog, signing
from rootlet import plan as plans
from urootlet import format_cpython as layout

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from urootlet.keyset import KeySet

CREATED = 1_790_000_000
OLD, NEW = ("amazon-root-ca-3",), ("amazon-root-ca-1",)
BOTH = (*NEW, *OLD)
TARGET = "pumps"
_RSA, _ECDSA = layout.RSA, layout.ECDSA


def _signed(message: bytes, numbers: Iterable[int]) -> list[bytes]:
    return [record(number, message) for number in numbers]


@cache
def key_set(version: int = 1, threshold: int = 2, keys: int = 3) -> KeySet:
    """Return a key set of the first test keys, signed by as many as it asks for."""
    made = signing.encode_key_set(
        TARGET, version, threshold, [key_modulus(number) for number in range(keys)]
    )
    return made.add(_signed(made.signed, range(threshold))).as_key_set()


@cache
def make(
    sequence: int,
    ids: tuple[str, ...] = BOTH,
    *,
    profile: int = _RSA | _ECDSA,
    flags: int = 0,
    version: int = 1,
    signed_by: int = 2,
    target: str = TARGET,
) -> layout.Bundle:
    """Return a bundle with these anchors of the catalogue in their full form."""
    anchors = [
        bundle.Anchor(one.der, bytes.fromhex(one.sha256))
        for one in (catalog.load().get(name) for name in ids)
    ]
    data = bundle.encode(
        anchors,
        target=target,
        profile=profile,
        created=CREATED,
        signing=bundle.Signing(version, sequence, flags, max(signed_by, 1)),
    )
    made = signing.parse(data, "the bundle")
    return made.add(_signed(data, range(signed_by))).as_bundle()


def start() -> layout.Bundle:
    """Return what the fleet has before."""
    return make(1, OLD, profile=_ECDSA)


def goal() -> layout.Bundle:
    """Return where it is to go."""
    return make(9, NEW, profile=_RSA)


@dataclass(frozen=True)
class Phases:
    """The signed bundles of the plan from ``start`` to ``goal``."""

    plan: plans.Plan
    add: layout.Bundle
    switch: layout.Bundle
    retire: layout.Bundle

    def lay_out(self, folder: Path) -> None:
        """Write plan, bundles and key sets as files."""
        (folder / "plan.json").write_bytes(self.plan.encode())
        for name in ("add", "switch", "retire"):
            (folder / f"{name}.rlt").write_bytes(bytes(getattr(self, name).data))
        (folder / "keys-1.rlk").write_bytes(bytes(key_set().data))


@cache
def phases(gate: float = 0.99) -> Phases:
    """Return the plan with its three bundles."""
    return Phases(
        plans.make(start(), goal(), gate=gate),
        make(2),
        make(3, NEW, profile=_RSA),
        make(4, NEW, profile=_RSA, flags=layout.RETIRE_PREVIOUS),
    )
