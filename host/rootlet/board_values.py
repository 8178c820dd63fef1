"""What a value in a board file must be: one small reader per kind.

A reader takes what TOML gave and returns the checked value, or raises ValueError whose text
completes the sentence "wants ...".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_BYTES = 2**40


@dataclass(frozen=True)
class Kind:
    """How a value is read, the unit that it is shown with, and what it may be, for people."""

    read: Callable[[object], Any]
    unit: str
    means: str


def printable(text: object, limit: int) -> bool:
    """Whether this is a text of 1 to ``limit`` printable characters (no escapes, no lines)."""
    return isinstance(text, str) and 0 < len(text.strip()) <= limit and text.isprintable()


def _number(low: int, high: int, unit: str) -> Kind:
    means = f"a whole number from {low} to {high}"

    def read(value: object) -> int:
        if type(value) is not int or not low <= value <= high:  # bool is an int, not here
            raise ValueError(means)
        return value

    return Kind(read, unit, means)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(FLAG.means)  # noqa: TRY004 - one error type for all readers
    return value


def _word(value: object) -> str:
    if not isinstance(value, str) or not printable(value, 80):
        raise ValueError(WORD.means)
    return value


def one_of(*words: str) -> Kind:
    """Return the kind of a value that is one of these words."""
    means = "one of: " + ", ".join(words)

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(means)
        return value

    return Kind(read, "", means)


def some_of(*words: str) -> Kind:
    """Return the kind of a list of some of these words; it is read in the order given here."""
    means = "a list of one or more, each once, out of: " + ", ".join(words)

    def read(value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise ValueError(means)
        if not value or len(set(value)) != len(value) or not set(value) <= set(words):
            raise ValueError(means)
        return tuple(word for word in words if word in value)

    return Kind(read, "", means)


BYTES = _number(1, _MAX_BYTES, "B")
ADDRESS = _number(0, 0xFFFF_FFFF, "B")
CHIP_ID = _number(0, 0xFFFE, "")
SMALL = _number(1, 255, "")
YEAR = _number(1970, 2200, "")
FLAG = Kind(_flag, "", "true or false")
WORD = Kind(_word, "", "a text of 1 to 80 printable characters")
