"""All that the lab can be, in one: front, broker, Jobs, clock and recovery server."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from rootlet.lab import certificates
from rootlet.lab.identity import Identity
from rootlet.lab.jobs import JobService
from rootlet.lab.ntp import NtpServer
from rootlet.lab.pki import Hierarchy
from rootlet.lab.recovery import BASE, RecoveryServer
from rootlet.lab.rig import Lab
from rootlet.lab.vault import write_private

if TYPE_CHECKING:
    from pathlib import Path

    from rootlet.lab.broker import Kind
    from rootlet.lab.scenarios import Scenario

KEYS = "ca"  #: the folder of the hierarchy's own keys, in that of the lab


class Services:
    """A context manager: the lab and its servers, behaving as ``scenario`` says.

    ``folder`` keeps the hierarchy (in ``ca``), what a device needs (``roots.pem``, an identity),
    and what the recovery server serves (``recovery``). ``port`` is that of MQTT,
    ``ntp_port`` that of the clock; the others are any. ``bind`` is the address of all of them.
    """

    def __init__(  # noqa: PLR0913 - options by keyword, each with a default
        self,
        folder: Path,
        *,
        scenario: type[Scenario],
        port: int = 0,
        ntp_port: int = 0,
        bind: str = "127.0.0.1",
        tls13: bool = False,
        broker: Kind = "auto",
    ) -> None:
        self.folder, self._scenario, self._bind = folder, scenario, bind
        self._ntp_port = ntp_port
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "recovery").mkdir(exist_ok=True)
        pki = Hierarchy.load_or_create(folder / KEYS)
        self.lab = Lab(pki=pki, port=port, bind=bind, tls13=tls13, broker=broker)

    def __enter__(self) -> Self:
        with ExitStack() as started:
            started.enter_context(self.lab)
            self.jobs = started.enter_context(JobService(self.lab.broker_socket))
            self.ntp = started.enter_context(NtpServer(self._bind, self._ntp_port))
            site = RecoveryServer(self.folder / "recovery", self._bind)
            self.recovery = started.enter_context(site)
            started.enter_context(self._scenario().apply(self.lab))
            self._running = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    @property
    def recovery_path(self) -> str:
        """What the addresses of recovery files begin with, after host and port."""
        return BASE

    def write_roots(self) -> Path:
        """Write ``roots.pem``: the anchors that the scenario wants a device to hold."""
        holds = self._scenario.bundle
        made = [self.lab.pki.anchor(root, holds.validity) for root in holds.roots]
        path = self.folder / "roots.pem"
        path.unlink(missing_ok=True)
        return write_private(path, b"".join(certificates.pem(each) for each in made))

    def write_identity(self, thing: str) -> tuple[Path, Path]:
        """Return certificate and key of a thing, made if they are not there; both 0600."""
        return write_identity(self.lab.pki, thing, self.folder)


def write_identity(pki: Hierarchy, thing: str, folder: Path) -> tuple[Path, Path]:
    """Return the paths of a thing's certificate and key in ``folder``, made if there are none."""
    paths = Identity.paths(thing, folder)
    return (
        paths if all(path.exists() for path in paths) else pki.issue_identity(thing).write(folder)
    )
