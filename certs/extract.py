"""Extract the PEM file of every trust anchor from the releases of certifi that hold it.

``make certs`` runs this. catalog.toml says which release holds which anchor and pins the bytes
by SHA-256, so neither the package index nor the release needs to be trusted, and a second run
changes nothing. The releases are opened as ZIP archives; none of their code is imported or run.
"""

from __future__ import annotations

import hashlib
import subprocess  # noqa: TID251 - pip is a program; this script is no part of the package
import sys
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from rootlet import catalog, pem
from rootlet.errors import InputError, NetworkError, RootletError, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterable

_FOLDER = Path(__file__).parent
_MEMBER = "certifi/cacert.pem"


def by_release(
    anchors: Iterable[catalog.TrustAnchor],
) -> dict[str, list[catalog.TrustAnchor]]:
    """Group the anchors by the certifi release that they come from."""
    groups = defaultdict(list)
    for anchor in anchors:
        groups[anchor.certifi].append(anchor)
    return dict(groups)


def find(
    cacert: bytes, anchors: Iterable[catalog.TrustAnchor], where: str
) -> list[tuple[catalog.TrustAnchor, str]]:
    """Return each anchor with its PEM text out of a list of certificates.

    Raises TrustError that names the anchors whose SHA-256 is not in the list.
    """
    ders = {hashlib.sha256(der).hexdigest(): der for der in pem.blocks(cacert, where)}
    if missing := [anchor.id for anchor in anchors if anchor.sha256 not in ders]:
        raise TrustError(
            f"{where}: does not hold {', '.join(missing)}",
            why="no certificate in it has the SHA-256 that catalog.toml pins",
            hint="name another release in the certifi key of catalog.toml",
        )
    return [(anchor, pem.armour(ders[anchor.sha256])) for anchor in anchors]


def write(path: Path, text: str) -> bool:
    """Write a file whole or not at all; return False when it holds that text already."""
    content = text.encode("ascii")
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.write_bytes(content)
    draft.replace(path)
    return True


def read_wheel(wheel: Path) -> bytes:
    """Return the list of certificates in a certifi wheel; what follows ``pem.MAX_FILE`` is cut.

    Raises InputError when the file is no wheel of certifi.
    """
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(_MEMBER) as member:
            return member.read(pem.MAX_FILE + 1)
    except (KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{wheel.name}: no {_MEMBER} in it", why=str(error)) from None


def download(release: str, folder: Path) -> Path:
    """Fetch the wheel of a certifi release with pip. Raises NetworkError when pip cannot."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    # Wheels only: pip would run the code of a source archive to learn its name.
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(folder), f"certifi=={release}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell, no user input
    wheels = list(folder.glob(f"certifi-{release}-*.whl"))
    if done.returncode or len(wheels) != 1:
        raise NetworkError(
            f"certifi {release}: cannot be downloaded",
            why=(done.stderr.strip().splitlines() or ["pip gave no wheel"])[-1],
            hint="check pip's index and network: pip download --no-deps certifi",
        )
    return wheels[0]


def main() -> None:
    """Download, extract, write; one line per release and per file."""
    with tempfile.TemporaryDirectory() as folder:
        for release, anchors in by_release(catalog.load(_FOLDER).anchors).items():
            print(f"certifi {release}: downloading", flush=True)
            cacert = read_wheel(download(release, Path(folder)))
            for anchor, text in find(cacert, anchors, f"certifi {release}"):
                changed = write(anchor.path, text)
                print(f"  {anchor.id}.pem: {'written' if changed else 'unchanged'}")


if __name__ == "__main__":
    try:
        main()
    except RootletError as error:
        print(f"error: {error.what}\n  why: {error.why}\n hint: {error.hint}", file=sys.stderr)
        sys.exit(error.exit_status)
