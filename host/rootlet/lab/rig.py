"""The lab as one object: hierarchy, front, broker and clients, started and stopped together."""

from __future__ import annotations

import shutil
import socket
import ssl
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rootlet.errors import NetworkError
from rootlet.lab import certificates
from rootlet.lab.broker import Broker
from rootlet.lab.events import EventLog
from rootlet.lab.face import Face
from rootlet.lab.front import Front, Site
from rootlet.lab.pki import Hierarchy
from rootlet.lab.subscriber import ClientContext, Subscriber

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rootlet.lab.broker import Kind
    from rootlet.lab.face import Preference
    from rootlet.lab.pki import Shape

LOOPBACK = "127.0.0.1"
#: What MQTT with a client certificate is called on port 443 (AWS IoT developer guide, protocols).
ALPN = "x-amzn-mqtt-ca"

_BACKLOG = 4_096  # connections that wait while one front follows another
_SUBSCRIBER = "lab-subscriber"


class Lab:
    """An endpoint shaped like AWS IoT on this machine, alive inside ``with``.

    ``folder`` keeps the hierarchy's keys from one lab to the next; ``pki`` is one that exists
    already; with neither, keys are new and live in memory. ``endpoint`` is the name that
    clients must ask for and verify: one label and the domain of the certificates. ``port`` 0
    takes any; ``bind`` other than loopback lets others reach it. ``fronts`` is the number of
    front processes, which share the load.
    """

    def __init__(  # noqa: PLR0913 - options by keyword, each with a default
        self,
        folder: Path | None = None,
        *,
        pki: Hierarchy | None = None,
        preference: Preference = "prefer-ecdsa",
        shape: Shape = "3",
        tls13: bool = False,
        region: str = "eu-west-1",
        broker: Kind = "auto",
        bind: str = LOOPBACK,
        port: int = 0,
        fronts: int = 1,
    ) -> None:
        #: Where a client on this machine connects to.
        self.host = LOOPBACK if bind in ("", "0.0.0.0") else bind  # noqa: S104 - not bound here
        self.pki = pki or (Hierarchy.load_or_create(folder) if folder else Hierarchy.fresh())
        self.face = Face(preference=preference, shape=shape, tls13=tls13)
        self.domain = f"iot.{region}.amazonaws.com"
        self.endpoint = f"a1b2c3-ats.{self.domain}"
        self.events = EventLog()
        self._broker_kind = broker
        self._bind, self.port, self._count = bind, port, fronts
        self._fronts: list[Front] = []

    def __enter__(self) -> Self:
        with ExitStack() as started:
            self._folder = Path(tempfile.mkdtemp(prefix="rootlet-lab-"))
            started.callback(shutil.rmtree, self._folder)
            self._listener = started.enter_context(_listen(self._bind, self.port))
            self.port = self._listener.getsockname()[1]
            self._alpn_listener = started.enter_context(_listen(self._bind, 0))
            #: The stand-in for port 443, which takes clients that name ``ALPN`` only.
            self.alpn_port: int = self._alpn_listener.getsockname()[1]
            self._broker = Broker(self._folder, self._broker_kind)
            started.callback(self._broker.stop)
            started.callback(lambda: self._stop_fronts([*self._fronts]))
            self._start_fronts()
            self._broker.wait_ready()
            self._running = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    @property
    def broker_kind(self) -> Kind:
        """Which broker is running: ``mosquitto`` or ``amqtt``."""
        return self._broker.kind

    @property
    def broker_socket(self) -> Path:
        """The Unix socket of the broker, for a client that is to go round the front."""
        return self._broker.socket

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that the lab has started and not ended."""
        return [self._broker.pid, *(front.pid for front in self._fronts if front.running)]

    def serve(self, **changes: object) -> None:
        """Show another face from now on: any fields of ``Face``, the others stay.

        New connections meet the new face; those that are open keep theirs.
        """
        self.face = replace(self.face, **changes)  # type: ignore[arg-type] # fields of Face
        for front in self._fronts[-self._count :]:
            front.drain()
        self._stop_fronts([front for front in self._fronts if not front.running])
        self._start_fronts()

    @contextmanager
    def showing(self, **changes: object) -> Iterator[None]:
        """Show another face inside ``with``, then the one from before."""
        before = self.face
        self.serve(**changes)
        try:
            yield
        finally:
            self.serve(**vars(before))

    def subscriber(self, topic: str) -> Subscriber:
        """Return a real MQTT client with an identity of its own, subscribed to ``topic``."""
        return Subscriber((self.host, self.port), self.client_context(_SUBSCRIBER), topic)

    def client_context(self, thing: str | None) -> ClientContext:
        """Return a context that verifies the lab as a client must, and shows ``thing``.

        It trusts the genuine roots of the current face; ``thing`` None shows no certificate.
        """
        context = ClientContext(ssl.PROTOCOL_TLS_CLIENT)
        context.server_name = self.endpoint
        for anchor in self.face.anchors:
            context.load_verify_locations(
                cadata=certificates.pem(self.pki.anchor(anchor)).decode()
            )
        if thing is not None:
            with tempfile.TemporaryDirectory(dir=self._folder) as folder:
                context.load_cert_chain(*self.pki.issue_identity(thing).write(Path(folder)))
        return context

    def _start_fronts(self) -> None:
        listeners = ((self._listener, ""), (self._alpn_listener, ALPN))
        site = Site(self.pki, self.domain, listeners, self._broker.socket, self.events)
        for _ in range(self._count):
            folder = Path(tempfile.mkdtemp(prefix="front-", dir=self._folder))
            self._fronts.append(Front(self.face, site, folder))
        for front in self._fronts[-self._count :]:
            front.wait_ready()

    def _stop_fronts(self, fronts: list[Front]) -> None:
        for front in fronts:
            front.stop()
            self._fronts.remove(front)


def _listen(address: str, port: int) -> socket.socket:
    try:
        return socket.create_server((address, port), backlog=_BACKLOG)
    except OSError as error:
        raise NetworkError(
            f"cannot listen on {address}:{port}",
            why=error.strerror or str(error),
            hint="choose another --port, or 0 for any",
        ) from None
