"""One bounded HTTP/1.0 GET. What arrives is checked by its signature, so plain HTTP is enough.

Status 200 only, no redirect, no chunked body, a header of at most 1 KB, a body into one buffer,
20 seconds for everything (security rule 11). Nothing about the device is sent.
"""

import socket
import time

from .errors import MICROPYTHON, Error, const

_HEADER = const(1024)
_SECONDS = const(20)


def get(url: str, limit: int, seconds: int = _SECONDS) -> bytes:
    """Return the body at ``url`` (``http://host[:port]/path``), at most ``limit`` bytes.

    ``seconds`` is for everything, from the first byte sent to the last received.
    Raises NET for anything else than exactly that.
    """
    scheme, _, rest = url.partition("://")
    place, _, path = rest.partition("/")
    host, _, port = place.partition(":")
    if scheme != "http" or not host or (port and not port.isdigit()):
        raise Error("NET", "not an http URL: " + url)
    sock = None
    try:
        ends = _ticks() + seconds * 1000  # below the wrap: ticks_diff takes it
        found = socket.getaddrinfo(host, int(port or "80"))[0]
        sock = socket.socket(found[0])  # the name's family: a gateway may have IPv6
        sock.settimeout(seconds)
        sock.connect(found[-1])
        sock.send(("GET /%s HTTP/1.0\r\nHost: %s\r\n\r\n" % (path, place)).encode())
        return _answer(sock, bytearray(_HEADER + limit), ends)
    except (OSError, ValueError, IndexError, OverflowError) as error:
        raise Error("NET", url + ": " + str(error))
    finally:
        if sock:
            sock.close()


def _ticks() -> int:
    """Return milliseconds that count on when the clock is set: NTP may do that at any time."""
    if MICROPYTHON:
        return time.ticks_ms()  # type: ignore[attr-defined,no-any-return]
    return int(time.monotonic() * 1000)


def _left(ends: int) -> int:
    """Return the milliseconds until then."""
    if MICROPYTHON:  # they start again at 0 now and then
        return time.ticks_diff(ends, _ticks())  # type: ignore[attr-defined,no-any-return]
    return ends - _ticks()


def _answer(sock: "socket.socket", buffer: bytearray, ends: int) -> bytes:
    """Read to the end of the connection; the buffer is all that is ever held."""
    size = 0
    while True:
        left = _left(ends)
        if left <= 0:
            raise OSError("too slow")
        sock.settimeout(left / 1000)
        part = sock.recv(len(buffer) - size if size < len(buffer) else 1)
        if not part:
            break
        if size + len(part) > len(buffer):
            raise OSError("too long")
        buffer[size : size + len(part)] = part
        size += len(part)
    start = bytes(buffer[:_HEADER]).find(b"\r\n\r\n") + 4
    head = bytes(buffer[:start])
    if start < 4 or not head.startswith(b"HTTP/1.") or head[8:12] != b" 200":
        raise OSError("no 200")
    if b"chunked" in head.lower():
        raise OSError("chunked")
    if size - start > len(buffer) - _HEADER:
        raise OSError("too long")
    return bytes(buffer[start:size])
