"""One connection: TCP, STARTTLS where asked for, and a handshake that stops half way."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import socket
import ssl
import sys
from typing import Any

from rootlet.net.shaker.starttls import UPGRADES, Failed

__all__ = ["Failed", "attempt"]

#: Bytes of one handshake that are read. OpenSSL takes 100 KB of certificates
#: (SSL_CTX_set_max_cert_list(3)), AWS sends 5.
_MAX_HANDSHAKE = 1 << 18
_CHUNK = 16_384
#: RFC 8446 section 5.1: every record starts with its type, alert or handshake, and 3.
_RECORDS = ((0x15, 0x03), (0x16, 0x03))
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_BANNER = 60  # characters of plain text that are quoted
_HINTS = {b"220": " (SMTP: --starttls smtp)", b"* OK": " (IMAP: --starttls imap)"}
#: Part of OpenSSL's reason -> code; anything else is a handshake that could not be agreed on.
_REASONS = {
    "UNRECOGNIZED_NAME": "SNI",
    "EXCESSIVE_MESSAGE_SIZE": "FORMAT",
    "ASN1": "FORMAT",
    "BAD_LENGTH": "FORMAT",
    "DECODE": "FORMAT",
    "BAD_SIGNATURE": "ROOT",
}


async def attempt(target: dict[str, Any], offer: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Return what the server shows to ``offer``; Failed if nothing, within ``seconds``."""
    reached = False
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await _connect(target["host"], target["port"])
            reached = True
            try:
                if target["starttls"]:
                    await UPGRADES[target["starttls"]](reader, writer)
                return await _shake(reader, writer, target["name"], offer)
            finally:
                writer.transport.abort()
    except TimeoutError:
        what = "it is connected and silent" if reached else "no answer"
        raise Failed("NET", f"{what} for {seconds:g} s", final=True) from None
    except ssl.SSLError as error:
        raise _refused(error) from None
    except OSError as error:
        raise Failed("NET", error.strerror or type(error).__name__) from None


async def _connect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        return await asyncio.open_connection(host, port, limit=_CHUNK)
    except (socket.gaierror, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is not a host name"
        raise Failed("DNS", why, final=True) from None
    except TimeoutError:
        raise
    except OSError as error:
        # With several addresses asyncio joins the words of all.
        why = os.strerror(error.errno) if error.errno else str(error)
        raise Failed("NET", why, final=True) from None


async def _shake(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str, offer: dict[str, Any]
) -> dict[str, Any]:
    """Send ClientHello and read until the server has shown and proved its certificate."""
    arrived, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = _context(offer).wrap_bio(
        arrived, leaving, server_hostname=name if offer["sni"] else None
    )
    left, first = _MAX_HANDSHAKE, True
    while not _step(tls):
        chain = _chain(tls)
        if chain and leaving.pending:
            break  # what waits here is our Finished; it never leaves
        if not chain and leaving.pending:
            writer.write(leaving.read())
            await writer.drain()
        data = await reader.read(_CHUNK)
        if first:
            _check_record(data)
        left, first = left - len(data), False
        if left < 0:
            raise Failed("FORMAT", f"it sends more than {_MAX_HANDSHAKE} bytes")
        if data:
            arrived.write(data)
        else:
            arrived.write_eof()
    return _seen(tls)


def _step(tls: ssl.SSLObject) -> bool:
    """Take one step of the handshake; whether it is over for OpenSSL."""
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
        return True
    return False


def _context(offer: dict[str, Any]) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE  # it looks and sends nothing: see the package
    made.minimum_version = _VERSIONS[offer["lowest"]]
    made.maximum_version = _VERSIONS[offer["highest"]]
    made.set_ciphers(offer["suites"])
    if offer["alpn"]:
        made.set_alpn_protocols([offer["alpn"]])
    return made


def _chain(tls: ssl.SSLObject) -> list[bytes]:
    """Return what the server has sent, leaf first, in DER."""
    if sys.version_info >= (3, 13):
        return tls.get_unverified_chain()
    # The same method before it was documented; it is there from 3.10 on, and gives PEM.
    found = tls._sslobj.get_unverified_chain() or ()  # type: ignore[attr-defined]  # noqa: SLF001
    return [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in found]


def _seen(tls: ssl.SSLObject) -> dict[str, Any]:
    suite, version, _bits = tls.cipher() or ("", "", 0)
    return {
        "chain": [base64.b64encode(der).decode() for der in _chain(tls)],
        "version": tls.version() or version,  # before Finished, TLS 1.2 is only said of the suite
        "suite": suite,
        "alpn": tls.selected_alpn_protocol() or "",
    }


def _check_record(data: bytes) -> None:
    """Refuse what does not start like TLS: an answer in plain text, or nothing at all."""
    if not data:
        raise Failed("NET", "it closes the connection at the ClientHello")
    if (*data[:2],) in _RECORDS or (len(data) == 1 and data[0] in (0x15, 0x16)):
        return
    hint = next((words for start, words in _HINTS.items() if data.startswith(start)), "")
    line = _printable(data.split(b"\n")[0].decode("latin-1").strip())
    raise Failed("PORT", f"it does not speak TLS; it says {line!r}{hint}", final=True)


def _printable(text: str) -> str:
    """Return the start of what a stranger says, without what could steer a terminal."""
    return "".join(char if char.isprintable() else "?" for char in text[:_BANNER])


def _refused(error: ssl.SSLError) -> Failed:
    if isinstance(error, ssl.SSLEOFError):
        return Failed("NET", "it closes the connection in the handshake")
    reason = error.reason or str(error)
    code = next((code for part, code in _REASONS.items() if part in reason), "TLSPOLICY")
    words = reason.lower().replace("sslv3_alert_", "alert_").replace("tlsv1_alert_", "alert_")
    return Failed(code, words.removeprefix("tlsv1_").removeprefix("tlsv13_").replace("_", " "))
