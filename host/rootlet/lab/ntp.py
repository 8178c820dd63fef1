"""A stand-in for an NTP server that tells any time it is told to (RFC 5905, server mode)."""

from __future__ import annotations

import socket
import struct
import threading
import time
from typing import Self

from rootlet.errors import NetworkError

_EPOCH = 2_208_988_800  # seconds from 1900 to 1970 (RFC 5905 section 6)
_LENGTH = 48  # bytes of a packet without extensions (section 7.3)
_CLIENT, _SERVER = 3, 4  # modes
_STRATUM, _PRECISION = 1, -20
_ERA = 2**32  # seconds; the first ends on 2036-02-07 (section 6)


class NtpServer:
    """A context manager that answers on UDP; ``port`` 0 takes any.

    ``offset`` is how many seconds its time is ahead of this machine's, and may change at any
    time; ``silent`` answers nothing; ``asked`` counts the questions.
    """

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        self.offset = 0.0
        self.silent = False
        self.asked = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._bind(address, port)
        self.port: int = self._socket.getsockname()[1]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="lab ntp", daemon=True)

    def __enter__(self) -> Self:
        self._socket.settimeout(0.1)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def tell(self, when: float) -> None:
        """Let it be ``when`` now, seconds since 1970; time goes on from there."""
        self.offset = when - time.time()

    def _bind(self, address: str, port: int) -> None:
        try:
            self._socket.bind((address, port))
        except OSError as error:
            self._socket.close()
            raise NetworkError(
                f"cannot answer NTP on {address}:{port}",
                why=error.strerror or str(error),
                hint="ports below 1024 need root; 0 takes any",
            ) from None

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                packet, peer = self._socket.recvfrom(_LENGTH * 2)
            except OSError:  # nothing for 0.1 s, or the last answer had no reader
                continue
            if len(packet) >= _LENGTH and packet[0] & 7 == _CLIENT:
                self.asked += 1
                if not self.silent:
                    self._socket.sendto(answer(packet, time.time() + self.offset), peer)


def answer(question: bytes, now: float) -> bytes:
    """Return the packet that tells ``now``, seconds since 1970, to who sent ``question``."""
    version = question[0] >> 3 & 7
    stamp = _stamp(now)
    head = struct.pack("!BBbb", version << 3 | _SERVER, _STRATUM, question[2], _PRECISION)
    # Root delay and dispersion, reference id; then reference, origin, receive and transmit.
    origin = question[40:48]
    return head + struct.pack("!II4s", 0, 0, b"LAB\0") + stamp + origin + stamp + stamp


def _stamp(now: float) -> bytes:
    seconds, fraction = divmod(now + _EPOCH, 1)
    return struct.pack("!II", int(seconds) % _ERA, int(fraction * _ERA))
