"""pytest fixtures for boards: ``board``, ``lab`` and ``bundle``. docs/hil.md describes them.

pytest loads this in every run on a computer where rootlet is installed, so it imports nothing
but pytest until a fixture is used, and does nothing unless one is. Without hardware a test that
needs it is skipped.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rootlet.hil import Board
    from rootlet.lab import Hierarchy, Lab

_MARKERS = (
    "board(kind): the test needs this board: real, virtual, or a platform such as esp32",
    "lab(**options): options of rootlet.lab.Lab for this test, such as preference or tls13",
    "bundle(roots, profile): what the board is to trust: ids of roots, and a cipher profile",
)
_BREATH = 0.05  # seconds between two looks for a free port


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the command line and of the configuration."""
    group = parser.getgroup("rootlet", "boards under test (rootlet)")
    group.addoption(
        "--board-port",
        action="append",
        default=[],
        metavar="PORT",
        help="a real board, as mpremote names it; may be repeated, tests share the boards out",
    )
    group.addoption(
        "--lab-bind",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address of this computer that real boards reach",
    )
    parser.addini("lab_broker", "broker of the lab: auto, mosquitto or amqtt", default="auto")


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known, for --strict-markers."""
    for line in _MARKERS:
        config.addinivalue_line("markers", line)


@pytest.fixture(scope="session")
def lab_pki() -> Hierarchy:
    """The CA hierarchy of the run: names of AWS, new keys, in memory."""
    from rootlet.lab import Hierarchy  # noqa: PLC0415 - see the module docstring

    return Hierarchy.fresh()


@pytest.fixture
def lab(request: pytest.FixtureRequest, lab_pki: Hierarchy) -> Iterator[Lab]:
    """A running endpoint shaped like AWS IoT, with the options of the marker ``lab``."""
    from rootlet.lab import Lab  # noqa: PLC0415 - see the module docstring

    marker = request.node.get_closest_marker("lab")
    options = {
        "bind": request.config.getoption("--lab-bind"),
        "broker": request.config.getini("lab_broker"),
        **(marker.kwargs if marker else {}),
    }
    with Lab(pki=lab_pki, **options) as running:
        yield running


@pytest.fixture
def bundle(request: pytest.FixtureRequest, lab: Lab) -> bytes:
    """The bytes of a bundle for ``lab``: Root CA 1 and 3, or what the marker ``bundle`` says."""
    from rootlet.hil import bundle_for  # noqa: PLC0415 - see the module docstring
    from rootlet.lab.scenarios import Bundle  # noqa: PLC0415

    marker = request.node.get_closest_marker("bundle")
    hint = Bundle(*marker.args, **marker.kwargs) if marker else Bundle()
    data = bundle_for(lab, hint)
    _record(
        request,
        bundle=f"{', '.join(hint.roots)}; profile {hint.profile}",
        bundle_sha256=hashlib.sha256(data).hexdigest(),
    )
    return data


@pytest.fixture
def board(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Board]:
    """A board: one of --board-port, which no other test has meanwhile, or a new virtual one."""
    marker = request.node.get_closest_marker("board")
    kind = str(marker.args[0]) if marker and marker.args else ""
    ports = [] if kind == "virtual" else list(request.config.getoption("--board-port"))
    if kind == "real" and not ports:
        pytest.skip("needs a real board: --board-port PORT")
    opened = _real(ports, _shared(tmp_path_factory)) if ports else _virtual(tmp_path_factory)
    with opened as found:
        platform = found.info["platform"]
        if kind not in ("", "real", "virtual", platform):
            pytest.skip(f"needs {kind}, this board is {platform}")
        _record(
            request,
            board=found.port if found.virtual is None else "virtual",
            board_id=found.info["unique_id"],
            firmware=found.firmware,
        )
        yield found


def _record(request: pytest.FixtureRequest, **properties: str) -> None:
    """Add properties to the JUnit file; record_property does the same, with a warning."""
    request.node.user_properties += properties.items()


@contextmanager
def _real(ports: list[str], shared: Path) -> Iterator[Board]:
    from rootlet.hil import Board  # noqa: PLC0415 - see the module docstring

    with _one_of(ports, shared) as port:
        if port.startswith("/") and not os.path.exists(port):  # noqa: PTH110 - a device, no file
            pytest.skip(f"no board at {port}")
        yield Board(port)


@contextmanager
def _virtual(folders: pytest.TempPathFactory) -> Iterator[Board]:
    from rootlet.boardio import micropython  # noqa: PLC0415 - see the module docstring
    from rootlet.boardio.virtual import VirtualBoard  # noqa: PLC0415
    from rootlet.errors import RootletError  # noqa: PLC0415
    from rootlet.hil import Board  # noqa: PLC0415

    try:
        interpreter = micropython.prepare()
    except RootletError as error:
        pytest.skip(f"no MicroPython for a virtual board: {error.what}; {error.why}")
    with VirtualBoard(folders.mktemp("board"), interpreter=interpreter) as running:
        yield Board(running.port, running)


def _shared(folders: pytest.TempPathFactory) -> Path:
    """Return a folder that all workers of this run have in common."""
    base = folders.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@contextmanager
def _one_of(ports: list[str], shared: Path) -> Iterator[str]:
    """Wait for a port that no other worker has, and hold it; each worker has a favourite."""
    first = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % len(ports)
    order = ports[first:] + ports[:first]
    while True:
        for port in order:
            name = hashlib.sha256(port.encode()).hexdigest()[:16]
            with (shared / f"port-{name}.lock").open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield port
                return
        time.sleep(_BREATH)
