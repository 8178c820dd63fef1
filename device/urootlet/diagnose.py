"""From what went wrong in a connection to a code of ``urootlet.advice``. Loaded only then.

The same fault has other numbers on other builds, so what counts is the stage it came from, what
the verifier had seen by then, and only last the text or number.
"""

import socket

from .der import Certificate
from .errors import MICROPYTHON, Error, const
from .facts import common_name, family

_TYPING = const(0)
if _TYPING:
    from typing import Any

    from .bundle import Bundle
    from .session import Config
    from .tls_cpython import Context

#: Code, and what a verifier's message says then; the first line that fits. mbedTLS's words, and
#: OpenSSL's on CPython. ROOT stands for more.
_VERIFIER = """CLOCK starts in the future
EXPIRED has expired
NAME does not match with the expected
ROOT not correctly signed by the trusted CA"""
#: The same of any other TLS error: a name, or a number where only mbedTLS has it (-30336 is
#: CA_CHAIN_REQUIRED, -29184 INVALID_RECORD).
_TLS = """NOROOTS -30336
SNI server_hostname
HEAP ALLOC_FAILED
PORT -29184
TLSPOLICY HANDSHAKE_FAILURE
TLSPOLICY PROTOCOL_VERSION
TLSPOLICY NO_CIPHER
SNI UNRECOGNIZED_NAME"""
if not MICROPYTHON:
    from .diagnose_cpython import TLS, VERIFIER

    _VERIFIER += VERIFIER
    _TLS += TLS


def explain(error: Exception, bundle: "Bundle", config: "Config", context: "Context") -> Error:
    """Explain an exception of a connection that was tried with ``context``."""
    if isinstance(error, Error):
        return error
    if isinstance(error, (ImportError, TypeError)):
        return Error("UMQTT", str(error))
    if isinstance(error, MemoryError):  # wherever it was: no policy and no network
        return Error("HEAP", str(error))
    try:
        return _stage(error, bundle, config, context)
    except Error as found:
        return found


def _stage(error: Exception, bundle: "Bundle", config: "Config", context: "Context") -> Error:
    """Explain it by where it happened. Raises the Error of a setting that cannot work."""
    check_endpoint(config.endpoint)
    if context.fault is not None:
        return tls(context.fault, bundle, context)
    if MICROPYTHON and config.port == 443:
        raise Error("PORT", "443: this firmware has no ALPN")
    if context.protocol:
        return mqtt(error, context.protocol)
    resolve(config)
    return Error("NET", config.address + ": " + _last_line(str(error)))


def check_endpoint(name: str) -> None:
    """Refuse a URL, a name with a port, and the legacy iot:Data name of an AWS endpoint.

    Errors: DNS, ENDPOINT.
    """
    for char in "/: ":
        if char in name:
            raise Error("DNS", name)
    labels = name.split(".")
    legacy = len(labels) > 3 and labels[1] == "iot" and not labels[0].endswith("-ats")
    if legacy and labels[3].startswith("amazonaws"):
        raise Error("ENDPOINT", name)


def resolve(config: "Config") -> "Any":
    """Return family, ..., address to connect to, as ``getaddrinfo`` does. Errors: DNS."""
    try:
        return socket.getaddrinfo(config.address, config.port)[0]
    # ValueError: CPython cannot even encode the name. IndexError: a board found nothing.
    except (OSError, ValueError, IndexError):
        raise Error("DNS", config.address)


def tls(error: Exception, bundle: "Bundle", context: "Context") -> Error:
    """Explain an exception from the handshake."""
    text = str(error)
    number = _errno(error)
    code = _find(text, _VERIFIER)
    if isinstance(error, MemoryError) or number == 12:  # ENOMEM
        code = "HEAP"
    elif code == "ROOT":
        return _root(bundle, context)
    elif not code:
        # EPIPE, ECONNRESET, mbedTLS CONN_EOF.
        ended = _alert(text) or number in (32, 104, -29312) or "EOF" in text
        if context.leaf is not None and ended:
            # The server's chain had passed when it ended the handshake: it did not like ours.
            code = "CLIENTCERT"
        else:
            code = _find(text, _TLS) or ("TLSPOLICY" if _alert(text) else "NET")
    return Error(code, _last_line(text))


def mqtt(error: Exception, protocol: str) -> Error:
    """Explain an exception after the handshake, before CONNACK."""
    text = str(error)
    # In TLS 1.3 the client is done before the server has looked at its certificate.
    if "1.3" in protocol and _alert(text):
        return Error("CLIENTCERT", "the server ended the session")
    if isinstance(error, (OSError, IndexError)):
        text = "the server closed the connection instead of CONNACK"
    return Error("POLICY", text)


def _root(bundle: "Bundle", context: "Context") -> Error:
    """No path to an anchor: the other family, or the issuer that the chain's top names."""
    if context.leaf is not None:
        kind = family(_read(context.leaf))
        ours = [family(_read(bundle.der(index))) for index in range(len(bundle.anchors))]
        if kind and kind not in ours:
            return Error("FAMILY", "the server's key is " + kind)
    if context.top is not None:
        return Error("ROOT", _wanted(bundle, context.top))
    return Error("ROOT", "no path to an anchor")


def _wanted(bundle: "Bundle", der: bytes) -> str:
    """Say where the chain ended, and whether only the key of a root of ours was wrong."""
    top = _read(der)
    for index in range(len(bundle.anchors)):
        ours = bundle.der(index)
        start, end = _read(ours).subject
        for span in (top.subject, top.issuer):
            if der[span[0] : span[1]] == ours[start:end]:
                return "a key that is not ours uses the name " + common_name(der, span)
    return common_name(der, top.subject) + " is signed by " + common_name(der, top.issuer)


def _read(der: bytes) -> Certificate:
    return Certificate(der, 0, len(der))


def _errno(error: Exception) -> "object":
    return error.args[0] if isinstance(error, OSError) and error.args else 0


def _find(text: str, table: str) -> str:
    for line in table.split("\n"):
        code, _, part = line.partition(" ")
        if part in text:
            return code
    return ""


def _alert(text: str) -> bool:
    """Whether the peer sent an alert; -30592 is mbedTLS's FATAL_ALERT_MESSAGE."""
    return "-30592" in text or "alert" in text.lower()


def _last_line(text: str) -> str:
    return text.strip().split("\n")[-1]
