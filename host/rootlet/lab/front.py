"""Start and direct the TLS front, which runs as ``front_process.py``.

A front never changes what it shows. ``Front.drain`` ends accepting and lets the connections
that it has live on, while the next one, with other chains, accepts from the same listening
socket: as a load balancer takes a new certificate, on the same port.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rootlet.lab import certificates
from rootlet.lab.authorities import ISSUING
from rootlet.lab.children import Child
from rootlet.lab.vault import write_private

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from rootlet.lab.events import EventLog
    from rootlet.lab.pki import Hierarchy, Shape

Preference = Literal["prefer-ecdsa", "prefer-rsa", "ecc-only", "rsa-only"]
Root = Literal["genuine", "lookalike"]

_ECDSA_SUITES = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
_RSA_SUITES = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
_ECDSA_SIGNATURES = "ECDSA+SHA256:ECDSA+SHA384"
_RSA_SIGNATURES = "RSA+SHA256:RSA+SHA384"  # PKCS#1 v1.5: TLS 1.2 only
_PSS_SIGNATURES = "RSA-PSS+SHA256:RSA-PSS+SHA384"
_ANSWER_TIMEOUT = 10.0  # seconds; it takes 0.2 to start


@dataclass(frozen=True)
class Face:
    """What the front shows to a client."""

    preference: Preference = "prefer-ecdsa"
    shape: Shape = "3"
    root: Root = "genuine"
    tls13: bool = False
    rsa_issuer: str = "Amazon RSA 2048 M01"
    ecc_issuer: str = "Amazon ECDSA 256 M01"

    @property
    def issuers(self) -> dict[str, str]:
        """The issuing CA of each family that the front holds, the preferred one first."""
        both = {"ecc": self.ecc_issuer, "rsa": self.rsa_issuer}
        order = {
            "prefer-ecdsa": ("ecc", "rsa"),
            "prefer-rsa": ("rsa", "ecc"),
            "ecc-only": ("ecc",),
            "rsa-only": ("rsa",),
        }
        return {family: both[family] for family in order[self.preference]}

    @property
    def anchors(self) -> tuple[str, ...]:
        """The ids of the Amazon roots that the chains end at."""
        return tuple(ISSUING[issuer].issuer for issuer in self.issuers.values())

    @property
    def ciphers(self) -> str:
        """The TLS 1.2 suites in the server's order: ECDHE with AEAD, as AWS prefers."""
        suites = {"ecc": _ECDSA_SUITES, "rsa": _RSA_SUITES}
        return ":".join(suites[family] for family in self.issuers)

    @property
    def openssl_config(self) -> str:
        """The OPENSSL_CONF of the front's process: the server's order of signature algorithms.

        In TLS 1.3 that order picks the certificate (RFC 8446 section 4.2.3). In TLS 1.2 RSA
        signs with PKCS#1 v1.5, as AWS does towards a board: MicroPython built with TLS 1.3
        fails as -26112 on RSA-PSS there (DESIGN.md section 7).
        """
        rsa = f"{_RSA_SIGNATURES}:{_PSS_SIGNATURES}" if self.tls13 else _RSA_SIGNATURES
        algorithms = {"ecc": _ECDSA_SIGNATURES, "rsa": rsa}
        order = [*self.issuers, *(algorithms.keys() - self.issuers.keys())]
        return _CONFIG.format(algorithms=":".join(algorithms[family] for family in order))


# ssl_conf: config(5); SignatureAlgorithms: SSL_CONF_cmd(3).
_CONFIG = """\
openssl_conf = lab
[lab]
ssl_conf = lab_ssl
[lab_ssl]
system_default = lab_tls
[lab_tls]
SignatureAlgorithms = {algorithms}
"""


@dataclass(frozen=True)
class Site:
    """What every front of a lab shares."""

    pki: Hierarchy
    domain: str  #: what the certificates are for
    listener: socket.socket
    broker: Path  #: the Unix socket behind the front
    events: EventLog


class Front:
    """A running front; NetworkError if it does not start. ``folder`` is private to it."""

    def __init__(self, face: Face, site: Site, folder: Path) -> None:
        config = write_private(folder / "openssl.cnf", face.openssl_config.encode())
        descriptor = site.listener.fileno()
        settings = {
            "listener": descriptor,
            "broker": site.broker,
            "chains": _write_chains(face, site, folder),
            "client_ca": _write_client_ca(site.pki, folder),
            "domain": site.domain,
            "ciphers": face.ciphers,
            "tls13": face.tls13,
        }
        self._child = Child(
            "front_process.py",
            log=folder / "front.log",
            env={**os.environ, "OPENSSL_CONF": str(config)},
            pass_fds=(descriptor,),
        )
        self._child.send(json.dumps(settings, default=str))
        self._events = site.events
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="lab front", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process id of the front."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether it still has connections, or accepts them."""
        return self._child.running

    def wait_ready(self) -> None:
        """Return when the front accepts connections."""
        self._expect("ready")

    def drain(self) -> None:
        """Accept nothing more; return when that holds. Open connections stay as they are."""
        self._child.send("drain")
        self._expect("draining")

    def stop(self) -> None:
        """End the front with all its connections."""
        self._child.stop()
        self._reader.join()
        self._child.output.close()

    def _expect(self, answer: str) -> None:
        try:
            given = self._answers.get(timeout=_ANSWER_TIMEOUT)
        except queue.Empty:
            given = "no answer"
        if given != answer:
            raise self._child.failure(f"is not {answer}: {given}")

    def _read(self) -> None:
        for line in self._child.output:
            told = json.loads(line)
            if told["kind"] in ("ready", "draining"):
                self._answers.put(told["kind"])
            else:
                self._events.add(told)
        self._answers.put("it has ended")


def _write_chains(face: Face, site: Site, folder: Path) -> list[tuple[Path, Path]]:
    shown = site.pki.lookalike() if face.root == "lookalike" else site.pki
    pairs = []
    for family, issuer in face.issuers.items():
        chain = shown.chain(issuer, site.domain, face.shape)
        certificate = write_private(folder / f"{family}.crt.pem", chain.pem)
        pairs.append((certificate, write_private(folder / f"{family}.key.pem", chain.key_pem)))
    return pairs


def _write_client_ca(pki: Hierarchy, folder: Path) -> Path:
    return write_private(folder / "client-ca.pem", certificates.pem(pki.client_ca.certificate))
