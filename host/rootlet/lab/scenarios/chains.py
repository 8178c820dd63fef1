"""Chains that a correct client takes, in every shape that a server may send them in."""

from __future__ import annotations

from rootlet.lab.scenarios.base import Accept, FaceScenario, changed


class Honest(FaceScenario):
    """Nothing is wrong: both families, ECDSA preferred.

    ::

        leaf <- Amazon ECDSA 256 M01 <- Amazon Root CA 3 (cross-signed by Starfield G2)
    """

    name = "honest"
    expect = Accept()


class ChainOfTwo(FaceScenario):
    """The server sends the shortest chain: leaf <- issuing CA."""

    name = "chain-2"
    expect = Accept()
    face = changed(shape="2")


class ChainOfThree(FaceScenario):
    """The server adds the cross-sign: leaf <- issuing CA <- Amazon Root CA 3 by Starfield G2."""

    name = "chain-3"
    expect = Accept()
    face = changed(shape="3")


class ChainOfFour(FaceScenario):
    """The server sends all that AWS has ever sent.

    ::

        leaf <- issuing CA <- Amazon Root CA 3 by Starfield G2 <- Starfield G2 by Class 2
    """

    name = "chain-4"
    expect = Accept()
    face = changed(shape="4")
