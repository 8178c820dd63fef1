"""Java's cacerts, PKCS#12 or JKS, read by the keytool beside it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from rootlet.truststore import program
from rootlet.truststore.store import Store, distinct, fingerprints

_CACERTS = Path("lib/security/cacerts")
_JVMS = Path("/usr/lib/jvm")
_DEBIAN = Path("/etc/ssl/certs/java/cacerts")
#: Not a secret: it is in every Java's documentation (keytool, "cacerts").
_PASSWORD = "changeit"  # noqa: S105 - see above


def stores() -> list[Store]:
    """Return the store of each Java on this computer; none without keytool."""
    tool = _keytool()
    if tool is None:
        return []
    homes = [tool.parents[1], *(sorted(_JVMS.iterdir()) if _JVMS.is_dir() else [])]
    return [
        _read(tool, place) for place in distinct([*(one / _CACERTS for one in homes), _DEBIAN])
    ]


def _keytool() -> Path | None:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("keytool", path=f"{home}/bin") if home else None
    found = found or shutil.which("keytool")
    return Path(found).resolve() if found else None


def _read(tool: Path, place: Path) -> Store:
    command = [str(tool), "-J-Duser.language=en", "-list", "-rfc", "-storepass", _PASSWORD]
    ended = program.run([*command, "-keystore", str(place)])
    if ended is None or ended.status != 0:
        why = ended.complaint if ended else "keytool has gone"
        if not why and ended:
            why = ended.output.decode(errors="replace").strip()[-100:]
        return Store("java", "Java", str(place), problem=why)
    return Store("java", "Java", str(place), fingerprints(ended.output))
