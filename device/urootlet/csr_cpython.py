"""A new certificate for a gateway: its key is made here, and a program of the owner has it signed.

The program is called in two ways. ``PROGRAM sign`` gets a certificate signing request (PEM,
RFC 2986) on standard input and answers with the certificate on standard output, PEM, its own one
first. ``PROGRAM retire ID`` is called when the new certificate has been confirmed; ID is the
SHA-256 of the old one's DER in hex, which is what AWS IoT calls its certificate id. Each answers
with exit status 0 within two minutes, or is ended with all that it has started, and called again
after 5 minutes, then 10, and so on, at most daily.
"""

import contextlib
import hashlib
import logging
import os
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .errors import Error
from .renewal import Renewal, split
from .replace_cpython import remove, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Files in the device's folder: the key of a request that is on its way, and which certificate
#: was the last to be retired.
KEY, RETIRED = "inew", "iret"
_SECONDS = 120
_FIRST_PAUSE, _LONGEST_PAUSE = 300, 86_400  # seconds between calls that fail
_MOST = 65_536  # bytes of an answer

log = logging.getLogger("urootlet")


class Renewer:
    """Renews the certificate of one device when it ends soon.

    ``days`` is how long before its end; of a certificate that lives shortly, its last third.
    """

    def __init__(self, renewal: Renewal, program: "Sequence[str]", days: int) -> None:
        self._renewal, self._program = renewal, list(program)
        self._days = timedelta(days=days)
        self._folder = renewal.trust.store.folder
        #: Of work that failed: when it may be tried again, and how long to wait the next time.
        self._waits: dict[str, tuple[float, int]] = {}

    def try_renew(self) -> bool:
        """Renew if that is due; tell whether a new pair waits. A failure is logged, and waits."""
        return self._try(self._renew_when_due)

    def try_retire(self) -> None:
        """Retire the certificate before a confirmed one, with failures as :meth:`try_renew`."""
        self._try(self._retire)

    def _try(self, work: "Callable[[], bool]") -> bool:
        when, pause = self._waits.get(work.__name__, (0.0, _FIRST_PAUSE))
        if time.monotonic() < when:
            return False
        try:
            done = work()
        except (Error, OSError, ValueError) as error:  # ValueError: a certificate nobody can read
            log.warning("%s; again in %d minutes", error, pause // 60)
            self._waits[work.__name__] = time.monotonic() + pause, min(2 * pause, _LONGEST_PAUSE)
            return False
        self._waits.pop(work.__name__, None)
        return done

    def _renew_when_due(self) -> bool:
        if self.due:
            self.renew()
            return True
        return False

    @property
    def due(self) -> bool:
        """Whether the active certificate ends soon, and no new one waits."""
        if self._renewal.status()["state"] != "idle":
            return False
        found = _read(self._renewal.active())
        begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
        return datetime.now(UTC) > ends - min(self._days, (ends - begins) / 3)

    def renew(self) -> None:
        """Have a new certificate signed, and make it the candidate. Raises Error: CLIENTCERT."""
        thing = self._renewal.trust.identity.config.thing
        key = self._key()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, thing)])
        request = x509.CertificateSigningRequestBuilder(name).sign(key, hashes.SHA256())
        answer = self._run("sign", given=request.public_bytes(serialization.Encoding.PEM))
        cert = self._accept(answer, key)
        remove(self._folder + KEY)  # before it is part of a pair: no power cut makes it two
        self._renewal.offer(cert, _encode(key))

    def _retire(self) -> bool:
        """Tell that the certificate before a confirmed one is not used any more, once."""
        before = self._renewal.previous()
        done = self._folder + RETIRED
        name = before and hashlib.sha256(split(before)[0]).hexdigest().encode()
        if _content(done) == name or not name:
            return False
        self._run("retire", name.decode())
        replace(done, name)
        log.info("certificate %s is retired", name.decode())
        return True

    def _key(self) -> ec.EllipticCurvePrivateKey:
        """Return the key of a request that got no answer, or a new one, which is kept first.

        One that is part of a pair already, as after a backup was restored, is no such key.
        """
        kept = _content(self._folder + KEY)
        try:
            found = serialization.load_der_private_key(kept, None)
        except ValueError:
            found = None
        pairs = self._renewal.active(), self._renewal.previous()
        used = any(pair.endswith(kept) for pair in pairs)
        if isinstance(found, ec.EllipticCurvePrivateKey) and not used:
            return found
        made = ec.generate_private_key(ec.SECP256R1())
        replace(self._folder + KEY, _encode(made))
        return made

    def _accept(self, answer: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
        """Return the certificate of an answer as DER, if it is for this key and ends later."""
        try:
            found = x509.load_pem_x509_certificate(answer)
        except ValueError as error:
            raise Error("CLIENTCERT", "the program's answer is no certificate") from error
        if found.public_key() != key.public_key():
            raise Error("CLIENTCERT", "the new certificate is for another key")
        if found.not_valid_after_utc <= _read(self._renewal.active()).not_valid_after_utc:
            raise Error("CLIENTCERT", "the new certificate ends no later than the old one")
        return found.public_bytes(serialization.Encoding.DER)

    def _run(self, *arguments: str, given: bytes = b"") -> bytes:
        what = f"{self._program[0]} {arguments[0]}"
        try:
            with subprocess.Popen(  # noqa: S603 - the owner's own program, without a shell
                [*self._program, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            ) as child:
                try:
                    answer = child.communicate(given, timeout=_SECONDS)[0]
                except BaseException:
                    _end(child)
                    raise
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Error("CLIENTCERT", f"{what}: {error}") from error
        if child.returncode or len(answer) > _MOST:
            raise Error("CLIENTCERT", f"{what} ended with {child.returncode}")
        return answer


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End a program with all that it has started."""
    if child.returncode is None:  # or its number may be another's by now
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)


def _read(pair: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(split(pair)[0])


def _encode(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a key as SEC 1 (RFC 5915), as a board's files have it."""
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(4096)
    except FileNotFoundError:
        return b""
