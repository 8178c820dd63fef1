"""Shell scripts and configuration: switches, line by line, without lines of comment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rootlet.unverified.rules import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATTERNS = tuple(
    (rule, re.compile(pattern))
    for rule, pattern in (
        ("insecure", r"\bCONFIG_ESP_TLS_(?:INSECURE|SKIP_SERVER_CERT_VERIFY)=y"),
        ("insecure", r"\bcurl\b[^|;&]*\s(?:-[A-Za-z]*k[A-Za-z]*|--insecure)(?=\s|$)"),
        ("insecure", r"\bwget\b[^|;&]*\s--no-check-certificate\b"),
        ("insecure", r"\bNODE_TLS_REJECT_UNAUTHORIZED\b[\"']?\s*[=:]\s*[\"']?0"),
        ("insecure", r"\bPYTHONHTTPSVERIFY\b[\"']?\s*[=:]\s*[\"']?0"),
        ("insecure", r"\bverify_ssl[\"']?\s*[=:]\s*(?:false|False|no|0)\b"),
        ("skip-name", r"\bCONFIG_\w*SKIP_(?:CERT_)?COMMON_NAME_CHECK=y"),
        ("skip-name", r"\bmosquitto_(?:pub|sub|rr)\b[^|;&]*\s--insecure\b"),
        ("skip-name", r"^\s*bridge_insecure\s+true\b"),
        ("skip-name", r"\bskip_cert_cn_check\s*:\s*(?:true|True|yes)\b"),
    )
)
_MAX_LINE = 2000  # characters; what is longer was not written by hand
_COMMENT = re.compile(r"\s*(?:#|;|//)")


def search(text: str) -> Iterator[Finding]:
    """Yield what is wrong in a file."""
    for number, line in enumerate(text.splitlines(), 1):
        if _COMMENT.match(line) or len(line) > _MAX_LINE:
            continue
        yield from (finding(rule, number) for rule, sought in _PATTERNS if sought.search(line))
