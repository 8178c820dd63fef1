"""Where the project's data lives: beside the package in a wheel, at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent.parent


def data(name: str) -> Path:
    """Return the path of a data file or folder, such as ``certs/catalog.toml`` or ``boards``."""
    packaged = _PACKAGE / "_data" / name
    return packaged if packaged.exists() else _CHECKOUT / name


def device_package() -> Path:
    """Return the folder that holds the sources of ``urootlet``."""
    installed = _PACKAGE.parent / "urootlet"
    return installed if installed.is_dir() else _CHECKOUT / "device" / "urootlet"
