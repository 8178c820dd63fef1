"""Running the shaker: one process for each set of signature algorithms, all targets in each."""

from __future__ import annotations

import base64
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from rootlet.errors import RootletError
from rootlet.net.offers import SIGNATURES, Offer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_GRACE = 3.0  # seconds from the end of the lease to SIGKILL
# ssl_conf: config(5); SignatureAlgorithms: SSL_CONF_cmd(3).
_CONFIG = """\
openssl_conf = probe
[probe]
ssl_conf = probe_ssl
[probe_ssl]
system_default = probe_tls
[probe_tls]
SignatureAlgorithms = {algorithms}
"""


@dataclass(frozen=True)
class Target:
    """Whom to ask: ``name`` is what the server is called, ``host`` where it is found.

    ``starttls`` is ``smtp``, ``imap`` or nothing; ``offers`` come in any order.
    """

    host: str
    port: int
    name: str
    starttls: str
    offers: tuple[Offer, ...]


@dataclass(frozen=True)
class Attempt:
    """What one offer was shown: a chain in DER, leaf first, or a code and a reason.

    ``version``, ``suite`` and ``alpn`` are what the server chose; everything it says is hostile
    except the form. The server has proved that it holds the leaf's key.
    """

    target: int
    offer: str
    chain: tuple[bytes, ...] = ()
    version: str = ""
    suite: str = ""
    alpn: str = ""
    code: str = ""
    reason: str = ""


def shake(targets: Sequence[Target], seconds: float) -> Iterator[Attempt]:
    """Yield each attempt as it ends; an offer whose target cannot be reached has none.

    ``seconds`` is for one connection. Raises RootletError when a process does not come back.
    """
    answers: queue.SimpleQueue[Attempt | str] = queue.SimpleQueue()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rootlet-")))
        for families in SIGNATURES:
            stack.enter_context(
                _Shaker(families, _work(targets, families, seconds), folder, answers)
            )
        for _ in SIGNATURES:
            while isinstance(answer := answers.get(), Attempt):
                yield answer
            if answer:
                raise RootletError(
                    "a probe process ended early",
                    why=answer,
                    hint="report it, with the output of --debug",
                )


def _work(targets: Sequence[Target], families: str, seconds: float) -> dict[str, Any]:
    return {
        "seconds": seconds,
        "targets": [
            {
                **{key: value for key, value in vars(one).items() if key != "offers"},
                "offers": [asdict(each) for each in one.offers if each.families == families],
            }
            for one in targets
        ],
    }


class _Shaker:
    """One process; it and its reader have gone when the block ends, whatever ended it."""

    def __init__(
        self,
        families: str,
        work: dict[str, Any],
        folder: Path,
        answers: queue.SimpleQueue[Attempt | str],
    ) -> None:
        config = folder / f"{families}.cnf"
        config.write_text(_CONFIG.format(algorithms=SIGNATURES[families]), encoding="ascii")
        self._log = folder / f"{families}.log"
        with self._log.open("wb") as errors:
            self._process = subprocess.Popen(
                # -P: this folder is no place to import from.
                [sys.executable, "-P", "-m", "rootlet.net.shaker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "OPENSSL_CONF": str(config)},
                start_new_session=True,  # Ctrl-C is for us, who then end the lease
            )
        self._answers = answers
        self._lease = cast("IO[bytes]", self._process.stdin)
        with suppress(BrokenPipeError):  # it has died: its reader says why
            self._lease.write(json.dumps(work).encode() + b"\n")
            self._lease.flush()
        self._reader = threading.Thread(target=self._read, name="probe", daemon=True)

    def __enter__(self) -> None:
        self._reader.start()

    def __exit__(self, *_error: object) -> None:
        with suppress(BrokenPipeError):
            self._lease.close()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        with (
            suppress(ValueError, TypeError),  # a line that was cut off: its status says why
            cast("IO[bytes]", self._process.stdout) as lines,
        ):
            for line in lines:
                told = json.loads(line)
                told.pop("final", None)
                chain = tuple(base64.b64decode(each) for each in told.pop("chain", ()))
                self._answers.put(Attempt(chain=chain, **told))
        status = self._process.wait()
        last = self._log.read_text(errors="replace").splitlines()[-1:]
        self._answers.put("".join(last) or f"exit status {status}" if status else "")
