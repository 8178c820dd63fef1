"""The signing options of ``rootlet build``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rootlet import bundle, files
from rootlet.errors import InputError
from urootlet import format_cpython as layout

if TYPE_CHECKING:
    from pathlib import Path

    from rootlet import signing
    from urootlet.keyset import KeySet


@dataclass(frozen=True)
class Plan:
    """What is to be signed, under which keys, by whom. ``header`` is None: not at all.

    ``after`` is when the bundle before it was created, in Unix seconds; 0 without one.
    """

    target: str
    header: bundle.Signing | None = None
    keys: KeySet | None = None
    sign_with: tuple[str, ...] = ()
    complete: bool = False
    after: int = 0


@dataclass(frozen=True)
class Made:
    """The file to write, and how far it is signed."""

    data: bytes
    header: bundle.Signing | None = None
    standing: signing.Standing | None = None

    def __str__(self) -> str:
        if self.header is None or self.standing is None:
            return "unsigned"
        signatures = f"{self.standing}" if self.standing.valid else "to be signed"
        return f"key set {self.header.key_set}, sequence {self.header.sequence}, {signatures}"

    def document(self) -> dict[str, Any]:
        """Return the fields of the JSON document."""
        return {
            "key_set": self.header.key_set if self.header else 0,
            "sequence": self.header.sequence if self.header else 0,
            "signatures": self.standing.valid if self.standing else 0,
            "signatures_needed": self.standing.needed if self.standing else None,
        }


def plan(  # noqa: PLR0913 - one argument per option
    *,
    target: str | None,
    key_set: Path | None,
    sign_with: tuple[str, ...],
    for_signing: bool,
    after: Path | None,
    retire_previous: bool,
    revoke_now: bool,
    complete: bool,
) -> Plan:
    """Read what the signing options name. Raises InputError when they contradict each other."""
    if key_set is None:
        if sign_with or for_signing or after or retire_previous or revoke_now or complete:
            raise InputError(
                "a signed bundle belongs to a key set",
                why="its version and sequence are signed along",
                hint="add --key-set keys-N.rlk, or make one: rootlet key set --help",
            )
        return Plan(target or "default")
    if bool(sign_with) == for_signing or (complete and for_signing):
        raise InputError(
            "a numbered bundle is either signed here or written for signing",
            why="with a number and without a signature it is not a bundle",
            hint="add --sign KEY.pem, or --for-signing -o FILE.tbs",
        )
    from rootlet import signing  # noqa: PLC0415 - an unsigned build pays for no signing
    from rootlet.cli import key  # noqa: PLC0415

    keys = key.load_key_set(key_set)
    if target not in (None, keys.target):
        raise InputError(
            f"the key set is for {keys.target}, not for {target}",
            hint="leave --target out",
            code="TARGET",
        )
    previous = _previous(after)
    version, sequence = signing.numbers(keys, previous)
    flags = layout.RETIRE_PREVIOUS * retire_previous | layout.REVOKE_NOW * revoke_now
    header = bundle.Signing(version, sequence, flags, max(keys.threshold, len(sign_with)))
    created = previous.created if previous else 0
    return Plan(keys.target, header, keys, sign_with, complete, created)


def _previous(path: Path | None) -> layout.Bundle | None:
    return bundle.decode(files.read(path, layout.MAX_SIZE), str(path)) if path else None


def finish(plan: Plan, data: bytes) -> Made:
    """Sign as planned, and say on standard error what is missing. Raises as the signers do."""
    if plan.header is None or plan.keys is None:
        return Made(data)
    from rootlet import signers, signing  # noqa: PLC0415 - see plan
    from rootlet.cli import key, secret  # noqa: PLC0415

    made = signing.parse(data, "the bundle")
    made = made.add(signers.sign(data, plan.sign_with, [*map(bytes, plan.keys.keys)], secret.ask))
    standing = made.standing(plan.keys)
    if plan.complete:
        signing.require([standing])
    if plan.sign_with and not standing.met:
        key.report_standings([standing])
    return Made(made.encode(), plan.header, standing)
