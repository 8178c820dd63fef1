"""What an operator wants to know of a rotation, in words. Loaded when somebody asks."""

from .errors import const
from .store import SLOTS

_TYPING = const(0)
if _TYPING:
    from typing import Any

    from .rotation import Rotation
    from .store import Record

#: Reasons of the last change, by their number in the record.
REASONS = (
    "",
    "confirmed",
    "parked: only the old set works",
    "parked: inconclusive",
    "spent",
    "bad",
    "keys",
)


def status(record: "Record") -> "dict[str, Any]":
    """Return what a record says; nothing secret."""
    return {
        "state": ("idle", "trial", "parked", "revoke")[record.state],
        "active": SLOTS[record.active],
        "floor": record.floor,
        "keys": record.keys,
        "attempts": record.attempts,
        "next_try": record.next_try,
        "time_floor": record.time_floor,
        "reason": REASONS[record.reason],
        "writes": record.number,
        "last_bad": record.last_bad,
    }


def tell_reason(rotation: "Rotation", name: str) -> None:
    """Call a hook with the reason of the last change in words."""
    rotation.tell(name, REASONS[rotation.store.record.reason])
