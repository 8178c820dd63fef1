"""Debian packages without installing them: fetched and verified by APT, unpacked into a folder.

The machine's own sources are used, its mirrors, proxies and keys included; only the suite is
changed to one that has the package. APT verifies the signatures and hashes as it always does
(apt-secure(8)); options that would turn that off are not taken over. Nothing of the machine's
APT state is read or written.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rootlet.errors import BoardError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Progress = Callable[[int, int, str], None]

#: Debian 13, the first suite whose packages are new enough.
SUITE = "trixie"
#: Suites before it, by name; their entries are read as entries of ``SUITE``.
_OLDER = ("buster", "bullseye", "bookworm", "oldoldstable", "oldstable")
_NEWER = (SUITE, "forky", "stable", "testing", "sid", "unstable")
_ALLOWED = ("Types", "URIs", "Suites", "Components", "Architectures", "Signed-By")
_PROGRAMS = ("apt-get", "dpkg-deb")
#: Bytes that the package lists and packages take while they are read; Debian 13's take 70 MB.
_ROOM = 150_000_000
#: Seconds without a sign of life from APT, which has timeouts of its own, before it is ended.
_SILENCE = 150
_HINT = "install MicroPython 1.24 or newer with the tls module yourself, and faketime, on PATH"

#: Appended to the machine's configuration. No hook of the machine runs on our private lists.
_CONFIGURATION = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
Dir::State "{work}/state";
Dir::State::status "{work}/status";
Dir::State::extended_states "{work}/extended_states";
Dir::Cache "{work}/cache";
Dir::Log "{work}";
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "{work}/sources";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "{work}/none";
Debug::NoLocking "true";
Acquire::Languages "none";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
APT::Get::AllowUnauthenticated "false";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
"""
_FOREIGN = """\
#clear APT::Architectures;
APT::Architecture "{0}";
APT::Architectures "{0}";
"""


def unpack(
    packages: Sequence[str], into: Path, progress: Progress, *, architecture: str = ""
) -> dict[str, str]:
    """Unpack packages and everything they depend on; return each name with its version.

    ``progress(done, total, what)`` is called as it goes. Another ``architecture`` than the
    machine's (such as i386) is read from the suite as it was released, without its updates.
    Raises BoardError when this machine has no APT, is no Debian, or the packages cannot be
    fetched, verified or written.
    """
    for program in _PROGRAMS:
        if shutil.which(program) is None:
            raise BoardError(
                f"cannot fetch {packages[0]}", why=f"this machine has no {program}", hint=_HINT
            )
    stanzas = _our_sources(_machine_sources(Path("/etc/apt")), architecture)
    try:
        # APT fetches as a user without rights: it must be able to reach the folder.
        with tempfile.TemporaryDirectory(prefix="rootlet-apt-") as work:
            Path(work).chmod(0o755)
            _need_room(Path(work))
            archives = _fetch(packages, Path(work), stanzas, progress, architecture)
            return _extract(archives, into, progress)
    except OSError as error:
        why = f"{error.strerror}: {error.filename}" if error.filename else str(error)
        raise BoardError(f"cannot unpack {packages[0]}", why=why, hint="df -h") from error


def _need_room(work: Path) -> None:
    """Refuse to start on a disk that is nearly full: APT waits for ever when it fills up."""
    free = shutil.disk_usage(work).free
    if free < _ROOM:
        why = f"{work.parent} has {free >> 20} MB free and {_ROOM >> 20} MB are needed for a while"
        raise BoardError("cannot fetch packages", why=why, hint=f"df -h {work.parent}")


