"""What test_audit.py and its neighbours share."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from littlefs import LittleFS

from rootlet import catalog, judge, pem
from rootlet.audit import Report, audit

NOW = datetime(2026, 11, 25, tzinfo=UTC)


ASSETS = Path(__file__).parent / "assets"


HOST = Path(__file__).parents[1] / "host" / "rootlet"


CA1, CA3, G5 = (
    catalog.load().get(name)
    for name in ("amazon-root-ca-1", "amazon-root-ca-3", "verisign-class3-g5")
)


G5_PEM = pem.armour(G5.der).encode()


UNSAFE = b"import ssl\n\ncontext = ssl._create_unverified_context()\n"


def look(*paths: Path) -> Report:
    return audit(paths, judge.Moment(NOW, timedelta(days=365)))


def brief(report: Report) -> list[tuple[str, str, str]]:
    """Return member, code and what of each finding."""
    return [(one.member, one.finding.code, one.finding.what) for one in report.findings]


def names(report: Report) -> Counter[str]:
    return Counter(one.finding.what for one in report.findings)


def image_of(files: dict[str, bytes], block_size: int = 4096, blocks: int = 32) -> bytes:
    """A file system as littlefs-python makes it."""
    made = LittleFS(block_size=block_size, block_count=blocks)
    for name, content in files.items():
        made.makedirs(str(Path(name).parent), exist_ok=True)
        with made.open(name, "wb") as file:
            file.write(content)
    return bytes(made.context.buffer)
