"""From a code to an error: who must act, what is wrong in words, and what to type next."""

from __future__ import annotations

from typing import NamedTuple

from rootlet.errors import BoardError, NetworkError, RootletError, TrustError
from urootlet.advice import ADVICE


class Cause(NamedTuple):
    """``kind`` decides the exit status; ``hint`` "" means the sentence of ``urootlet.advice``.

    ``{at}`` in a hint is how to reach the same board again, ``{thing}`` its name.
    """

    kind: type[RootletError]
    what: str
    hint: str = ""


_FLASH = "rootlet flash{at} BUNDLE.rlt"

CAUSES = {
    "CLOCK": Cause(TrustError, "the clock is wrong", "rootlet doctor{at} --fix clock"),
    "ROOT": Cause(
        TrustError,
        "the bundle does not lead to this server",
        "rootlet build --board BOARD --keys both -o new.rlt, then rootlet flash{at} new.rlt",
    ),
    "FAMILY": Cause(
        TrustError,
        "the server has another kind of key than the bundle's roots",
        "rootlet build --board BOARD --keys both -o new.rlt, then rootlet flash{at} new.rlt",
    ),
    "ENDPOINT": Cause(
        TrustError,
        "the endpoint is the legacy one, under a root that is no longer trusted",
        "rootlet aws endpoint, then rootlet flash{at} BUNDLE.rlt --endpoint NAME ...",
    ),
    "NOVERIFY": Cause(TrustError, "a program does not verify the server"),
    "SNI": Cause(TrustError, "a program does not say which server it wants"),
    "FORMAT": Cause(TrustError, "a file is not usable", "rootlet doctor{at} --fix files"),
    "NOROOTS": Cause(TrustError, "there is nothing to trust", _FLASH),
    "NAME": Cause(TrustError, "the server's certificate is for another name"),
    "EXPIRED": Cause(TrustError, "a certificate has ended"),
    "CROSS": Cause(TrustError, "the chain is the tail of a cross-signed one"),
    "CLIENTCERT": Cause(
        TrustError,
        "the device's own certificate is not accepted",
        "rootlet aws certs list, where {certificate} must be there and ACTIVE",
    ),
    "TLSPOLICY": Cause(TrustError, "TLS versions or suites have nothing in common"),
    "HEAP": Cause(BoardError, "memory is too little for TLS"),
    "UMQTT": Cause(
        BoardError,
        "the board's umqtt.simple does not take what it is given",
        "mpremote connect {port} mip install umqtt.simple",
    ),
    "FIRMWARE": Cause(
        BoardError,
        "the firmware cannot do what is needed",
        "install MicroPython 1.24 or newer: https://micropython.org/download",
    ),
    "FLASH": Cause(BoardError, "the file system cannot be used"),
    "DNS": Cause(NetworkError, "the endpoint's name does not resolve"),
    "NET": Cause(NetworkError, "the endpoint cannot be reached"),
    "PORT": Cause(NetworkError, "this port does not talk MQTT over TLS"),
    "POLICY": Cause(
        NetworkError,
        "TLS is fine, MQTT was refused",
        "allow iot:Connect on client/{thing} in the policy of certificate {certificate}",
    ),
    "TOPIC": Cause(NetworkError, "the server ended the connection at this topic"),
    "CLIENTID": Cause(
        NetworkError,
        "another client uses this client id",
        "give each board a thing of its own; in CloudWatch the reason is DUPLICATE_CLIENTID",
    ),
}


def failure(code: str, why: str, *, hint: str = "", **words: str) -> RootletError:
    """Return the error of a code; ``words`` fill the placeholders of its hint.

    A code without a row here is the device's own, and trust is what it is about.
    """
    cause = CAUSES.get(code, Cause(TrustError, "the device refuses"))
    words = {"at": "", "port": "", "thing": "ID", "certificate": "ID", **words}
    found = hint or cause.hint.format(**words) or ADVICE.get(code, "")
    return cause.kind(cause.what, why=why, hint=found, code=code)
