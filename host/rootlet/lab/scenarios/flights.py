"""Connections that end or fall silent, one per flight of the handshake (RFC 5246 section 7.3).

::

    client                                     server
    TCP connection                  ---->                      accept
    ClientHello                     ---->                      hello
                                    <----  ServerHello,
                                           Certificate, ...    certificate: half of it
    Certificate, ..., Finished      ---->                      finished
                                    <----  Finished
    CONNECT                         ---->                      connack

An end before the server's certificate has been verified says nothing about anybody (NET). After
the client has shown its own, it says what a server says that does not like it (CLIENTCERT);
after TLS, that MQTT is not allowed (POLICY). A silence is the network's.
"""

from __future__ import annotations

from rootlet.lab.scenarios.base import Accept, FaceScenario, Refuse, changed


class Slow(FaceScenario):
    """The server's bytes come at 25 kbit/s, in pieces of 64."""

    name = "slow"
    expect = Accept()
    face = changed(fault="slow")


class ResetAtAccept(FaceScenario):
    """RST as soon as the connection stands."""

    name = "reset-accept"
    expect = Refuse("NET")
    face = changed(fault="reset:accept")


class ResetAtHello(FaceScenario):
    """RST in place of ServerHello."""

    name = "reset-hello"
    expect = Refuse("NET")
    face = changed(fault="reset:hello")


class ResetAtCertificate(FaceScenario):
    """RST in the middle of the server's certificates."""

    name = "reset-certificate"
    expect = Refuse("NET")
    face = changed(fault="reset:certificate")


class ResetAtFinished(FaceScenario):
    """RST after the client has shown its certificate, in place of the server's Finished.

    TLS 1.2 only: in TLS 1.3 the server's Finished is in its first flight (RFC 8446 section 2).
    """

    name = "reset-finished"
    expect = Refuse("CLIENTCERT")
    face = changed(fault="reset:finished", tls13=False)


class ResetAtConnack(FaceScenario):
    """RST in place of CONNACK."""

    name = "reset-connack"
    expect = Refuse("POLICY")
    face = changed(fault="reset:connack")


class StallAtAccept(FaceScenario):
    """The connection stands and nothing comes."""

    name = "stall-accept"
    expect = Refuse("NET")
    face = changed(fault="stall:accept")


class StallAtHello(FaceScenario):
    """Nothing comes after ClientHello."""

    name = "stall-hello"
    expect = Refuse("NET")
    face = changed(fault="stall:hello")


class StallAtCertificate(FaceScenario):
    """Half of the server's certificates come, and nothing after that."""

    name = "stall-certificate"
    expect = Refuse("NET")
    face = changed(fault="stall:certificate")


class StallAtFinished(FaceScenario):
    """The server's Finished does not come.

    TLS 1.2 only: in TLS 1.3 the server's Finished is in its first flight (RFC 8446 section 2).
    """

    name = "stall-finished"
    expect = Refuse("NET")
    face = changed(fault="stall:finished", tls13=False)


class StallAtConnack(FaceScenario):
    """CONNACK does not come, and the connection stands.

    Two codes are right: a network that was lost and a broker that ignores the client look alike.
    """

    name = "stall-connack"
    expect = Refuse("NET", "POLICY")
    face = changed(fault="stall:connack")


class ConnackLost(FaceScenario):
    """The server closes in place of CONNACK: how AWS IoT refuses what a policy does not allow."""

    name = "connack-lost"
    expect = Refuse("POLICY")
    face = changed(fault="close:connack")


class ConnackFive(FaceScenario):
    """CONNACK with return code 5, not authorized (MQTT 3.1.1 section 3.2.2.3)."""

    name = "connack-5"
    expect = Refuse("POLICY")
    face = changed(fault="refuse:connack")
