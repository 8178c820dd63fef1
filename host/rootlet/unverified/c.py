"""C, C++ and Arduino: calls and assignments, with comments and strings taken out first.

A name that is only defined, compared or listed in a ``switch`` is no use of it; a file that is a
TLS server alone need not verify its clients.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rootlet.unverified.rules import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Iterator

_ON = r"(?:true|TRUE|1)\b"
_OFF = r"(?:false|FALSE|0L?)\b"
#: rule -> what shows it; each is searched for in the whole text, so a call may span lines
_PATTERNS = tuple(
    (rule, re.compile(pattern))
    for rule, pattern in (
        ("set-insecure", r"(?:\.|->)\s*setInsecure\s*\("),
        ("self-signed", r"(?:\.|->)\s*allowSelfSignedCerts\s*\("),
        ("set-fingerprint", r"(?:\.|->)\s*setFingerprint\s*\("),
        ("skip-name", rf"\bskip_(?:cert_)?common_name(?:_check)?\s*=\s*{_ON}"),
        ("skip-name", rf"\bCURLOPT_SSL_VERIFYHOST\s*,\s*{_OFF}"),
        ("skip-name", rf"\bmosquitto_tls_insecure_set\s*\([^;,]{{0,200}},\s*{_ON}"),
        ("insecure", rf"\bCURLOPT_SSL_VERIFYPEER\s*,\s*{_OFF}"),
        ("insecure", r"\bmosquitto_tls_opts_set\s*\([^;,]{0,200},\s*0\s*,"),
        ("insecure", rf"\benableServerCertAuth\s*=\s*{_OFF}"),
        ("insecure", rf"\bskip_verification\s*=\s*{_ON}"),
        ("no-hostname", r"\bmbedtls_ssl_set_hostname\s*\([^;,]{0,200},\s*(?:NULL|nullptr|0)\s*\)"),
    )
)
_NONE = re.compile(r"\b(?:MBEDTLS_SSL|WOLFSSL|SSL|TLS_PEER)_VERIFY_NONE\b")
_OPTIONAL = re.compile(r"\bMBEDTLS_SSL_VERIFY_OPTIONAL\b")
_ASKED = re.compile(r"\bmbedtls_ssl_get_verify_result\s*\(")
_NAMED_ONLY = re.compile(r"^\s*#|\bcase\s*$|[=!]=[\s(]*$")
_COMPARED = re.compile(r"[\s)]{0,80}(?:[=!]=|:)")
_SETUP = re.compile(r"\bmbedtls_ssl_setup\s*\(")
_HOSTNAME = re.compile(r"\bmbedtls_ssl_set_hostname\s*\(")
_CLIENT = re.compile(r"\bMBEDTLS_SSL_IS_CLIENT\b")
_SERVER = re.compile(r"\bMBEDTLS_SSL_IS_SERVER\b|\b\w*TLS\w*_server_method\b")
_SILENT = re.compile(
    r"//(?:\\\n|[^\n])*|/\*.*?(?:\*/|\Z)|\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?", re.DOTALL
)


def search(text: str) -> Iterator[Finding]:
    """Yield what is wrong in a file."""
    code = _SILENT.sub(_blank, text)
    for rule, sought in _PATTERNS:
        for match in sought.finditer(code):
            yield finding(rule, _line(code, match))
    if _SERVER.search(code) and not _CLIENT.search(code):
        return
    for match in _NONE.finditer(code):
        if _is_used(code, match):
            yield finding("verify-none", _line(code, match))
    if not _ASKED.search(code):
        for match in filter(lambda one: _is_used(code, one), _OPTIONAL.finditer(code)):
            yield finding("verify-optional", _line(code, match))
    if _CLIENT.search(code) and not _HOSTNAME.search(code):
        yield from (finding("no-hostname", _line(code, one)) for one in _SETUP.finditer(code))


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _line(code: str, match: re.Match[str]) -> int:
    return code.count("\n", 0, match.start()) + 1


def _is_used(code: str, match: re.Match[str]) -> bool:
    """Whether a constant is passed or assigned, not defined, compared or listed."""
    before = code[max(code.rfind("\n", 0, match.start()) + 1, match.start() - 200) : match.start()]
    return not _NAMED_ONLY.search(before) and not _COMPARED.match(code, match.end())
