"""The plain-text beginning of SMTP (RFC 3207) and IMAP (RFC 9051 section 6.2.1).

Every line and every answer is limited, because nobody has proved anything yet. Bytes that follow
the last plain line go to TLS, which takes them for what they are not: nothing that was put in
before the handshake (CVE-2011-0411) is ever read as an answer, as nothing is asked afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

_MAX_LINES = 64  # of one answer; a greeting of SES has one, an EHLO ten
_QUOTED = 60  # characters of an answer


class Failed(Exception):  # noqa: N818 - what came of an attempt, not an error of this program
    """Nothing was shown: a code of ``urootlet.advice`` and why. ``final``: do not ask again."""

    def __init__(self, code: str, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.code, self.reason, self.final = code, reason, final


async def smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greeting, EHLO, STARTTLS; Failed if that does not end with 220."""
    await _reply(reader, b"220")
    # RFC 5321 section 4.1.3: an address stands for a client that has no name; not the true one.
    extensions = await _say(reader, writer, b"EHLO [127.0.0.1]", b"250")
    if not any(line[4:].strip().upper() == b"STARTTLS" for line in extensions):
        raise Failed("PORT", "this SMTP server does not offer STARTTLS", final=True)
    await _say(reader, writer, b"STARTTLS", b"220")


async def imap(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greeting and STARTTLS; Failed if that does not end with OK."""
    greeting = await _line(reader)
    if not greeting.upper().startswith(b"* OK"):
        raise _other("IMAP", greeting)
    writer.write(b"a1 STARTTLS\r\n")
    for _ in range(_MAX_LINES):
        line = await _line(reader)
        if line.upper().startswith(b"A1 OK"):
            return
        if not line.startswith(b"* "):
            raise Failed("PORT", f"this IMAP server refuses STARTTLS: {_quote(line)}", final=True)
    raise Failed("FORMAT", f"an IMAP answer of over {_MAX_LINES} lines", final=True)


UPGRADES = {"smtp": smtp, "imap": imap}


async def _say(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command: bytes, wanted: bytes
) -> list[bytes]:
    writer.write(command + b"\r\n")
    return await _reply(reader, wanted)


async def _reply(reader: asyncio.StreamReader, wanted: bytes) -> list[bytes]:
    """Return the lines of one SMTP reply (RFC 5321 section 4.2.1): ``250-`` until ``250 ``."""
    lines: list[bytes] = []
    while len(lines) < _MAX_LINES:
        line = await _line(reader)
        if line[:3] != wanted:
            raise _other("SMTP", line)
        lines.append(line)
        if line[3:4] != b"-":
            return lines
    raise Failed("FORMAT", f"an SMTP answer of over {_MAX_LINES} lines", final=True)


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        line = await reader.readline()  # at most the limit of the stream, 16 KB
    except ValueError:
        raise Failed("FORMAT", "a line of over 16 KB before STARTTLS", final=True) from None
    if not line.endswith(b"\n"):
        raise Failed("NET", "it closes the connection before STARTTLS", final=True)
    return line.rstrip()


def _other(protocol: str, line: bytes) -> Failed:
    return Failed("PORT", f"it does not speak {protocol} as expected: {_quote(line)}", final=True)


def _quote(line: bytes) -> str:
    """Quote what a stranger says; repr() escapes what could steer a terminal."""
    return repr(line[:_QUOTED].decode("latin-1"))
