"""Write the two lists of what a board needs of ``urootlet``: ``make lists``.

``package.json`` is for ``mip`` (https://docs.micropython.org/en/latest/reference/packages.html),
``manifest.py`` for freezing (.../reference/manifest.html).
"""

from __future__ import annotations

import json
from pathlib import Path

from rootlet import __version__
from rootlet.boardio.mpy import device_sources

_HERE = Path(__file__).parent
_MANIFEST = '''"""Freeze urootlet into a firmware: ``include("rootlet/device/manifest.py")``.

What a board needs, without what only CPython does; written by ``make lists``. A firmware for
boards other than the ESP32 also needs ``require("umqtt.simple")``.
"""

metadata(version="{version}", description="Verified TLS to AWS IoT")
package(
    "urootlet",
    files=(
{files}
    ),
    opt=3,
)
'''


def package_json() -> str:
    """Return ``package.json``; its URLs are relative, so that it works anywhere."""
    urls = [[f"urootlet/{path.name}"] * 2 for path in device_sources()]
    return json.dumps({"urls": urls, "deps": [], "version": __version__}, indent=2) + "\n"


def manifest() -> str:
    """Return ``manifest.py``."""
    files = "\n".join(f'        "{path.name}",' for path in device_sources())
    return _MANIFEST.format(version=__version__, files=files)


if __name__ == "__main__":
    (_HERE / "package.json").write_text(package_json(), encoding="utf-8")
    (_HERE / "manifest.py").write_text(manifest(), encoding="utf-8")
