"""A TLS client of libwolfssl through ctypes: one handshake over a socket."""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

_SUCCESS = 1
_VERIFY_PEER = 1
_ASN1 = 2  # WOLFSSL_FILETYPE_ASN1
_ERROR_TEXT = 80  # WOLFSSL_MAX_ERROR_SZ


def library() -> ctypes.CDLL | None:
    """Return libwolfssl, None where there is none."""
    name = ctypes.util.find_library("wolfssl")
    return ctypes.CDLL(name) if name else None


class Client:
    """Shakes hands by TLS 1.2 with the anchors and the name check of wolfSSL's defaults."""

    def __init__(self, wolfssl: ctypes.CDLL) -> None:
        self._lib = wolfssl
        for name in ("wolfTLSv1_2_client_method", "wolfSSL_CTX_new", "wolfSSL_new"):
            getattr(wolfssl, name).restype = ctypes.c_void_p
        wolfssl.wolfSSL_Init()

    def shake_hands(self, sock: socket.socket, anchors: Sequence[bytes], host: str) -> str:
        """Return what it objects to, "" for nothing; ``anchor`` before what did not load."""
        method = ctypes.c_void_p(self._lib.wolfTLSv1_2_client_method())
        context = ctypes.c_void_p(self._lib.wolfSSL_CTX_new(method))
        # Debian's build has OpenSSL's defaults, and OpenSSL's client verifies nothing by default.
        self._lib.wolfSSL_CTX_set_verify(context, _VERIFY_PEER, None)
        try:
            for one in anchors:
                done = self._load(context, one)
                if done != _SUCCESS:
                    return f"anchor {done}"
            return self._connect(context, sock, host)
        finally:
            self._lib.wolfSSL_CTX_free(context)

    def _load(self, context: ctypes.c_void_p, der: bytes) -> int:
        size = ctypes.c_long(len(der))
        return int(self._lib.wolfSSL_CTX_load_verify_buffer(context, der, size, _ASN1))

    def _connect(self, context: ctypes.c_void_p, sock: socket.socket, host: str) -> str:
        session = ctypes.c_void_p(self._lib.wolfSSL_new(context))
        try:
            self._lib.wolfSSL_check_domain_name(session, host.encode())
            self._lib.wolfSSL_set_fd(session, sock.fileno())
            done = self._lib.wolfSSL_connect(session)
            return "" if done == _SUCCESS else self._explain(session, done)
        finally:
            self._lib.wolfSSL_free(session)

    def _explain(self, session: ctypes.c_void_p, done: int) -> str:
        number = self._lib.wolfSSL_get_error(session, done)
        text = ctypes.create_string_buffer(_ERROR_TEXT)
        self._lib.wolfSSL_ERR_error_string(ctypes.c_ulong(number), text)
        return f"{number} {text.value.decode()}"
