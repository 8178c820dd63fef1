"""The files of a board: package, settings, bundle, certificate and key; what each is, and fits."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_der_x509_certificate

from rootlet import __version__, pem
from rootlet.boardio import package, trust
from rootlet.boardio.remote import BoardExceptionError
from rootlet.doctor.kit import settings_of
from rootlet.errors import InputError
from urootlet.format_cpython import BUNDLE_FILE as BUNDLE
from urootlet.format_cpython import CERTIFICATE_FILE as CERTIFICATE
from urootlet.format_cpython import KEY_FILE as KEY
from urootlet.format_cpython import SETTINGS_FILE as SETTINGS
from urootlet.store import SLOTS

if TYPE_CHECKING:
    from rootlet.doctor.board import Board

#: What each file of an identity is to be, in the words of ``snippets/checkup.py``.
_KINDS = {CERTIFICATE: "a certificate", KEY: "a private key"}


def look(board: Board) -> str:
    """Look at every file, and note in ``board.kit`` what they say."""
    other = _package(board)
    values = settings(board)
    board.slot = _slot(board)
    kit = board.kit
    kit.values = values
    kit.check_settings()
    _bundle(board)
    notes = _identity(board)
    return "; ".join([f"{board.slot} holds {kit.trusted()}", *notes, *other])


def _package(board: Board) -> list[str]:
    """Return a note where the package is of another version. Raises FORMAT if it does not load."""
    found, words = board.ask("package")
    found = package.printable(found)
    name = f"the device package {found}" if found else "the device package"
    needed = f", and this rootlet has {__version__}" if found not in ("", __version__) else ""
    if words:
        raise board.kit.fail("FORMAT", f"{name} cannot be loaded: {words}{needed}")
    return [f"{name} is another one{needed}: rootlet flash{board.kit.at} BUNDLE"] if needed else []


def settings(board: Board) -> dict[str, Any]:
    """Return the board's settings, and what was asked for instead. Raises FORMAT."""
    data = board.read(SETTINGS)
    if data is None:
        raise board.kit.fail("FORMAT", f"{SETTINGS} is missing")
    try:
        values = json.loads(data)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise board.kit.fail("FORMAT", f"{SETTINGS} is no JSON object")
    request = board.request
    return settings_of(
        values,
        endpoint=request.endpoint,
        thing=request.thing,
        address=request.address,
        port=request.mqtt_port,
    )


def _slot(board: Board) -> str:
    """Return the file with the bundle that the device goes by: a rotation may have moved it."""
    try:
        known = trust.look(board.remote)
    except BoardExceptionError as error:
        raise board.raised(error) from error
    return SLOTS[known["slot"]] if known.get("kept") else BUNDLE


def _bundle(board: Board) -> None:
    kit, wanted = board.kit, board.request.bundle
    data = board.read(board.slot)
    kit.bundle_data = data or b""
    if wanted and data and data != wanted:
        raise kit.fail("FORMAT", f"{board.slot} is not the bundle that --bundle names")
    refused = board.ask("loads_anchors", board.slot, [(s + 32, e) for s, e in kit.bundle.anchors])
    if refused:
        why = f"this firmware cannot load anchor {refused[0]} of {board.slot}: {refused[1]}"
        raise kit.fail("FORMAT", why, "build the bundle with another --form")


def _identity(board: Board) -> list[str]:
    """Look at certificate and key; return what is worth a note."""
    notes = []
    for name, wanted in _KINDS.items():
        kind = board.ask("kind", name)
        if kind not in (wanted, f"PEM of {wanted}"):
            raise board.kit.fail("FORMAT", f"{name} is {kind}, not {wanted} (DER)")
        if kind != wanted:
            notes.append(f"{name} is PEM, which not every firmware takes")
    words = board.ask("loads", CERTIFICATE, KEY)
    if words:
        raise board.kit.fail("FORMAT", f"this firmware refuses the identity: {words}")
    data = board.read(CERTIFICATE) or b""
    try:
        board.kit.cert = data if pem.is_binary(data) else pem.blocks(data, CERTIFICATE)[0]
    except InputError as error:
        raise board.kit.fail("FORMAT", f"{error.what}: {error.why}") from error
    return notes


def pair(board: Board) -> str:
    """Look whether the key on the board is the certificate's; the key stays where it is."""
    kit = board.kit
    found = kit.certificate(time.time())
    held = board.ask("holds", KEY, [base64.b64encode(m).decode() for m in _marks(found.der)])
    if held == "another":
        hint = f"rootlet doctor{kit.at} --fix files --cert FILE --key FILE"
        raise kit.fail("CLIENTCERT", "the key belongs to another certificate", hint)
    belongs = "the key belongs to" if held == "this" else "the key does not say whether it is of"
    return f"{belongs} {found.subject}, {found.key}, valid until {found.not_after:%Y-%m-%d}"


def _marks(certificate: bytes) -> list[bytes]:
    """Return the bytes that a key file of this certificate holds: a point, or a modulus."""
    key = load_der_x509_certificate(certificate).public_key()
    if isinstance(key, RSAPublicKey):
        numbers = key.public_numbers()
        return [numbers.n.to_bytes((key.key_size + 7) // 8, "big")]
    if isinstance(key, EllipticCurvePublicKey):
        return [key.public_bytes(form.Encoding.X962, form.PublicFormat.UncompressedPoint)]
    return []
