"""What a refused handshake told of the server: more words for people, and one cause of its own."""

from __future__ import annotations

from typing import Any

from rootlet import path
from rootlet.errors import RootletError

#: Who signed the legacy iot:Data endpoints, until browsers distrusted it in 2018.
_LEGACY = ("VeriSign", "Symantec")
_NAMES = 4  # how many names of a certificate to show


def explain(told: dict[str, Any], trusted: str) -> tuple[str, str]:
    """Return code and cause; ``trusted`` names the bundle's anchors.

    A chain that ends at VeriSign is ENDPOINT: it is the one that iot:Data endpoints have.
    """
    code, why = str(told["code"]), str(told["detail"])
    if code == "ROOT" and any(name in why for name in _LEGACY):
        return "ENDPOINT", why
    if code in ("ROOT", "FAMILY"):
        return code, f"{why}; the bundle holds {trusted}"
    leaf = _leaf(str(told.get("leaf", "")))
    if leaf is None:
        return code, why
    if code == "NAME":
        shown = ", ".join((leaf.dns or leaf.common_names)[:_NAMES])
        return code, f"{why}; the certificate is for {shown}"
    if code in ("CLOCK", "EXPIRED"):
        dates = f"{leaf.not_before:%Y-%m-%d} to {leaf.not_after:%Y-%m-%d}"
        return code, f"{why}; the server's certificate is valid from {dates}"
    return code, why


def _leaf(text: str) -> path.Link | None:
    try:
        return path.read(bytes.fromhex(text), "the server's certificate") if text else None
    except (RootletError, ValueError):  # it comes from a server that was refused
        return None
