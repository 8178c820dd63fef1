"""A device of the fleet on either interpreter that rotates in the lab; each run is a boot."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fixtures_device import DEVICE
from rootlet import identity
from rootlet.boardio.virtual.process import FIRMWARE
from rotation_cases import KEYS, Release

if TYPE_CHECKING:
    from fixtures_device import Device
    from rootlet.lab import Lab

_HERE = Path(__file__).parent / "device"


class RotatingDevice:
    """Has the lab's roots, sequence 1, the fleet's keys and an identity."""

    def __init__(self, device: Device, lab: Lab, first: bytes = b"", **settings: Any) -> None:
        issued = lab.pki.issue_identity("test-thing")
        values: dict[str, Any] = {"endpoint": lab.endpoint, "thing": "test-thing"}
        values |= {"address": lab.host, "port": lab.port, "timeout": 5} | settings
        bundle = first or Release(lab.pki).encode()
        files = {
            "ta": bundle,
            "cert.der": issued.cert_der,
            "key.der": identity.read_key(issued.key_der, "key", issued.cert_der),
            "rootlet.json": json.dumps(values).encode(),
        }
        self.ship(device, files, KEYS)

    def ship(self, device: Device, files: dict[str, bytes], keys: bytes) -> None:
        """Write what a device leaves the factory with."""
        self._device, self.folder = device, device.folder
        for name, data in (files | self._factory(files["ta"], keys)).items():
            (self.folder / name).write_bytes(data)

    def _factory(self, bundle: bytes, keys: bytes) -> dict[str, bytes]:
        if self._device.interpreter == "cpython":
            return {"factory.rlt": bundle, "factory.rlk": keys}
        return {"rootlet_factory.py": f"BUNDLE = {bundle!r}\nKEYS = {keys!r}\n".encode()}

    def run(self, *steps: Any, how: str = "sync") -> list[dict[str, Any]]:
        """Start it, take these steps, and return what it told."""
        return self.script(_HERE / "live_script.py", self._steps(steps), how)

    def script(self, script: Path, *arguments: str | Path) -> list[dict[str, Any]]:
        """Start it with a script; return the lines of JSON that it printed."""
        command, environment = self._device._command(time.time())
        if self._device.interpreter == "micropython":
            more = (".frozen", self.folder, _HERE / "clients", FIRMWARE)
            environment["MICROPYPATH"] += "".join(f":{one}" for one in more)
        else:
            environment["PYTHONPATH"] = f"{DEVICE}:{_HERE / 'clients'}"
        done = subprocess.run(
            [*command, str(script), str(self.folder), *map(str, arguments)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def _steps(self, steps: tuple[Any, ...]) -> Path:
        path = self.folder / "steps.json"
        path.write_text(json.dumps([[one] if isinstance(one, str) else one for one in steps]))
        return path


def hooks(told: list[dict[str, Any]]) -> list[str]:
    """Return the hooks that were called, in order."""
    return [one["hook"] for one in told if "hook" in one]


def called(told: list[dict[str, Any]], hook: str) -> list[Any]:
    """Return the arguments of the only call of a hook."""
    (found,) = [one["arguments"] for one in told if one.get("hook") == hook]
    arguments: list[Any] = found
    return arguments
