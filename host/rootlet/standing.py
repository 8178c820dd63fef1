"""What a board says of its rotation, in words: for a terminal, and for the report's page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Of the rows that ``slots`` returns.
COLUMNS = ("slot", "role", "order", "anchors", "bytes", "created", "sha256")


def slots(status: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return a row for each slot and the factory bundle; docs/rotation.md names the fields."""
    rows = [_row(one["slot"], one["role"], one["bundle"]) for one in status["slots"]]
    return [*rows, _row("factory", "", status["factory"])]


def _row(slot: str, role: str, bundle: Mapping[str, Any] | None) -> tuple[str, ...]:
    if bundle is None:
        return (slot, role or "empty", "", "", "", "", "")
    digest = bundle["sha256"][:16]
    if "fault" in bundle:
        return (slot, role or "unusable", bundle["fault"], "", str(bundle["bytes"]), "", digest)
    order = f"{bundle['key_set']}.{bundle['sequence']}" if bundle["sequence"] else "unsigned"
    sizes = (str(bundle["anchors"]), str(bundle["bytes"]))
    return (slot, role or "-", order, *sizes, _day(bundle["created"]), digest)


def facts(status: Mapping[str, Any]) -> dict[str, str]:
    """Return state, attempts, floors, keys, room and wear."""
    signers = status["signers"]
    keys = (
        f"version {status['keys']} for {status['target']}, {signers['threshold']} of "
        f"{signers['keys']} keys"
        if signers
        else "none: every offer is refused (NOKEYS)"
    )
    return {
        "state": status["state"],
        "reason": status["reason"] or "-",
        "attempts": f"{status['attempts']} without a verdict",
        "floor": "{}.{}".format(*status["floor"]),
        "time floor": _day(status["time_floor"]),
        "next try": _moment(status["next_try"]),
        "key set": keys,
        "last bad": status["last_bad"] if status["last_bad"].strip("0") else "-",
        "free": f"{status['free']:,} bytes",
        "wear": f"{status['writes']} writes of the record",
    }


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat() if seconds else "-"


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds else "-"
