"""The ladder of this computer, for a gateway or before a board is there: files, then network."""

from __future__ import annotations

import importlib
import json
import socket
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rootlet import bundle as bundles
from rootlet import catalog, files, identity, verify
from rootlet.doctor import network
from rootlet.doctor.kit import Kit, moment, settings_of
from rootlet.errors import InputError
from urootlet.format_cpython import BUNDLE_FILE as BUNDLE
from urootlet.format_cpython import CERTIFICATE_FILE as CERTIFICATE
from urootlet.format_cpython import KEY_FILE as KEY
from urootlet.format_cpython import SETTINGS_FILE as SETTINGS

if TYPE_CHECKING:
    from rootlet.doctor.ladder import Request, Step

_DAY = 86_400


class Host:
    """What was given by files and options; a context manager that leaves nothing behind."""

    def __init__(self, request: Request) -> None:
        self.request = request
        values = settings_of(
            {},
            endpoint=request.endpoint,
            thing=request.thing,
            address=request.address,
            port=request.mqtt_port,
        )
        self.kit = Kit(values, request.bundle)
        self.topic = request.topic or self.kit.topic
        self.key = b""
        self._stack = ExitStack()
        self._reach: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def reach(self, function: str, *arguments: object) -> dict[str, Any]:
        """Call a function of the snippet, in this process."""
        told: dict[str, Any] = getattr(self._reach, function)(*arguments)
        return told

    def begin(self) -> None:
        """Put the files where the device package reads them: 0600, in a folder that goes away."""
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="rootlet-"))
        for name, data in (
            (SETTINGS, json.dumps(self.kit.values).encode()),
            (CERTIFICATE, self.kit.cert),
            (KEY, self.key),
            (BUNDLE, _in_full(self.kit)),
        ):
            files.write(Path(folder) / name, data, 0o600)
        self._reach = importlib.import_module("rootlet.boardio.snippets.reach")
        told = self.reach("begin", f"{folder}/", BUNDLE, self.kit.values)
        if "code" in told:
            raise self.kit.fail(told["code"], told["detail"])


def _in_full(kit: Kit) -> bytes:
    """Return the bundle for OpenSSL, which takes no tiny anchors: full ones from the catalogue."""
    bundle = kit.bundle
    if not verify.has_tiny_anchor(bundle):
        return kit.bundle_data
    known = catalog.load()
    anchors = []
    for index in range(len(bundle.anchors)):
        original = bundle.original(index)
        found = known.by_sha256(original.hex())
        if found is None:
            why = "it has a tiny anchor that is not in the catalogue; OpenSSL takes none"
            raise kit.fail("FORMAT", why, "rootlet build --board linux-gateway -o FILE ...")
        anchors.append(bundles.Anchor(found.der, original))
    return bundles.encode(
        anchors, target=bundle.target, profile=bundle.profile, created=bundle.created
    )


def given(host: Host) -> str:
    """Look at the files: the bundle, the certificate, and whether the key is its own."""
    kit, request = host.kit, host.request
    kit.check_settings()
    names = kit.trusted()
    try:
        kit.cert = identity.read_certificate(request.cert, "the certificate")
        host.key = identity.read_key(request.key, "the key", kit.cert)
    except InputError as error:
        hint = error.hint
        raise kit.fail(error.code, f"{error.what}: {error.why}", hint) from error
    found = kit.certificate(time.time())
    return f"the bundle holds {names}; the key belongs to {found.subject}"


def clock(host: Host) -> str:
    """Compare this computer's clock with the time at which the bundle was made."""
    created, now = host.kit.bundle.created, time.time()
    if now < created - _DAY:
        why = f"this computer shows {moment(now)}; the bundle was made on {moment(created)}"
        raise host.kit.fail("CLOCK", why, "timedatectl set-ntp true")
    return moment(now)


def dns(host: Host) -> str:
    """Look the name up."""
    kit = host.kit
    kit.check_endpoint()
    try:
        found = socket.getaddrinfo(kit.address, kit.mqtt_port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise kit.fail("DNS", f"{kit.address}: {error}") from error
    return f"{kit.address} is {found[0][4][0]}"


def tcp(host: Host) -> str:
    """Open a connection and close it."""
    kit = host.kit
    try:
        socket.create_connection((kit.address, kit.mqtt_port), kit.timeout).close()
    except OSError as error:
        raise kit.fail("NET", f"{kit.address}:{kit.mqtt_port}: {error}") from error
    return f"port {kit.mqtt_port} is open"


def begin_tls(host: Host) -> str:
    """Shake hands, with the device package on this computer."""
    host.begin()
    return network.tls(host)


_REACH: tuple[Step[Host], ...] = (("dns", dns), ("tcp", tcp))
STEPS: tuple[Step[Host], ...] = (
    ("files", given),
    ("clock", clock),
    *_REACH,
    ("tls", begin_tls),
    *network.STEPS[1:],
)


def steps(request: Request) -> tuple[Step[Host], ...]:
    """Return the rungs that can be climbed with what was given.

    Without a bundle and an identity, these are name and port. Raises InputError for a part.
    """
    missing = [
        option
        for option, value in (
            ("--bundle", request.bundle),
            ("--cert", request.cert),
            ("--key", request.key),
            ("--thing", request.thing),
        )
        if not value
    ]
    if request.fix:
        raise InputError(
            "--fix is for a board",
            why="no --port is named",
            hint=f"rootlet doctor --port auto --fix {min(request.fix)}",
        )
    if not request.endpoint:
        raise InputError(
            "there is nothing to look at",
            why="neither a board nor an endpoint is named",
            hint="rootlet doctor --port auto, or rootlet doctor --endpoint HOST",
        )
    if not (request.bundle or request.cert or request.key):
        return _REACH
    if missing:
        raise InputError(
            f"{', '.join(missing)}: missing",
            why="a connection needs the bundle, the certificate, its key, and the thing",
            hint="give all four, or none to look at name and port only",
        )
    return STEPS
