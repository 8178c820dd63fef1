"""Both interpreters of the device package, and folders that hold a device's files."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

import on_micropython
from rootlet import board as boards
from rootlet import bundle, identity, resources
from rootlet.boardio import micropython
from rootlet.build import Request, build

if TYPE_CHECKING:
    from rootlet.lab import Hierarchy, Lab

DEVICE = resources.device_package().parent
SCRIPT = Path(__file__).parent / "device" / "session_script.py"
DOUBLE = Path(__file__).parent / "device" / "doubles"
_BOARDS = {"micropython": "virtual", "cpython": "linux-gateway"}


@dataclass
class Device:
    """A device on one interpreter: its folder of files, and its clock where that can be set."""

    interpreter: str
    folder: Path
    modules: Path | None = None

    def install(
        self,
        lab: Lab,
        roots: tuple[str, ...],
        profile: str = "both",
        *,
        trust: Hierarchy | None = None,
        client: Hierarchy | None = None,
        **settings: Any,
    ) -> None:
        """Write bundle, identity and settings for ``lab``; ``settings`` override the latter."""
        pki = trust or lab.pki
        files = tuple((r, pki.anchor(r).public_bytes(Encoding.DER)) for r in roots)
        request = Request(
            boards.load(_BOARDS[self.interpreter]),
            "none",
            # Long ago, so that the device's clock is what the test says.
            created=1_500_000_000,
            files=files,
            profile=profile,
            endpoint_tls12=True,
        )
        issued = (client or lab.pki).issue_identity("test-thing")
        key = identity.read_key(issued.key_der, "key", issued.cert_der)
        values: dict[str, Any] = {"endpoint": lab.endpoint, "thing": "test-thing"}
        values |= {"address": lab.host, "port": lab.port, "timeout": 5} | settings
        for name, data in (
            ("ta", build(request).data),
            ("cert.der", issued.cert_der),
            ("key.der", key),
            ("rootlet.json", json.dumps(values).encode()),
        ):
            (self.folder / name).write_bytes(data)

    def connect(self, message: str = "", clock: float | None = None) -> dict[str, Any]:
        """Run one connection in a process of its own and return what it printed.

        ``clock`` is the time that a board shows, seconds since 1970; CPython has this machine's.
        """
        return self.run(SCRIPT, *([message] if message else []), clock=clock)

    def run(self, script: Path, *arguments: str, clock: float | None = None) -> dict[str, Any]:
        """Run a script in a process of its own; return what it printed last."""
        command, environment = self._command(clock or time.time())
        done = subprocess.run(
            [*command, str(script), str(self.folder), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return answer

    def _command(self, clock: float) -> tuple[list[str], dict[str, str]]:
        if self.interpreter == "cpython":
            return [sys.executable, "-W", "error"], {"PYTHONPATH": str(DEVICE)}
        found = micropython.prepare()
        path = f"{DEVICE}:{self.modules or found.modules}"
        return on_micropython.start(self.folder, clock, path, found)


@pytest.fixture(params=["micropython", "cpython"])
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Device:
    """A device on each interpreter, without any file yet."""
    return Device(request.param, tmp_path)


def name_of(anchor: str, lab: Lab, roots: tuple[str, ...]) -> str:
    """Return which of the lab's ``roots`` has this SHA-256."""
    return {
        bundle.sha256(lab.pki.anchor(root).public_bytes(Encoding.DER)): root for root in roots
    }[anchor]
