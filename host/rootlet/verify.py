"""Whether a device with a bundle would accept a chain: the bundle, the board and a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rootlet import catalog, path, pem
from rootlet.errors import InputError
from urootlet.der import Certificate
from urootlet.format_cpython import ECDSA, RSA

if TYPE_CHECKING:
    from datetime import datetime

    from rootlet.board import Board
    from urootlet.bundle import Bundle

#: What is assumed when neither a board nor a stack is named.
DEFAULT_STACK = "mbedtls"
_CURVES = {"secp256r1": "ec-p256", "secp384r1": "ec-p384"}
_FAMILIES = {RSA: "rsa", ECDSA: "ecdsa"}


@dataclass(frozen=True)
class Request:
    """What to ask. ``stack`` "" means the board's own; ``host`` "" leaves names out."""

    bundle: Bundle
    chain: tuple[path.Link, ...]
    at: datetime
    host: str = ""
    stack: str = ""
    board: Board | None = None


@dataclass(frozen=True)
class Verdict:
    """The answer, the model that gave it and whether it was only assumed.

    ``anchor`` is the catalogue's id of the anchor used, or its name; "" when none was. ``ends``
    is the first day on which something in the path ends, None without a path to an anchor.
    """

    answer: path.Answer
    model: path.Model
    assumed: bool
    anchor: str
    ends: datetime | None


def verify(request: Request) -> Verdict:
    """Answer. Raises InputError for a chain or bundle that no model can look at."""
    model = model_for(request.stack, request.board)
    anchors = read_anchors(request.bundle)
    question = path.Question(
        anchors=tuple(anchors),
        chain=request.chain,
        at=request.at,
        host=request.host,
        families=families_of(request.bundle.profile, request.board),
    )
    answer = path.verify(model, question)
    used = answer.anchor
    return Verdict(
        answer,
        model,
        assumed=not request.stack and request.board is None,
        anchor=anchors.get(used, used.title) if used else "",
        ends=min(link.not_after for link in answer.path) if used else None,
    )


def has_tiny_anchor(bundle: Bundle) -> bool:
    """Whether an anchor is in a form older than version 3, which only mbedTLS takes for a CA."""
    return any(
        Certificate(bundle.data, start + 32, end).version < 3 for start, end in bundle.anchors
    )


def model_for(stack: str, board: Board | None) -> path.Model:
    """Return the model of ``stack``, or of the board, less what the board cannot do."""
    model = path.MODELS[stack or (board.tls.stack.value if board else DEFAULT_STACK)]
    if board is None:
        return model
    tls = board.tls
    if tls.curves is not None:
        model = replace(model, curves=frozenset(_CURVES[one] for one in tls.curves.value))
    if tls.hashes is not None:
        model = replace(model, digests=model.digests & frozenset(tls.hashes.value))
    if tls.checks_dates is not None:
        model = replace(model, checks_dates=tls.checks_dates.value)
    return model


def read_chain(data: bytes, where: str) -> tuple[path.Link, ...]:
    """Read a chain as it was sent, leaf first; a certificate may be there twice.

    Raises InputError (FORMAT) for anything but 1 to ``path.MAX_CHAIN`` certificates, or when a
    CA comes first.
    """
    pem.check_size(data, where)
    ders = [data] if pem.is_binary(data) else pem.blocks(data, where)
    if len(ders) > path.MAX_CHAIN:
        raise InputError(
            f"{where}: {len(ders)} certificates",
            why=f"a chain has at most {path.MAX_CHAIN}; AWS sends 4",
            hint="give what one server sent",
            code="FORMAT",
        )
    chain = tuple(path.read(der, f"{where}, block {n}") for n, der in enumerate(ders, 1))
    if chain[0].is_ca and not all(link.is_ca for link in chain):
        raise InputError(
            f"{where}: the first certificate is {chain[0].title}, a CA",
            why="the server's own certificate comes first",
            hint="put the leaf first and leave the rest in the order in which it was sent",
            code="FORMAT",
        )
    return chain


def read_anchors(bundle: Bundle) -> dict[path.Link, str]:
    """Return each anchor as it would be loaded, with the catalogue's id or its name."""
    known = catalog.load()
    anchors: dict[path.Link, str] = {}
    for index in range(len(bundle.anchors)):
        link = path.read(bundle.der(index), f"anchor {index}")
        named = known.by_sha256(bundle.original(index).hex())
        anchors[link] = named.id if named else link.title
    return anchors


def families_of(profile: int, board: Board | None = None) -> frozenset[str]:
    """Return the key families that a cipher profile offers, on a board that may do fewer."""
    offered = frozenset(name for mask, name in _FAMILIES.items() if profile & mask)
    return offered if board is None else offered & frozenset(board.tls.families.value)
