"""What the front shows to a client: chains, families, versions, and what it does wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rootlet.lab.authorities import ISSUING

if TYPE_CHECKING:
    from rootlet.lab.pki import Shape, Validity

Preference = Literal["prefer-ecdsa", "prefer-rsa", "ecc-only", "rsa-only"]
Root = Literal["genuine", "lookalike", "proxy"]
Version = Literal["1.0", "1.3"]

_ECDSA_SUITES = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
_RSA_SUITES = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
#: TLS 1.0 signs with MD5 and SHA-1, which OpenSSL does at security level 0 only
#: (SSL_CTX_set_security_level(3)).
_SUITES_OF_TLS_10 = "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:@SECLEVEL=0"
_ECDSA_SIGNATURES = "ECDSA+SHA256:ECDSA+SHA384"
_RSA_SIGNATURES = "RSA+SHA256:RSA+SHA384"  # PKCS#1 v1.5: TLS 1.2 only
_PSS_SIGNATURES = "RSA-PSS+SHA256:RSA-PSS+SHA384"


@dataclass(frozen=True)
class Face:
    """What the front shows to a client; the defaults are what AWS IoT shows.

    ``root`` is whose chain it is: the genuine one, that of an attacker who copied every name,
    or that of a proxy with a root of its own. ``leaf_validity`` and ``issuing_validity`` are the
    dates in the chain. ``leaf_domain`` is the name in the leaf when it is not the lab's.
    ``tls13`` adds TLS 1.3 to TLS 1.2; ``tls_only`` speaks one version alone.
    ``knows_name`` False refuses every server name, ``asks_client`` False takes clients without
    a certificate, ``knows_client`` False takes no certificate that the lab has issued.
    ``fault`` is what to do and in which flight, such as ``reset:hello``; the words are those of
    ``rootlet.lab_front.faults``.
    """

    preference: Preference = "prefer-ecdsa"
    shape: Shape = "3"
    root: Root = "genuine"
    tls13: bool = False
    rsa_issuer: str = "Amazon RSA 2048 M01"
    ecc_issuer: str = "Amazon ECDSA 256 M01"
    leaf_validity: Validity = "true"
    issuing_validity: Validity = "true"
    leaf_domain: str = ""
    tls_only: Version | None = None
    knows_name: bool = True
    asks_client: bool = True
    knows_client: bool = True
    fault: str = ""

    @property
    def issuers(self) -> dict[str, str]:
        """The issuing CA of each family that the front holds, the preferred one first."""
        both = {"ecc": self.ecc_issuer, "rsa": self.rsa_issuer}
        order = {
            "prefer-ecdsa": ("ecc", "rsa"),
            "prefer-rsa": ("rsa", "ecc"),
            "ecc-only": ("ecc",),
            "rsa-only": ("rsa",),
        }
        return {family: both[family] for family in order[self.preference]}

    @property
    def anchors(self) -> tuple[str, ...]:
        """The ids of the Amazon roots that the chains end at."""
        return tuple(ISSUING[issuer].issuer for issuer in self.issuers.values())

    @property
    def versions(self) -> tuple[str, str]:
        """The lowest and the highest version of TLS."""
        if self.tls_only:
            return self.tls_only, self.tls_only
        return "1.2", "1.3" if self.tls13 else "1.2"

    @property
    def ciphers(self) -> str:
        """The suites up to TLS 1.2 in the server's order: ECDHE with AEAD, as AWS prefers."""
        if self.tls_only == "1.0":
            return _SUITES_OF_TLS_10
        suites = {"ecc": _ECDSA_SUITES, "rsa": _RSA_SUITES}
        return ":".join(suites[family] for family in self.issuers)

    @property
    def openssl_config(self) -> str:
        """The OPENSSL_CONF of the front's process: the server's order of signature algorithms.

        In TLS 1.3 that order picks the certificate (RFC 8446 section 4.2.3). In TLS 1.2 RSA
        signs with PKCS#1 v1.5, as AWS does towards a board: MicroPython built with TLS 1.3
        fails as -26112 on RSA-PSS there (DESIGN.md section 7).
        """
        modern = self.versions[1] == "1.3"
        rsa = f"{_RSA_SIGNATURES}:{_PSS_SIGNATURES}" if modern else _RSA_SIGNATURES
        algorithms = {"ecc": _ECDSA_SIGNATURES, "rsa": rsa}
        order = [*self.issuers, *(algorithms.keys() - self.issuers.keys())]
        return _CONFIG.format(algorithms=":".join(algorithms[family] for family in order))


# ssl_conf: config(5); SignatureAlgorithms: SSL_CONF_cmd(3).
_CONFIG = """\
openssl_conf = lab
[lab]
ssl_conf = lab_ssl
[lab_ssl]
system_default = lab_tls
[lab_tls]
SignatureAlgorithms = {algorithms}
"""
