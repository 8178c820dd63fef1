"""Putting an anchor into the store of a computer: the commands for each system, and running them.

Only the full form, byte for byte as the catalogue pins it (rule 13 of the security rules): other
programs do not expect less. What is installed is written from the bytes that were verified, so
no file can be exchanged in between.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rootlet import files, pem
from rootlet.errors import InputError, RootletError, TrustError
from rootlet.truststore import program

if TYPE_CHECKING:
    from rootlet.catalog import TrustAnchor

_FILE = "{file}"


@dataclass(frozen=True)
class System:
    """How one kind of system takes an anchor.

    ``folder`` is where its file goes, with ``ending``; None where a command takes the file from
    anywhere. ``command`` has ``{file}`` for it. ``names`` are ID or ID_LIKE of os-release(5), or
    ``sys.platform``.
    """

    id: str
    title: str
    names: tuple[str, ...]
    command: tuple[str, ...]
    folder: Path | None = None
    ending: str = ".crt"


#: By update-ca-certificates(8) of Debian and Alpine, update-ca-trust(8) of Fedora and Arch,
#: security(1) of macOS (-d: for all users), and certutil of Windows.
SYSTEMS = {
    one.id: one
    for one in (
        System(
            "debian",
            "Debian and Ubuntu",
            ("debian", "ubuntu"),
            ("update-ca-certificates",),
            Path("/usr/local/share/ca-certificates"),
        ),
        System(
            "fedora",
            "Fedora and RHEL",
            ("fedora", "rhel"),
            ("update-ca-trust", "extract"),
            Path("/etc/pki/ca-trust/source/anchors"),
            ".pem",
        ),
        System(
            "alpine",
            "Alpine",
            ("alpine",),
            ("update-ca-certificates",),
            Path("/usr/local/share/ca-certificates"),
        ),
        System(
            "arch",
            "Arch",
            ("arch",),
            ("update-ca-trust",),
            Path("/etc/ca-certificates/trust-source/anchors"),
        ),
        System(
            "macos",
            "macOS",
            ("darwin",),
            ("security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k",
             "/Library/Keychains/System.keychain", _FILE),
        ),
        System(
            "windows", "Windows", ("win32",), ("certutil", "-addstore", "-f", "ROOT", _FILE)
        ),
    )
}  # fmt: skip


def this_system() -> System:
    """Return the kind of this computer. Raises InputError when it is none that we know."""
    names = [sys.platform]
    release = Path("/etc/os-release")
    if release.is_file():
        values = dict(
            line.split("=", 1) for line in release.read_text().splitlines() if "=" in line
        )
        for key in ("ID", "ID_LIKE"):
            with contextlib.suppress(ValueError):  # a quote that does not end
                names += "".join(shlex.split(values.get(key, ""))).split()
    for name in names:
        for system in SYSTEMS.values():
            if name in system.names:
                return system
    raise InputError(
        f"rootlet does not know how {names[-1]} keeps its trust",
        why="neither os-release nor the platform is one of its own",
        hint=f"name the nearest with --system: {', '.join(SYSTEMS)}",
    )


def check(anchor: TrustAnchor) -> bytes:
    """Return the certificate in DER, with its hash verified, if it may be installed at all.

    Raises TrustError for a legacy root, and for a file that is not what the catalogue pins.
    """
    if anchor.role != "ats":
        raise TrustError(
            f"{anchor.name} is not for new trust",
            why=f"it is a legacy root: {anchor.note}",
            hint="rootlet certs list",
        )
    return anchor.der


def commands(anchor: TrustAnchor, system: System) -> list[str]:
    """Return the lines to paste, the first of which shows the hash. Raises what check raises."""
    check(anchor)
    if system.id == "windows":
        quoted = f'"{anchor.path}"'
        command = " ".join(quoted if word == _FILE else word for word in system.command)
        return [f"certutil -dump {quoted} | findstr sha256", command]
    source = shlex.quote(str(anchor.path))
    lines = [f"openssl x509 -in {source} -outform DER | openssl dgst -sha256 -r"]
    if target := place(anchor, system):
        lines.append(f"sudo install -m 644 {source} {shlex.quote(str(target))}")
    return [*lines, f"sudo {shlex.join(_filled(system, anchor.path))}"]


def place(anchor: TrustAnchor, system: System) -> Path | None:
    """Return where the file of an anchor goes, None where it is not kept as a file."""
    return system.folder / f"{anchor.id}{system.ending}" if system.folder else None


def apply(anchor: TrustAnchor, system: System) -> bool:
    """Install; whether the file was not there before. Needs the rights to.

    Raises what check raises, InputError when the file cannot be written, RootletError when the
    system's program is missing or fails: a file that was written is then taken back.
    """
    data = pem.armour(check(anchor)).encode()
    target = place(anchor, system)
    if target is None:
        with tempfile.TemporaryDirectory(prefix="rootlet-") as folder:
            file = Path(folder) / f"{anchor.id}.pem"
            files.write(file, data)
            _run(system, file)
        return True
    before = target.read_bytes() if target.is_file() else None
    if before != data:
        files.write(target, data)
    try:  # also when the file was there: nobody knows whether the system has seen it
        _run(system, target)
    except BaseException:  # Ctrl-C too: nothing is left for the system's next update
        if before is None:
            target.unlink()
        else:
            files.write(target, before)
        raise
    return before != data


def is_allowed() -> bool:
    """Whether this process may change the system's store."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - for Windows alone

        return bool(ctypes.windll.shell32.IsUserAnAdmin())  # type: ignore[attr-defined,unused-ignore]
    return os.geteuid() == 0


def _filled(system: System, file: Path) -> list[str]:
    return [str(file) if word == _FILE else word for word in system.command]


def _run(system: System, file: Path) -> None:
    ended = program.run(_filled(system, file))
    if ended is None or ended.status != 0:
        raise RootletError(
            f"{system.command[0]} did not take {file.name}",
            why=ended.complaint if ended else "there is no such program",
            hint="the file was taken back: see what it prints when you run it by hand",
        )
