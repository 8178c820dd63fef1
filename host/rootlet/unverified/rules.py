"""What can be wrong with source code that talks TLS, and how a finding names it."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """One place in a source file: its line (from 1), the construct, the reason, and the code."""

    line: int
    what: str
    why: str
    code: str


#: name of a rule -> what it is called, why it is wrong, code of ``urootlet.advice``
RULES = {
    "ssl-true": (
        "ssl=True",
        "the client then makes a context of its own, which verifies nobody",
        "NOVERIFY",
    ),
    "cert-none": ("CERT_NONE", "any certificate is accepted", "NOVERIFY"),
    "cert-optional": ("CERT_OPTIONAL", "MicroPython does not verify with it", "NOVERIFY"),
    "ssl-context": (
        "ssl.SSLContext without verify_mode = CERT_REQUIRED",
        "it starts with CERT_NONE; the module tls starts with CERT_REQUIRED",
        "NOVERIFY",
    ),
    "wrap-socket": (
        "ssl.wrap_socket without cert_reqs=CERT_REQUIRED",
        "its default is CERT_NONE",
        "NOVERIFY",
    ),
    "ssl-params": (
        "ssl_params without cert_reqs",
        "the client passes them to ssl.wrap_socket, whose default is CERT_NONE",
        "NOVERIFY",
    ),
    "requests": ("requests with https", "micropython-lib's requests verifies nobody", "NOVERIFY"),
    "verify-false": ("verify=False", "any certificate is accepted", "NOVERIFY"),
    "unverified-context": (
        "ssl._create_unverified_context",
        "any certificate is accepted",
        "NOVERIFY",
    ),
    "check-hostname": (
        "check_hostname = False",
        "a certificate for any name is accepted",
        "NOVERIFY",
    ),
    "tls-insecure": (
        "tls_insecure_set(True)",
        "a certificate for any name is accepted",
        "NOVERIFY",
    ),
    "no-name": (
        "wrap_socket without server_hostname",
        "no name is sent (SNI), and none is verified",
        "SNI",
    ),
    "no-name-params": (
        "ssl_params without server_hostname",
        "no name is sent (SNI), and none is verified",
        "SNI",
    ),
}

#: the same for what only C, its relatives and settings can do
C_RULES = {
    "verify-none": ("VERIFY_NONE", "any certificate is accepted", "NOVERIFY"),
    "verify-optional": (
        "MBEDTLS_SSL_VERIFY_OPTIONAL without mbedtls_ssl_get_verify_result",
        "the connection goes on after a failed verification, and nobody asks for the result",
        "NOVERIFY",
    ),
    "set-insecure": ("setInsecure()", "any certificate is accepted", "NOVERIFY"),
    "self-signed": (
        "allowSelfSignedCerts()",
        "anybody can make a self-signed certificate",
        "NOVERIFY",
    ),
    "set-fingerprint": (
        "setFingerprint()",
        "no chain is verified: one certificate's hash is compared, and AWS renews it",
        "NOVERIFY",
    ),
    "skip-name": (
        "a switch that skips the certificate's name",
        "a certificate for any name is accepted",
        "NOVERIFY",
    ),
    "insecure": (
        "a switch that skips verification",
        "any certificate is accepted",
        "NOVERIFY",
    ),
    "no-hostname": (
        "mbedtls_ssl_setup without mbedtls_ssl_set_hostname",
        "no name is sent (SNI), and none is verified",
        "SNI",
    ),
}


def finding(rule: str, line: int) -> Finding:
    """Return the finding of a rule, at a line."""
    return Finding(line, *(RULES.get(rule) or C_RULES[rule]))
