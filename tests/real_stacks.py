"""The real verifiers that the models are held against: MicroPython's mbedTLS, and OpenSSL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from rootlet.boardio import micropython
from rootlet.lab import certificates

if TYPE_CHECKING:
    from minted import Case

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

    def shake_hands(self, made: Case) -> dict[str, list[str]]:
        """Return by the model's id: what the stack objects to, "" for nothing, and the top.

        The top is the SHA-256 of the highest certificate of the path, "" when refused.
        """
        told = self.serve(made)
        question = {"port": told.pop("port"), **_wanted(made)}
        return {**told, "mbedtls": _ask(self._mbedtls, question)}

    def serve(self, made: Case) -> dict[str, Any]:
        """Serve the chain once, on the ``port`` of the answer; the rest is OpenSSL's word."""
        chain, secret = self._folder / "chain.pem", self._folder / "key.pem"
        chain.write_bytes(b"".join(certificates.pem(one) for one in made.sent))
        secret.write_bytes(certificates.key_pem(made.key))
        files = {"chain": str(chain), "key": str(secret)}
        told: dict[str, Any] = _ask(self._openssl, {**files, **_wanted(made)})
        return told


def _wanted(made: Case) -> dict[str, Any]:
    return {"host": made.host, "anchors": [one.hex() for one in made.anchors]}


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
