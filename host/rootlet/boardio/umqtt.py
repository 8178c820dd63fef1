"""The MQTT client that ESP32 firmware has inside, for a board whose firmware has none.

PyPI has umqtt.simple 1.3.4 as a source archive that pip cannot build; one file of it is wanted.
pip's own configuration says where to look, so mirrors and local folders work.
"""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rootlet.errors import NetworkError, TrustError

if TYPE_CHECKING:
    from unearth import PackageFinder

VERSION = "1.3.4"
#: SHA-256 of micropython-umqtt.simple-1.3.4.tar.gz, read from PyPI on 2026-11-21.
SHA256 = "b6a2520239e3992c63a7de9370ee9b3d9d27819a90359c521f1c0f7ccab8d12f"
_REQUIREMENT = f"micropython-umqtt.simple=={VERSION}"
_MEMBER = f"micropython-umqtt.simple-{VERSION}/umqtt/simple.py"
#: The archive has 2,653 bytes and the module 6,478 bytes; hash and limits are checked first.
_ARCHIVE_LIMIT = 65_536
_MODULE_LIMIT = 65_536
_HINT = "pip download --no-deps --no-build-isolation micropython-umqtt.simple==" + VERSION


def fetch(into: Path) -> None:
    """Put ``umqtt/simple.py`` into a folder.

    Raises NetworkError when no index has it, TrustError when its SHA-256 is another.
    """
    with tempfile.TemporaryDirectory(prefix="rootlet-umqtt-") as work:
        archive = _download(Path(work))
        module = _read_module(archive)
    (into / "umqtt").mkdir()
    (into / "umqtt" / "simple.py").write_bytes(module)


def _download(work: Path) -> Path:
    from unearth.preparer import download_link  # noqa: PLC0415 - slow to import, used once

    finder = _finder()
    try:
        found = finder.find_best_match(_REQUIREMENT).best
        archive = download_link(finder.session, found.link, work) if found else None
    except Exception as error:  # unearth changes its HTTP library
        raise NetworkError("cannot fetch umqtt.simple", why=str(error), hint=_HINT) from error
    if archive is None:
        raise NetworkError(
            "cannot fetch umqtt.simple",
            why=f"no package index that pip is configured for has {_REQUIREMENT}",
            hint="pip config list",
        )
    return Path(archive)


def _read_module(archive: Path) -> bytes:
    data = archive.read_bytes() if archive.stat().st_size <= _ARCHIVE_LIMIT else b""
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise TrustError(
            f"{archive.name} is not the file that rootlet knows",
            why=f"its SHA-256 is not {SHA256}",
            hint="ask whoever runs the package index: pip config list",
        )
    with tarfile.open(archive) as tar:
        member = tar.extractfile(_MEMBER)
        return member.read(_MODULE_LIMIT) if member else b""


def _finder() -> PackageFinder:
    from unearth import PackageFinder  # noqa: PLC0415 - slow to import, used once

    settings = _pip_settings()
    finder = PackageFinder(index_urls=settings.get("index-url", "").split())
    for url in settings.get("extra-index-url", "").split():
        finder.add_index_url(url)
    for place in settings.get("find-links", "").split():
        finder.add_find_links(place)
    return finder


def _pip_settings() -> dict[str, str]:
    """Return pip's settings by name; the environment wins, then ``[download]``, ``[global]``."""
    listing = subprocess.run(
        # -P: this folder is no place to import from.
        [sys.executable, "-P", "-m", "pip", "--disable-pip-version-check", "config", "list"],
        capture_output=True,
        text=True,
        check=False,
    )
    settings: dict[str, str] = {}
    lines = [line.partition("=") for line in listing.stdout.splitlines()]
    for section in ("global", "download"):
        for name, _, value in lines:
            if name.startswith(f"{section}."):
                settings[name.removeprefix(f"{section}.")] = str(ast.literal_eval(value))
    for name, value in os.environ.items():
        if name.startswith("PIP_"):
            settings[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return settings
