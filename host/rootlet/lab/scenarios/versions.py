"""What is spoken at the port: an old TLS, only the newest, or no TLS at all."""

from __future__ import annotations

from rootlet.lab.scenarios.base import Accept, FaceScenario, Refuse, changed


class Tls10(FaceScenario):
    """The server speaks TLS 1.0 only, which RFC 8996 forbids.

    ::

        ClientHello (1.2 or newer)  ---->
                                    <----  alert protocol_version, or ServerHello (1.0)
    """

    name = "tls-1-0"
    expect = Refuse("TLSPOLICY")
    face = changed(tls_only="1.0")


class Tls13Only(FaceScenario):
    """The server speaks TLS 1.3 only (RFC 8446)."""

    name = "tls-1-3-only"
    expect = Accept()
    needs = ("tls13",)
    face = changed(tls_only="1.3")


class PlainText(FaceScenario):
    """Something else listens at the port and greets in plain text, as a mail server does.

    ::

        TCP connection  ---->
                        <----  220 mail.example.com ESMTP ready
    """

    name = "plain-text"
    expect = Refuse("PORT")
    face = changed(fault="plain:accept")
