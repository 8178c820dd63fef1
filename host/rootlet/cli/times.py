"""Times that people type."""

from __future__ import annotations

from datetime import UTC, datetime

from rootlet.errors import InputError

_LEAST_DIGITS = 9


def moment(text: str, option: str = "--at") -> datetime:
    """Read the time of an option: ISO 8601, UTC unless it says otherwise, or Unix seconds.

    Seconds have 9 digits or more (from 1973 on): 20380201 is a day of ISO 8601, 2038 nothing.
    """
    try:
        if text.isdecimal() and len(text) >= _LEAST_DIGITS:
            return datetime.fromtimestamp(int(text), UTC)
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(
            f"{option} {text[:40]!r} is not a time",
            why="it takes ISO 8601 or Unix seconds",
            hint=f"{option} 2038-02-01 or {option} 2038-01-19T03:14:08Z",
        ) from error
