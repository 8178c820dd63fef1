"""What a front is told: what it shows, where it leads, and how it misbehaves."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Settings:
    """The settings of one front, as they come from JSON."""

    listeners: list[tuple[int, str]]
    """File descriptors of listening TCP sockets, each with the ALPN protocol that it requires
    (RFC 7301), or nothing."""
    broker: str  #: path of the broker's Unix socket
    chains: list[tuple[str, str]]  #: certificate chain and key, paths of PEM files
    client_ca: str  #: path of the CA that signs clients, PEM
    domain: str  #: one label in front of it is the name that clients must ask for
    ciphers: str  #: suites of TLS 1.2 and older in the order of preference, OpenSSL names
    versions: tuple[str, str]  #: lowest and highest: ``1.0``, ``1.2``, ``1.3``
    asks_client: bool = True  #: whether a client certificate is asked for, and required
    knows_name: bool = True  #: whether the right name is accepted
    fault: dict[str, str] = field(default_factory=dict)  #: ``does`` and ``at`` of a fault
