"""Fetching one small file over verified HTTPS."""

from __future__ import annotations

import ssl
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rootlet.errors import InputError, NetworkError

if TYPE_CHECKING:
    from http.client import HTTPMessage
    from typing import IO

_STEP = 15.0  # seconds without a byte
_CHUNK = 65_536


class _OnlyHttps(urllib.request.HTTPRedirectHandler):
    def redirect_request(  # noqa: PLR0913, PLR0917 - the signature of the standard library
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Follow as the standard library does, but never out of HTTPS."""
        _check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(url: str, limit: int, seconds: float = 60.0) -> bytes:
    """Return what is at an https URL: at most ``limit`` bytes, within ``seconds``.

    The server is verified against OpenSSL's default store (see ``rootlet trust check``). Raises
    InputError for another scheme, also of a redirect; NetworkError for everything else.
    """
    _check(url)
    secure = urllib.request.HTTPSHandler(context=_within(seconds))
    opener = urllib.request.build_opener(_OnlyHttps, secure)
    try:
        with opener.open(url, timeout=_STEP) as answer:
            data = bytearray()
            while chunk := answer.read1(_CHUNK):
                data += chunk
                if len(data) > limit:
                    raise _failed(url, f"it is longer than {limit} bytes")
            if answer.length:  # what Content-Length promised and did not come
                raise _failed(url, f"it ends {answer.length} bytes early")
    except urllib.error.HTTPError as error:
        error.close()
        raise _failed(url, f"{error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _failed(url, str(error.reason)) from None
    except (OSError, ValueError, HTTPException) as error:  # in the middle, or a URL that is none
        raise _failed(url, str(error) or type(error).__name__) from None
    return bytes(data)


def _within(seconds: float) -> ssl.SSLContext:
    """Return a context that verifies, whose connections read for so long from now on.

    The time is looked at with every read: of the headers too, which may come byte by byte.
    """
    deadline = time.monotonic() + seconds

    class Socket(ssl.SSLSocket):
        def recv_into(self, *arguments: Any) -> int:
            left = deadline - time.monotonic()
            self.settimeout(max(0.001, min(left, _STEP)))
            try:
                if left > 0:
                    return super().recv_into(*arguments)
            except TimeoutError:
                if time.monotonic() < deadline:
                    raise
            raise TimeoutError(f"it takes longer than {seconds:g} s")

    context = ssl.create_default_context()
    context.sslsocket_class = Socket
    return context


def _check(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.password:
        raise InputError(
            f"{url[:80]!r} is not fetched",
            why="only https://HOST/..., without a user",
            hint="fetch it yourself, and give the file",
        )


def _failed(url: str, why: str) -> NetworkError:
    hint = "check the address; or fetch it yourself, and give the file"
    return NetworkError(f"{url[:80]}: not fetched", why=why[:200], hint=hint, code="NET")
