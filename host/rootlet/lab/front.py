"""Start and direct the TLS front, which runs as ``rootlet.lab_front``.

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
from typing import TYPE_CHECKING

from rootlet.lab import certificates, sent
from rootlet.lab.children import Child
from rootlet.lab.vault import write_private

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from rootlet.lab.events import EventLog
    from rootlet.lab.face import Face
    from rootlet.lab.pki import Hierarchy

_ANSWER_TIMEOUT = 10.0  # seconds; it takes 0.2 to start


@dataclass(frozen=True)
class Site:
    """What every front of a lab shares."""

    pki: Hierarchy
    domain: str  #: what the certificates are for
    listeners: tuple[tuple[socket.socket, str], ...]  #: each with the ALPN that it requires
    broker: Path  #: the Unix socket behind the front
    events: EventLog


class Front:
    """A running front; NetworkError if it does not start. ``folder`` is private to it."""

    def __init__(self, face: Face, site: Site, folder: Path) -> None:
        config = write_private(folder / "openssl.cnf", face.openssl_config.encode())
        listeners = [(listener.fileno(), alpn) for listener, alpn in site.listeners]
        self._child = Child(
            "rootlet.lab_front",
            log=folder / "front.log",
            env={**os.environ, "OPENSSL_CONF": str(config)},
            pass_fds=[descriptor for descriptor, _ in listeners],
        )
        settings = {**_settings(face, site, folder), "listeners": listeners}
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


def _settings(face: Face, site: Site, folder: Path) -> dict[str, object]:
    """Return ``rootlet.lab_front.settings.Settings`` but for the listeners."""
    does, _, at = face.fault.partition(":")
    return {
        "broker": site.broker,
        "chains": _write_chains(face, site, folder),
        "client_ca": _write_client_ca(face, site, folder),
        "domain": site.domain,
        "ciphers": face.ciphers,
        "versions": face.versions,
        "asks_client": face.asks_client,
        "knows_name": face.knows_name,
        "fault": {"does": does, "at": at},
    }


def _write_chains(face: Face, site: Site, folder: Path) -> list[tuple[Path, Path]]:
    pairs = []
    for family, issuer in face.issuers.items():
        chain = sent.chain(site.pki, face, issuer, site.domain)
        certificate = write_private(folder / f"{family}.crt.pem", chain.pem)
        pairs.append((certificate, write_private(folder / f"{family}.key.pem", chain.key_pem)))
    return pairs


def _write_client_ca(face: Face, site: Site, folder: Path) -> Path:
    # Any other authority does for a server that does not know our clients'.
    other = site.pki.anchor("amazon-root-ca-3")
    known = site.pki.client_ca.certificate if face.knows_client else other
    return write_private(folder / "client-ca.pem", certificates.pem(known))
