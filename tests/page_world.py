"""The world in which the commands of a page run: a lab, an account of AWS, and names.

Each part is started when it is first asked for.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

import peers
from fixtures_jobs import ministack
from rootlet import catalog
from rootlet.lab import certificates, scenarios
from rootlet.lab.recovery import RecoveryServer
from rootlet.lab.services import Services
from rootlet.pem import armour

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fixtures_jobs import MinistackJobs

ENDPOINT = "a1b2c3-ats.iot.eu-west-1.amazonaws.com"


class World:
    """What the pages share; each part is started when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @functools.cached_property
    def services(self) -> Services:
        """The lab."""
        made = Services(self.folder / "lab", scenario=scenarios.get("honest"), broker="amqtt")
        return self._stack.enter_context(made)

    @functools.cached_property
    def aws(self) -> MinistackJobs:
        """What answers as AWS does."""
        (self.folder / "aws").mkdir()
        return self._stack.enter_context(ministack(self.folder / "aws"))

    @functools.cached_property
    def recovery(self) -> RecoveryServer:
        """The owner's web server with the newest bundle."""
        (self.folder / "recovery").mkdir()
        return self._stack.enter_context(RecoveryServer(self.folder / "recovery"))

    @functools.cached_property
    def names(self) -> dict[str, tuple[str, int]]:
        """Who answers to which name and port."""
        lab = self.services.lab
        made = lab.pki.chain("Amazon RSA 2048 M01", lab.domain, "3")
        tls = peers.tls_context(self.folder, made.certificates, made.key)
        start = self._stack.enter_context
        https = start(peers.peer(peers.over_tls(tls)))
        lab_at = (lab.host, lab.port)
        return {
            f"{ENDPOINT}:8883": lab_at,
            f"{ENDPOINT}:443": lab_at,
            "127.0.0.1:8883": lab_at,
            "s3.eu-west-1.amazonaws.com:443": ("127.0.0.1", https),
            "d111111abcdef8.cloudfront.net:443": ("127.0.0.1", https),
            "iot.example.com:8883": ("127.0.0.1", https),
            "email-smtp.eu-west-1.amazonaws.com:587": ("127.0.0.1", start(peers.smtp(tls))),
            "updates.example.com:80": ("127.0.0.1", self.recovery.port),
            "www.amazontrust.com:443": ("127.0.0.1", start(self._repository())),
        }

    @contextlib.contextmanager
    def _repository(self) -> Iterator[int]:
        """Serve Amazon's own copy of a root over HTTPS; ``trusted.pem`` verifies it."""
        pki = self.services.lab.pki
        made = pki.chain("Amazon ECDSA 256 M01", "www.amazontrust.com", "2")
        folder = self.folder / "repository"
        folder.mkdir()
        root = pki.anchor("amazon-root-ca-3")
        (self.folder / "trusted.pem").write_bytes(certificates.pem(root))
        tls = peers.tls_context(folder, made.certificates, made.key)
        body = armour(catalog.load().get("amazon-root-ca-1").der).encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
