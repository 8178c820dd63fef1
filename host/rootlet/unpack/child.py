"""Reading hostile images with libraries in C: in a process of its own, which may die or hang.

The parent hands over the image as standard input and gets ``(name, content)`` pairs back as
frames: two lengths (u32, big-endian), the name, the content. An empty name ends them; a child
that ends without one has failed, and its reason is lost with it.
"""

from __future__ import annotations

import contextlib
import importlib
import resource
import struct
import subprocess
import sys
import tempfile
import threading
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rootlet.scan.source import Source

#: Seconds, bytes of memory, bytes of one file, bytes of all, files.
SECONDS = 20
MEMORY = 1 << 30
MAX_FILE = 16 << 20
MAX_ALL = 64 << 20
MAX_FILES = 10_000
_FRAME = struct.Struct(">II")
_CHUNK = 1 << 20


class UnpackError(Exception):
    """The image cannot be read; the message says why."""


def run(reader: str, source: Source, *arguments: int) -> Iterator[tuple[str, bytes]]:
    """Yield what ``rootlet.unpack.READER`` reads out of ``source``.

    Raises UnpackError when the child dies, takes too long or breaks a limit.
    """
    # -P: the folder that is looked at is no place to import from.
    program = [sys.executable, "-P", "-m", "rootlet.unpack.child"]
    command = [*program, reader, *map(str, arguments)]
    with tempfile.TemporaryFile(prefix="rootlet-audit-") as image:
        for at in range(0, source.size, _CHUNK):
            image.write(source.read(at, _CHUNK))
        image.seek(0)
        child = subprocess.Popen(
            command, stdin=image, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        timer = threading.Timer(SECONDS, child.kill)
        timer.start()
        try:
            yield from _frames(child.stdout)  # type: ignore[arg-type] # it is a pipe
        finally:
            timer.cancel()
            child.kill()
            child.communicate()


def _frames(stream: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    files = size = 0
    while True:
        name_size, content_size = _FRAME.unpack(_exactly(stream, _FRAME.size))
        files, size = files + 1, size + name_size + content_size
        if name_size > 4096 or content_size > MAX_FILE or size > MAX_ALL or files > MAX_FILES:
            raise UnpackError("it holds more than can be looked at")
        name = _exactly(stream, name_size).decode(errors="replace")
        content = _exactly(stream, content_size)
        if not name:
            return
        yield name, content


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise UnpackError("it is damaged, or is not what it seems")
    return data


def main(reader: str, *arguments: str) -> None:
    """Be the child: limit oneself, read standard input, write frames."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    module = importlib.import_module(f"rootlet.unpack.{reader}")
    read: Callable[..., Iterator[tuple[str, bytes]]] = module.read
    for name, content in read(sys.stdin.fileno(), *map(int, arguments)):
        _write(name.encode(errors="replace")[:4096] or b"?", content[:MAX_FILE])
    _write(b"", b"")


def _write(name: bytes, content: bytes) -> None:
    sys.stdout.buffer.write(_FRAME.pack(len(name), len(content)) + name + content)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        main(*sys.argv[1:])
