"""What a board at its prompt trusts: asked and changed through the device's own code.

The format of the record, the floors and the checks are the device's: ``snippets/trust.py`` runs
there and answers in JSON. Nothing of it is known here.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from rootlet.boardio import package
from rootlet.boardio.remote import BoardExceptionError
from rootlet.errors import TrustError

if TYPE_CHECKING:
    from rootlet.boardio.remote import Remote

_CHUNK = 1024
#: Seconds without a word after which a board counts as gone: an ESP32 checks several RSA
#: signatures meanwhile.
SILENCE = 60.0
#: Exceptions of a package that has not what is asked of it, in another version or damaged.
_LACKS = ("ImportError", "AttributeError", "TypeError", "KeyError", "ValueError: incompatible")
#: What ``status`` tells; docs/rotation.md.
_STATUS = (
    "attempts", "floor", "free", "keys", "last_bad", "next_try", "reason", "slots",
    "state", "time_floor", "writes",
)  # fmt: skip


def status(board: Remote) -> dict[str, Any]:
    """Return what ``rootlet rotate status`` shows; docs/rotation.md names the fields."""
    _load(board)
    found = _ask(board, "_status()", "the board cannot tell what it trusts")
    if lacking := [name for name in _STATUS if name not in found]:
        raise package.unfit(board, f"its status does not tell {', '.join(lacking)}")
    return found


def active(board: Remote) -> bytes:
    """Return the bundle that the board connects with, empty where it has none."""
    _load(board)
    answer = _ask(board, "_active()", "the board cannot tell what it trusts")
    return base64.b64decode(answer["data"])


def offer(board: Remote, data: bytes, silence: float = SILENCE) -> dict[str, Any]:
    """Offer a signed file; return whether it was ``new``, and the ``state`` then.

    Raises TrustError with the device's code when it refuses.
    """
    _send(board, data)
    return _ask(board, "_offer()", "the board refuses it", silence)


def renew(board: Remote, certificate: bytes, key: bytes) -> dict[str, Any]:
    """Give a board its next certificate and key, DER, or with neither ask for its present ones.

    Return whether they were ``new``, the ``state`` and its ``reason``, and the SHA-256 of the
    ``active`` certificate and of the ``previous`` one. Raises TrustError when the board refuses.
    """
    _send(board, certificate + key)
    return _ask(board, f"_renew({len(certificate)})", "the board refuses the certificate")


def look(board: Remote) -> dict[str, Any]:
    """Return what flashing must know, empty for a board without the device package.

    ``kept``: there is state of a rotation; ``keys``: version of the key set in force, 0 for
    none; ``floor``; ``slot``: 0 or 1, the active one; ``settled``: the record means slot 0.
    """
    board.snippet("look")
    return _run(board, "_look()")


def factory_keys(board: Remote) -> str:
    """Return the SHA-256 in hex of the key set that the board was shipped with, or nothing."""
    _load(board)
    return str(_run(board, "_factory_keys()")["sha256"])


def judge(board: Remote, data: bytes, *, reset: bool) -> None:
    """Raise TrustError when a numbered bundle is not signed for this board or below its floor."""
    _send(board, data)
    _ask(board, f"_judge({reset})", "the board would refuse this bundle")


def adopt(board: Remote, slot: int, *, reset: bool) -> None:
    """Make what is in a slot the active set, and forget any candidate; ``reset`` the floor too."""
    _ask(board, f"_adopt({slot}, {reset})", "the board cannot use this bundle")


def forget(board: Remote) -> None:
    """Remove the other slot and later key sets; the record does not name them any more."""
    _run(board, "_forget()")


def _load(board: Remote) -> None:
    board.snippet("look")
    board.snippet("trust")


def _send(board: Remote, data: bytes) -> None:
    _load(board)
    for start in range(0, len(data), _CHUNK):
        board.run(f"_take({base64.b64encode(data[start : start + _CHUNK])!r})")


def _ask(board: Remote, call: str, refused: str, silence: float = SILENCE) -> dict[str, Any]:
    answer = _run(board, call, silence)
    if "code" in answer:
        raise TrustError(
            f"{board.port}: {refused}",
            why=answer["detail"],
            hint=answer["advice"],
            code=answer["code"],
        )
    return answer


def _run(board: Remote, call: str, silence: float = SILENCE) -> dict[str, Any]:
    """Run one function of the snippet, and read its answer."""
    try:
        text = board.run(call, silence=silence)
    except BoardExceptionError as error:
        if error.why.startswith(_LACKS):
            raise package.unfit(board, error.why) from error
        raise
    answer: dict[str, Any] = board.parse(text, dict)
    return answer
