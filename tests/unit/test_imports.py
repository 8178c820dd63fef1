"""A row imports earlier rows only, and the device package imports only what a board has."""

import ast
from pathlib import Path

import pytest

from rootlet import resources

HOST = Path(__file__).parents[2] / "host" / "rootlet"
DEVICE = resources.device_package()

#: Modules of each row, by file or folder name; DESIGN: errors -> rules -> outside -> uses -> cli.
ROWS = (
    {"__init__", "errors", "files", "resources"},
    {
        "advise",
        "anchor",
        "board",
        "board_model",
        "board_values",
        "budget",
        "build",
        "bundle",
        "catalog",
        "catalog_update",
        "chains",
        "chart",
        "coverage",
        "credentials",
        "diff",
        "endpoint",
        "ends",
        "export",
        "firmware",
        "identity",
        "inspection",
        "jobs",
        "judge",
        "page",
        "partitions",
        "path",
        "pem",
        "plan",
        "policy",
        "progress",
        "scan",
        "served",
        "signing",
        "standing",
        "store_check",
        "things",
        "timeline",
        "trust_set",
        "uf2",
        "unverified",
        "verify",
        "words",
        "x509",
    },
    {
        "aws",
        "boardio",
        "journal",
        "lab",
        "lab_front",
        "ledger",
        "lines",
        "net",
        "signers",
        "truststore",
        "unpack",
    },
    {
        "audit",
        "batch",
        "demo",
        "doctor",
        "enroll",
        "flash",
        "flash_chip",
        "flash_drive",
        "handover",
        "hil",
        "image",
        "key_set",
        "matrix",
        "parallel",
        "probe",
        "provision",
        "pytest_plugin",
        "report",
        "rollout",
        "rotate",
        "sarif",
        "withdraw",
    },
    {"__main__", "cli"},
)
#: What a stock ESP32 firmware has of what we use; CPython backends are not copied to a board.
ON_A_BOARD = {
    "asyncio", "binascii", "gc", "hashlib", "json", "machine", "micropython", "network",
    "ntptime", "os", "rootlet_factory", "socket", "struct", "sys", "time", "tls", "umqtt.simple",
    "vfs",
}  # fmt: skip


def row_of(name: str) -> int:
    return next(number for number, row in enumerate(ROWS) if name in row)


def imported(path: Path) -> set[str]:
    """Return the absolute modules that a file imports, outside TYPE_CHECKING."""
    found = set()
    for node in ast.walk(_without_type_checking(ast.parse(path.read_text()))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def _without_type_checking(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "_TYPING"):
            node.body = [ast.Pass()]
    return tree


def host_files() -> list[Path]:
    scripts = ("snippets", "firmware")
    return [p for p in sorted(HOST.rglob("*.py")) if p.parent.name not in scripts]


@pytest.mark.parametrize("path", host_files(), ids=lambda p: str(p.relative_to(HOST)))
def test_a_row_imports_earlier_rows_only(path):
    own = path.relative_to(HOST).parts[0].removesuffix(".py")
    for name in imported(path):
        parts = name.split(".")
        if parts[0] != "rootlet" or len(parts) < 2:
            continue
        other = parts[1]
        if (HOST / f"{other}.py").exists() or (HOST / other).is_dir():
            assert row_of(other) <= row_of(own), f"{own} imports {name}"


def test_every_module_has_a_row():
    names = {p.relative_to(HOST).parts[0].removesuffix(".py") for p in host_files()}
    assert names - {"_data"} <= set().union(*ROWS)


@pytest.mark.parametrize("path", sorted(DEVICE.glob("*.py")), ids=lambda p: p.stem)
def test_the_device_imports_what_a_board_has(path):
    names = {name for name in imported(path) if name != "urootlet"}
    assert not {name for name in names if name.split(".")[0] == "rootlet"}
    if not path.stem.endswith("_cpython"):
        assert {
            n for n in names if n not in ON_A_BOARD and n.rsplit(".", 1)[0] not in ON_A_BOARD
        } == set()


def test_only_one_file_knows_mpremote():
    users = [p.name for p in host_files() if any("mpremote" in name for name in imported(p))]
    assert users == ["remote.py"]
