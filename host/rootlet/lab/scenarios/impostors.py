"""Servers that are not the one: another root, a copied root, another name, no name at all."""

from __future__ import annotations

from rootlet.lab.scenarios.base import FaceScenario, Refuse, changed


class WrongRoot(FaceScenario):
    """Somebody in between answers with a root of their own, as a company's filter does.

    ::

        leaf for the right name <- Example Filter Root (sent along)
    """

    name = "wrong-root"
    expect = Refuse("ROOT")
    face = changed(root="proxy")


class LookalikeRoot(FaceScenario):
    """An attacker has copied every name and every key identifier; the keys are his own.

    ::

        leaf <- Amazon ECDSA 256 M01 (his) <- Amazon Root CA 3 (his) by Starfield G2 (his)
    """

    name = "lookalike-root"
    expect = Refuse("ROOT")
    face = changed(root="lookalike")


class WrongHost(FaceScenario):
    """A genuine chain for another region: *.iot.us-east-1.amazonaws.com.

    ::

        leaf (other name) <- Amazon ECDSA 256 M01 <- Amazon Root CA 3
    """

    name = "wrong-host"
    expect = Refuse("NAME")
    face = changed(leaf_domain="iot.us-east-1.amazonaws.com")


class NoSni(FaceScenario):
    """The server acts as if no name had been sent: alert unrecognized_name (RFC 6066 section 3).

    ::

        ClientHello  ---->
                     <----  fatal alert 112

    Two codes are right: mbedTLS tells of a fatal alert but not of which.
    """

    name = "no-sni"
    expect = Refuse("SNI", "TLSPOLICY")
    face = changed(knows_name=False)