def _fetch(
    packages: Sequence[str],
    work: Path,
    stanzas: Sequence[str],
    progress: Progress,
    architecture: str,
) -> list[Path]:
    for folder in ("sources", "none", "state/lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    (work / "status").touch()
    (work / "sources" / "rootlet.sources").write_text("\n\n".join(stanzas) + "\n")
    configuration = work / "apt.conf"
    foreign = _FOREIGN.format(architecture) if architecture else ""
    configuration.write_text(_CONFIGURATION.format(work=work) + foreign)
    apt = ["apt-get", "-c", str(configuration), "-q"]
    _apt([*apt, "--error-on=any", "update"], "package lists", progress)
    _apt([*apt, "install", "-y", "--download-only", *packages], "packages", progress)
    return sorted((work / "cache" / "archives").glob("*.deb"))


def _apt(command: list[str], what: str, progress: Progress) -> None:
    """Run APT and follow its status lines, ``dlstatus:<n>:<percent>:<text>``."""
    reader, writer = os.pipe()
    command = [*command, "-o", f"APT::Status-Fd={writer}"]
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    with (
        os.fdopen(reader, "rb", buffering=0) as status,
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            command,
            pass_fds=(writer,),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=environment,
        ) as process,
    ):
        os.close(writer)
        while select.select([status], [], [], _SILENCE)[0] and (line := status.readline()):
            kind, _, rest = line.decode().partition(":")
            if kind == "dlstatus":
                progress(int(float(rest.split(":")[1])), 100, what)
        try:
            failed = process.wait(_SILENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            failed = process.wait()
        if failed:
            said.seek(0)
            _refuse(what, said.read().decode(errors="replace"))
    progress(100, 100, what)


def _refuse(what: str, said: str) -> None:
    lines = said.strip().splitlines() or ["it gives no reason"]
    complaints = [line[3:].strip() for line in lines if line.startswith("E: ")]
    raise BoardError(f"APT cannot fetch the {what}", why=(complaints or lines)[0], hint=_HINT)


def _extract(archives: Sequence[Path], into: Path, progress: Progress) -> dict[str, str]:
    versions = {}
    for done, archive in enumerate(archives):
        progress(done, len(archives), "unpacking")
        name, version, _ = archive.stem.split("_")
        versions[name] = version.replace("%3a", ":")
        result = subprocess.run(
            [shutil.which("dpkg-deb") or "dpkg-deb", "-x", archive, into],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            why = result.stderr.strip().splitlines()[:1]
            raise BoardError(f"cannot unpack {name}", why=" ".join(why), hint=f"df -h {into}")
    progress(len(archives), len(archives), "unpacking")
    return versions


def _machine_sources(folder: Path) -> list[dict[str, str]]:
    """Return the machine's sources, in both formats of sources.list(5), as deb822 fields."""
    stanzas: list[dict[str, str]] = []
    for path in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]:
        if not path.is_file():
            continue
        if path.suffix == ".list":
            stanzas += parse_one_line(path.read_text())
        elif path.suffix == ".sources":
            stanzas += parse_deb822(path.read_text())
    return stanzas


def parse_one_line(text: str) -> list[dict[str, str]]:
    """Read ``deb [options] uri suite component...`` lines."""
    stanzas = []
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if match:
            options, uri, suite, components = match.groups()
            fields = {"Types": "deb", "URIs": uri, "Suites": suite, "Components": components}
            for key, value in re.findall(r"(\S+?)=(\S+)", options or ""):
                if key in ("signed-by", "arch"):
                    name = {"signed-by": "Signed-By", "arch": "Architectures"}[key]
                    fields[name] = value.replace(",", " ")
            stanzas.append(fields)
    return stanzas


def parse_deb822(text: str) -> list[dict[str, str]]:
    """Read stanzas of ``Field: value`` lines; a value may go on in indented lines."""
    stanzas = []
    for block in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t") and name:
                fields[name] += "\n" + line
            elif ":" in line:
                key, value = line.split(":", 1)
                name = {known.lower(): known for known in _ALLOWED}.get(key.lower(), key)
                fields[name] = value.strip()
        if fields and fields.get("Enabled", "yes").lower() not in ("no", "false"):
            stanzas.append(fields)
    return stanzas


def _our_sources(stanzas: Sequence[dict[str, str]], architecture: str) -> list[str]:
    ours = list(rewrite(stanzas, architecture))
    if not ours:
        raise BoardError(
            "cannot fetch MicroPython packages",
            why="this machine's APT sources name no Debian suite",
            hint=_HINT,
        )
    return ours


def rewrite(stanzas: Sequence[dict[str, str]], architecture: str = "") -> Iterator[str]:
    """Yield the Debian stanzas, with the suite changed, and no option that weakens a check.

    Those for another ``architecture`` name the suite alone.
    """
    for fields in stanzas:
        suites = [moved for suite in fields.get("Suites", "").split() if (moved := _move(suite))]
        if architecture:
            suites = [suite for suite in suites if "-" not in suite]
        official = "main" in fields.get("Components", "").split()
        if not suites or not official or "deb" not in fields.get("Types", "").split():
            continue
        kept = {key: value for key, value in fields.items() if key in _ALLOWED}
        kept |= {"Types": "deb", "Suites": " ".join(suites), "Targets": "Packages"}
        if architecture:
            kept["Architectures"] = architecture
        yield "\n".join(f"{key}: {value}" for key, value in kept.items())


def _move(suite: str) -> str:
    """Return the suite to use for one of the machine's, an empty string for none."""
    match = re.fullmatch(r"([a-z]+)(|-updates|-security|/updates)", suite)
    if match is None:
        return ""
    base, pocket = match.groups()
    if base in _OLDER:
        return SUITE + pocket.replace("/updates", "-security")
    return suite if base in _NEWER else ""
