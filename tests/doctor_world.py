"""A board and an endpoint that can be broken in every way that users meet, one at a time."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import shutil
import threading
import time
import tty
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import serial
from cryptography.hazmat.primitives.serialization import Encoding
from littlefs import LittleFS, UserContext

from fixtures_device import DOUBLE
from rootlet import board as boards
from rootlet import doctor, flash, identity
from rootlet.boardio.littlefs import BLOCK_BYTES
from rootlet.build import Request, build

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rootlet.boardio.virtual import VirtualBoard
    from rootlet.doctor import Outcome
    from rootlet.lab import Hierarchy, Lab

THING = "doctor-thing"
RSA, ECC = "amazon-root-ca-1", "amazon-root-ca-3"
#: Long ago, so that the board's clock is what the test says.
CREATED = 1_500_000_000


def bundle(
    pki: Hierarchy,
    *roots: str,
    profile: str = "both",
    board: str = "virtual",
    created: int = CREATED,
) -> bytes:
    """Return a bundle of the lab's roots."""
    files = tuple((r, pki.anchor(r).public_bytes(Encoding.DER)) for r in roots)
    request = Request(
        boards.load(board), "none", created, files=files, profile=profile, endpoint_tls12=True
    )
    return build(request).data


@dataclass(frozen=True)
class Broken:
    """What is wrong: files on the board (None: missing), settings, the lab's face, the clock."""

    files: Mapping[str, bytes | str | None] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    face: dict[str, Any] = field(default_factory=dict)
    clock: float = 0.0


class World:
    """A virtual board that holds all it needs for a running lab."""

    def __init__(self, board: VirtualBoard, lab: Lab, folder: Path) -> None:
        self.board, self.lab = board, lab
        self.port = board.port
        issued = lab.pki.issue_identity(THING)
        self.cert = issued.cert_der
        self.key = identity.read_key(issued.key_der, "key", self.cert)
        self.settings = {
            "endpoint": lab.endpoint,
            "thing": THING,
            "address": lab.host,
            "port": lab.port,
            "timeout": 5,
        }
        contents = flash.contents(bundle(lab.pki, RSA, ECC), None)
        contents |= {"rootlet.json": self._settings({}), "cert.der": self.cert}
        flash.flash(self.port, contents | {"key.der": self.key}, lambda *_: None)
        board.power_off()
        self._whole = folder / "whole.bin"
        shutil.copyfile(board.flash_image, self._whole)
        self.contents = contents
        board.power_on()

    def _settings(self, changes: dict[str, Any]) -> bytes:
        return json.dumps({**self.settings, **changes}).encode()

    @contextlib.contextmanager
    def broken(self, how: Broken) -> Iterator[None]:
        """Let it be broken inside ``with``; the board is made anew each time."""
        self.board.power_off()
        shutil.copyfile(self._whole, self.board.flash_image)
        files = dict(how.files)
        if how.settings:
            files["rootlet.json"] = self._settings(how.settings)
        with self.storage() as storage:
            for path, data in files.items():
                _put(storage, path, data.encode() if isinstance(data, str) else data)
        self.board.power_on()
        self.board.set_clock(how.clock or time.time())
        with self.lab.showing(**how.face) if how.face else contextlib.nullcontext():
            yield

    @contextlib.contextmanager
    def storage(self) -> Iterator[LittleFS]:
        """Open the flash image of a board without power; what was changed is kept."""
        data = bytearray(self.board.flash_image.read_bytes())
        context = UserContext(buffer=data)
        count = len(data) // BLOCK_BYTES
        found = LittleFS(context, block_size=BLOCK_BYTES, block_count=count, mount=False)
        found.mount()
        yield found
        self.board.flash_image.write_bytes(context.buffer)

    def files(self) -> dict[str, bytes]:
        """Return every file on the board; it is without power meanwhile."""
        clock = self.board.clock()
        self.board.power_off()
        found = {}
        with self.storage() as storage:
            for root, _, names in storage.walk("/"):
                for name in names:
                    path = f"{root.rstrip('/')}/{name}"
                    with storage.open(path, "rb") as file:
                        found[path.lstrip("/")] = file.read()
        self.board.power_on()
        self.board.set_clock(clock)
        return found

    def climb(self, **options: Any) -> list[Outcome]:
        """Return what each step showed."""
        return climb(doctor.Request(port=self.port, **options))


def climb(request: doctor.Request) -> list[Outcome]:
    """Return what each step showed."""
    patient, steps = doctor.patient(request)
    with patient:
        return list(doctor.climb(steps, patient, lambda _name: None))


def _put(storage: LittleFS, path: str, data: bytes | None) -> None:
    if data is None:
        storage.remove(path)
        return
    folder = path.rpartition("/")[0]
    if folder:
        storage.makedirs(folder, exist_ok=True)
    with storage.open(path, "wb") as file:
        file.write(data)


def umqtt(*dropped: str) -> str:
    """Return the double of umqtt.simple without some arguments: 1.4 and 1.5 lack ssl_params."""
    lines = (DOUBLE / "umqtt" / "simple.py").read_text().splitlines()
    kept = [line for line in lines if not line.strip().startswith(tuple(f"{d}=" for d in dropped))]
    return "\n".join(kept).replace("self.ssl = ssl", "self.ssl = None" if "ssl" in dropped else
                                   "self.ssl = ssl")  # fmt: skip


class SerialPeer:
    """Something at a port that is no MicroPython: what it says to anything, and how it answers."""

    def __init__(self, says: bytes = b"", *, rom_loader: bool = False) -> None:
        self._says, self._rom_loader = says, rom_loader
        self._line, self._inner = pty.openpty()
        tty.setraw(self._inner)
        self.port = os.ttyname(self._inner)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._inner)  # the outer end then reads EIO
        self._thread.join()
        os.close(self._line)

    def _serve(self) -> None:
        heard = b""
        with contextlib.suppress(OSError):
            while True:
                heard += os.read(self._line, 1000)
                os.write(self._line, self._says)
                for frame in heard.split(b"\xc0"):
                    if self._rom_loader and _is_sync(frame):
                        heard = b""
                        os.write(self._line, _SYNCED * 8)


def _is_sync(frame: bytes) -> bool:
    """Whether it is a SYNC command: request, 0x08, 36 bytes of data, no checksum."""
    return frame[:4] == b"\0\x08\x24\0" and frame[8:] == b"\x07\x07\x12\x20" + b"U" * 32


#: Response to command 0x08: no data but four bytes of status (ESP32's ROM loader).
_SYNCED = b"\xc0\x01\x08\x04\x00\x07\x12\x20\x55\x00\x00\x00\x00\xc0"


def hear(port: str, words: bytes) -> None:
    """Return when the board has said something."""
    with serial.Serial(port, timeout=30) as line:
        assert line.read_until(words).endswith(words)
