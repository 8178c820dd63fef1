"""Every shape that a server may send its chain in; a path is there or it is not."""

from __future__ import annotations

from rootlet.lab.scenarios.base import Accept, Bundle, FaceScenario, Refuse, changed


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


class CrossTailOnly(FaceScenario):
    """The last certificate leads nowhere: the link between it and the rest is missing.

    ::

        leaf <- issuing CA ...gap... Starfield G2 by Starfield Class 2

    The path to Amazon Root CA 3 is whole. A verifier that looks at the last certificate alone
    (ESP-IDF's bundle up to 5.5) or at each one (wolfSSL) refuses it; TLS asks for neither
    (RFC 8446 section 4.4.2: extra certificates are to be tolerated).
    """

    name = "cross-tail-only"
    expect = Accept()
    face = changed(shape="cross-tail")


class ShuffledChain(FaceScenario):
    """The chain is whole but out of order, as RFC 8446 section 4.4.2 wants it tolerated.

    ::

        sent: leaf, Starfield G2 by Class 2, Amazon Root CA 3 by Starfield G2, issuing CA
    """

    name = "shuffled-chain"
    expect = Accept()
    face = changed(shape="shuffled")


class ExtraCertificate(FaceScenario):
    """A certificate that belongs to nothing stands behind the leaf.

    ::

        sent: leaf, a leaf of example.com, issuing CA, Amazon Root CA 3 by Starfield G2
    """

    name = "extra-certificate"
    expect = Accept()
    face = changed(shape="extra")


class BigChain(FaceScenario):
    """Thirteen certificates in one message of 12 to 16 KB.

    ::

        leaf <- issuing CA <- Amazon Root CA 3 by Starfield G2, ten cross-signs of Root CA 1
    """

    name = "big-chain"
    expect = Accept()
    needs = ("memory",)
    face = changed(shape="big")


class CrossSigned(FaceScenario):
    """The device has Starfield G2 only, and the server sends the cross-sign that leads there.

    ::

        leaf <- issuing CA <- Amazon Root CA 3 by Starfield G2      device: Starfield G2
    """

    name = "cross-signed"
    expect = Accept()
    bundle = Bundle(("starfield-g2",))


class CrossSignMissing(FaceScenario):
    """The device has Starfield G2 only, and the server sends no cross-sign.

    ::

        leaf <- issuing CA (by Amazon Root CA 1)                    device: Starfield G2
    """

    name = "cross-sign-missing"
    expect = Refuse("ROOT")
    bundle = Bundle(("starfield-g2",))
    face = changed(shape="2", preference="prefer-rsa")
