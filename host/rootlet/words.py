"""Words for people: the sentences that a device has no room for, and what strangers say, tamed.

``urootlet.errors.refuse`` says ``byte 25: profile``, one word for what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SENTENCES = {
    "CA": "the anchor is not a CA",
    "anchor": "an anchor without a certificate",
    "anchors": "more than 20 anchors",
    "dates": "it ends before it was created",
    "end": "bytes are missing here, or too many",
    "flags": "flags that this version does not know",
    "keys": "no keys, or more than 5",
    "length": "a length that does not fit",
    "magic": "not a rootlet file",
    "modulus": "the key is not an odd number of 3072 bits",
    "number": "numbered but not signed, or signed but not numbered",
    "order": "twice, or out of order",
    "profile": "a cipher profile without a meaning",
    "record": "a record that runs past the records",
    "signatures": "more signatures than a file of its kind holds",
    "size": "longer than a file of its kind may be",
    "tag": "something else is expected here",
    "target": "not the name of a fleet",
    "threshold": "a threshold of none, or of more than all keys",
    "type": "another kind of rootlet file",
    "version": "a version that does not exist",
}


def sentence(detail: str) -> str:
    """Return ``byte N: WORD`` with the sentence of its word; any other detail as it is."""
    place, _, word = detail.partition(": ")
    if not place.startswith("byte ") or word not in SENTENCES:
        return detail
    return f"{place}: {SENTENCES[word]}"


def plain(text: str) -> str:
    """Return what a stranger said without what could steer a terminal or break a document."""
    return "".join(char if char.isprintable() else "?" for char in text)


def did_you_mean(name: str, known: Iterable[str], most: int = 3, cutoff: float = 0.6) -> str:
    """Return the question after a typing error, or "" when nothing known comes close."""
    import difflib  # noqa: PLC0415 - only after a typo

    close = difflib.get_close_matches(name, list(known), most, cutoff)
    return f"did you mean {' or '.join(close)}?" if close else ""
