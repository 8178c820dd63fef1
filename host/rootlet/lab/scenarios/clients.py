"""Servers that think otherwise about the client's certificate."""

from __future__ import annotations

from rootlet.lab.scenarios.base import Accept, FaceScenario, Refuse, changed


class UnknownClient(FaceScenario):
    """The server does not know the CA of the client's certificate, or the certificate.

    ::

        Certificate, ..., Finished  ---->
                                    <----  fatal alert (unknown_ca, 48)
    """

    name = "unknown-client"
    expect = Refuse("CLIENTCERT")
    face = changed(knows_client=False)


class NoClientCertificateAsked(FaceScenario):
    """The genuine server asks for no client certificate: nothing is wrong with its own.

    ::

        ClientHello  ---->
                     <----  ServerHello, Certificate, ServerHelloDone: no CertificateRequest
    """

    name = "no-client-certificate-asked"
    expect = Accept()
    face = changed(asks_client=False)
