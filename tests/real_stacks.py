"""The real verifiers that the models are held against: MicroPython's mbedTLS, and OpenSSL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from cryptography.hazmat.primitives import serialization

from rootlet.boardio import micropython

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509

    from rootlet.lab.certificates import PrivateKey

_HERE = Path(__file__).parent
# As AWS does towards a board: RSA signs with PKCS#1 v1.5 (DESIGN.md section 7).
_CONFIG = """\
openssl_conf = here
[here]
ssl_conf = ssl
[ssl]
system_default = tls
[tls]
SignatureAlgorithms = RSA+SHA256:RSA+SHA384:ECDSA+SHA256:ECDSA+SHA384
"""


class RealStacks:
    """Both stacks as processes that shake hands on demand; used as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        config = folder / "openssl.cnf"
        config.write_text(_CONFIG)
        interpreter = micropython.prepare()
        self._openssl = _start(
            [sys.executable, str(_HERE / "models_openssl.py")], {"OPENSSL_CONF": str(config)}
        )
        # libfaketime is preloaded: without a setting of its own it does not start.
        clock = {"FAKETIME": "+0", "FAKETIME_DISABLE_SHM": "1"}
        self._mbedtls = _start(
            [*interpreter.command, str(_HERE / "models_micropython.py")],
            {**interpreter.environment, **clock},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for process in (self._openssl, self._mbedtls):
            process.stdin.close()  # type: ignore[union-attr]
            process.wait(timeout=15)
            process.stdout.close()  # type: ignore[union-attr]

    def shake_hands(
        self,
        sent: Sequence[x509.Certificate],
        key: PrivateKey,
        anchors: Sequence[bytes],
        host: str,
    ) -> dict[str, list[str]]:
        """Return by the model's id: what the stack objects to, "" for nothing, and the top.

        The top is the SHA-256 of the highest certificate of the path, "" when refused.
        """
        chain, secret = self._folder / "chain.pem", self._folder / "key.pem"
        pem = serialization.Encoding.PEM
        chain.write_bytes(b"".join(one.public_bytes(pem) for one in sent))
        secret.write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        asked = {"host": host, "anchors": [one.hex() for one in anchors]}
        told = _ask(self._openssl, {"chain": str(chain), "key": str(secret), **asked})
        port = told.pop("port")
        return {**told, "mbedtls": _ask(self._mbedtls, {"port": port, **asked})}


def _start(command: list[str], environment: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def _ask(process: subprocess.Popen[str], question: dict[str, Any]) -> Any:
    to: IO[str] = process.stdin  # type: ignore[assignment]
    back: IO[str] = process.stdout  # type: ignore[assignment]
    to.write(json.dumps(question) + "\n")
    to.flush()
    return json.loads(back.readline())
