"""Every command that a page shows, as it stands there.

A page shows commands in its blocks (indented, or fenced without a language, as console or sh) and
between backquotes in its text. What begins with the name of a program is one. Between backquotes,
what has no value for anything, such as ``rootlet flash --ntp``, or ends in ``...``, only *names* a
command.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pages import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGES = tuple(
    REPOSITORY / name
    for name in (
        "README.md",
        *sorted(f"docs/{one.name}" for one in (REPOSITORY / "docs").glob("*.md")),
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        *sorted(f"boards/{one.name}" for one in (REPOSITORY / "boards").glob("*.toml")),
    )
)
PROGRAMS = frozenset(
    (
        *("apt-get", "aws", "cp", "curl", "eval", "fuser", "git", "ln", "make", "mkdir", "pip"),
        *("mosquitto_sub", "mpremote", "openssl", "pipx", "pytest", "python", "python3"),
        *("rootlet", "sha256sum", "source", "sudo", "systemctl"),
    )
)
_FENCES = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHELL = ("", "console", "sh")
_OTHER = ("csv", "json", "python", "toml")
_COMMENT = re.compile(r"(?:^|\s+)#\s.*$")
_STATUS = re.compile(r"# exits with (\d+)")
#: Groups of rootlet that the page about AWS calls without the word rootlet.
_SHORT = re.compile(r"aws (certs|policy|endpoint)\b")
_NAMED = re.compile(r"(?P<path>rootlet(?: [a-z][a-z-]*)*)(?P<options>(?: --[a-z-]+)*)")
_NAMED_ELSEWHERE = re.compile(
    r"aws kms get-public-key|mpremote (eval|exec|fs cp( -r)?)|python -m (fleet|urootlet)"
)


class Shown(NamedTuple):
    """A command of a page, in which section it stands, and the exit status that it names."""

    section: str
    text: str
    status: int = 0


def _is_command(line: str) -> bool:
    words = line.split()
    return len(words) > 1 and words[0] in PROGRAMS and words[1] != "<->"


def _blocks(text: str) -> list[str]:
    """Return the lines of the blocks in a piece of a page, continued ones in one."""
    fenced = []
    for kind, body in _FENCES.findall(text):
        assert kind in {*_SHELL, *_OTHER}, f"what is in a block of {kind}?"
        fenced += [body] if kind in _SHELL else []
    prose = _FENCES.sub("", text)
    indented = [line.strip() for line in prose.splitlines() if line.startswith("    ")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join([*indented, *fenced]))
    return [line.strip().removeprefix("$ ") for line in joined.splitlines()]


def _quoted(text: str) -> list[str]:
    prose = re.sub(r"^    .*$", "", _FENCES.sub("", text), flags=re.MULTILINE)
    found = [" ".join(one.split()) for one in re.findall(r"`([^`]*)`", prose)]
    return [f"rootlet {one}" if _SHORT.match(one) else one for one in found]


def _only_names(line: str) -> bool:
    return bool(_NAMED.fullmatch(line) or line.endswith("...") or _NAMED_ELSEWHERE.fullmatch(line))


def _sections(page: str) -> Iterator[tuple[str, str]]:
    parts = re.split(r"^## (.*)$", page, flags=re.MULTILINE)
    yield from zip(["", *parts[1::2]], parts[::2], strict=True)


def typed(page: Path) -> list[Shown]:
    """Return what a page tells to type: section by section, its blocks before its text."""
    return told(page.read_text())


def told(page: str) -> list[Shown]:
    """Return the same of a page's text."""
    found = []
    for section, text in _sections(page):
        for line in _blocks(text):
            status = _STATUS.search(line)
            found += [
                Shown(section, command, int(status[1]) if status else 0)
                for command in _COMMENT.sub("", line).removesuffix(" &").split(" && ")
                if _is_command(command)
            ]
        found += [
            Shown(section, one)
            for one in _quoted(text)
            if _is_command(one) and not _only_names(one)
        ]
    return found


def named(page: Path) -> set[tuple[str, tuple[str, ...]]]:
    """Return the commands of rootlet that a page only names, with the options beside the name."""
    found = set()
    for _, text in _sections(page.read_text()):
        for one in _quoted(text):
            if match := _NAMED.fullmatch(one):
                found.add((match["path"], tuple(match["options"].split())))
            elif one.startswith("rootlet ") and one.endswith("..."):
                path = re.match(r"rootlet(?: [a-z][a-z-]*)*", one)
                assert path is not None
                found.add((path[0], tuple(re.findall(r"--[a-z-]+", one))))
    return found
