"""Source code that talks TLS without verifying the server: which line, what, and why.

Pure: text in, findings out. The rules, of which each has a row in ``RULES``:

1. A switch that turns verification off, or a library whose default is off, is NOVERIFY:
   micropython-lib's ``ssl.SSLContext`` and ``requests`` set CERT_NONE by themselves, and so do
   umqtt.simple and mqtt_as when they are given ``ssl=True`` (micropython-lib
   ``python-stdlib/ssl/ssl.py``, issue 838; micropython issue 1862).
2. A handshake without a name is SNI: there is nothing to verify the certificate's name against,
   and AWS IoT cannot tell which certificate to send.
3. What cannot be told from the text is no finding: a context that comes from elsewhere, ``**``
   arguments, an address that is computed.

A finding never quotes the source: a line may hold a password.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rootlet.unverified import c, python, settings
from rootlet.unverified.rules import RULES, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["LANGUAGES", "RULES", "Finding", "findings", "language_of"]

#: name of a language -> what finds things in its text
LANGUAGES: dict[str, Callable[[str], Iterable[Finding]]] = {
    "python": python.search,
    "micropython": python.search_micropython,
    "c": c.search,
    "settings": settings.search,
}
#: what a text must hold for a finding: most files hold none of it, and parsing takes time
_PYTHON_WORDS = re.compile(
    r"\bssl[\"']?\]?\s*[=:]\s*True|ssl_params|SSLContext|wrap_socket|CERT_(?:NONE|OPTIONAL)|cert_reqs"
    r"|verify_mode|verify\s*=\s*False|check_hostname\s*=\s*False|tls_insecure_set"
    r"|\b(?:import|from)\b[^\n]*\bu?requests\b|_create_unverified_context"
)
_WORDS = {
    "python": _PYTHON_WORDS,
    "micropython": _PYTHON_WORDS,
    "c": re.compile(
        r"VERIFY|[sS]elfSigned|setInsecure|setFingerprint|common_name|ServerCertAuth|mbedtls_ssl"
        r"|mosquitto_tls|skip_verification"
    ),
    "settings": re.compile(
        r"CONFIG_|curl|wget|NODE_TLS|PYTHONHTTPS|verify_ssl|mosquitto|bridge_|skip_cert"
    ),
}
#: how a file's name ends, or its whole name -> its language
_NAMES = {
    "python": (".py", ".pyi"),
    "c": (".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx", ".inl", ".ino"),
    "settings": (
        *(".bash", ".cfg", ".cmake", ".conf", ".env", ".ini", ".json", ".mk", ".service", ".sh"),
        *(".toml", ".yaml", ".yml", "cmakelists.txt", "dockerfile", "makefile", "sdkconfig"),
        "sdkconfig.defaults",
    ),
}


def language_of(name: str) -> str:
    """Return the language of a file by its name, or nothing for what is not searched."""
    name = name.lower()
    return next((one for one, ends in _NAMES.items() if name.endswith(ends)), "")


def findings(text: str, language: str) -> list[Finding]:
    """Return what is wrong in a source file, in the order of its lines.

    ``language`` is one of :data:`LANGUAGES`: ``c`` for C, C++ and Arduino, ``settings`` for shell
    and configuration files, ``micropython``, or ``python`` for a file that is one or the other:
    what it imports then decides. Text that CPython cannot parse is searched by patterns.
    """
    if not _WORDS[language].search(text):
        return []
    return sorted(set(LANGUAGES[language](text)))
