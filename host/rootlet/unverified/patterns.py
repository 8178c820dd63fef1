"""The same rules as patterns of a line, for Python that CPython cannot parse."""

from __future__ import annotations

import io
import re
import tokenize
from typing import TYPE_CHECKING

from rootlet.unverified.rules import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What to look for in a line of code that cannot be parsed; comments and strings are gone.
_PATTERNS = tuple(
    (rule, re.compile(pattern))
    for rule, pattern in (
        ("ssl-true", r"\bssl\s*=\s*True\b"),
        ("cert-none", r"^(?!.*[=!]=).*\bCERT_NONE\b"),
        ("wrap-socket", r"\bu?ssl\.wrap_socket\s*\((?!.*\bcert_reqs\b)"),
        (
            "no-name",
            r"\bwrap_socket\s*\((?!.*(?:\bserver_hostname\b|\*\*|server_side\s*=\s*True))",
        ),
        ("verify-false", r"\bverify\s*=\s*False\b"),
        ("unverified-context", r"\b_create_unverified_context\b"),
        ("check-hostname", r"\bcheck_hostname\s*=\s*False\b"),
        ("tls-insecure", r"\btls_insecure_set\s*\(\s*True\b"),
    )
)
_CONTEXT = re.compile(r"\bu?ssl\.SSLContext\s*\((?!.*_SERVER)")
_REQUIRED = re.compile(r"\bverify_mode\s*=\s*(?:\w+\.)?CERT_REQUIRED\b")


def search_lines(text: str) -> Iterator[Finding]:
    """Yield what the patterns find in the lines of a file."""
    lines = list(enumerate(_code(text), 1))
    required = any(_REQUIRED.search(line) for _, line in lines)
    for number, line in lines:
        yield from (finding(rule, number) for rule, sought in _PATTERNS if sought.search(line))
        if _CONTEXT.search(line) and not required:
            yield finding("ssl-context", number)


def _code(text: str) -> list[str]:
    """Return the lines without what comments and strings say, as far as tokens can be told."""
    lines = [list(line) for line in text.splitlines()]
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in (tokenize.COMMENT, tokenize.STRING):
                _blank(lines, token.start, token.end)
    except (tokenize.TokenError, SyntaxError):
        pass  # what comes after the fault is searched as it is
    return ["".join(line) for line in lines]


def _blank(lines: list[list[str]], start: tuple[int, int], end: tuple[int, int]) -> None:
    for row in range(start[0], min(end[0], len(lines)) + 1):
        line = lines[row - 1]
        first = start[1] if row == start[0] else 0
        last = end[1] if row == end[0] else len(line)
        line[first:last] = " " * (min(last, len(line)) - first)
