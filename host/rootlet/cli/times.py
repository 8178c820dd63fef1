"""Times that people type."""

from __future__ import annotations

from datetime import UTC, datetime

from rootlet.errors import InputError


def moment(text: str, option: str = "--at") -> datetime:
    """Read the time of an option: ISO 8601, UTC unless it says otherwise, or Unix seconds."""
    try:
        if text.isdecimal():
            return datetime.fromtimestamp(int(text), UTC)
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(
            f"{option} {text[:40]!r} is not a time",
            why="it takes ISO 8601 or Unix seconds",
            hint=f"{option} 2038-02-01 or {option} 2038-01-19T03:14:08Z",
        ) from error
