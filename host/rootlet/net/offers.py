"""What a probe offers to a server, one row for each kind of client that it stands for.

What a client offers decides what it is shown: in TLS 1.2 the cipher suites and the signature
algorithms (RFC 5246 sections 7.4.1.4.1 and 7.4.2), in TLS 1.3 the signature algorithms alone (RFC
8446 section 4.2.3), and with both the server's name (RFC 6066 section 3) and the protocol (RFC
7301). Suites and algorithms are those that ``urootlet`` and MicroPython's boards offer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

_ECDSA_SUITES = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
_RSA_SUITES = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
_ECDSA = "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512"
_RSA = "RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512"
#: Families -> the value of SignatureAlgorithms (SSL_CONF_cmd(3)); one process for each.
SIGNATURES = {"rsa": _RSA, "ecdsa": _ECDSA, "both": f"{_ECDSA}:{_RSA}"}


@dataclass(frozen=True)
class Offer:
    """One way to shake hands.

    ``families`` is a key of ``SIGNATURES``; ``suites`` are those of TLS 1.2, OpenSSL names;
    ``alpn`` is the one protocol that is named, or nothing.
    """

    id: str
    title: str
    families: str
    lowest: str
    highest: str
    suites: str
    alpn: str = ""
    sni: bool = True


_ANY = Offer("any", "all of these", "both", "1.2", "1.3", f"{_ECDSA_SUITES}:{_RSA_SUITES}")

#: In the order in which people read them.
OFFERS = (
    Offer("tls12-rsa", "TLS 1.2, RSA only", "rsa", "1.2", "1.2", _RSA_SUITES),
    Offer("tls12-ecdsa", "TLS 1.2, ECDSA only", "ecdsa", "1.2", "1.2", _ECDSA_SUITES),
    Offer("tls13-rsa", "TLS 1.3, RSA only", "rsa", "1.3", "1.3", _RSA_SUITES),
    Offer("tls13-ecdsa", "TLS 1.3, ECDSA only", "ecdsa", "1.3", "1.3", _ECDSA_SUITES),
    _ANY,
    replace(_ANY, id="no-sni", title="all, without SNI", sni=False),
)


def with_protocol(protocol: str) -> Offer:
    """Return the offer of everything that also names a protocol, such as ``x-amzn-mqtt-ca``."""
    return replace(_ANY, id=f"alpn-{protocol}", title=f"all, ALPN {protocol}", alpn=protocol)
