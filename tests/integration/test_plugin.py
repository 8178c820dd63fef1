"""The pytest plugin, used as a firmware team uses it: in a run of its own."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from rootlet.boardio.virtual import VirtualBoard

EXAMPLE = Path(__file__).parents[2] / "examples" / "hil" / "test_example.py"
READS_ITS_NAME = """
import pytest

@pytest.mark.parametrize("turn", range(6))
def test_names_itself(board, turn, record_property):
    record_property("said", board.run("import machine; print(machine.unique_id())"))
"""


@pytest.fixture
def project(tmp_path):
    """A project with one test file, away from our own configuration."""

    def run(source, *arguments, code=0):
        (tmp_path / "test_it.py").write_text(source)
        (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers -W error\n")
        report = tmp_path / "report.xml"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-rs", f"--junitxml={report}", *arguments],
            cwd=tmp_path,
            env={key: value for key, value in os.environ.items() if "PYTEST" not in key},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout, ET.parse(report).getroot()[0] if report.exists() else None

    return run


def properties(suite):
    return [
        {one.attrib["name"]: one.attrib["value"] for one in case.iter("property")}
        for case in suite.iter("testcase")
    ]


def test_the_example_passes_without_hardware_and_says_what_it_ran_on(project):
    told, suite = project(EXAMPLE.read_text())
    assert "6 passed, 1 skipped" in told
    assert "needs a real board: --board-port PORT" in told
    first = properties(suite)[0]
    assert first["board"] == "virtual"
    assert first["firmware"].startswith("MicroPython 1.")
    assert first["bundle"] == "amazon-root-ca-1, amazon-root-ca-3; profile both"
    assert len(first["bundle_sha256"]) == 64


def test_two_boards_are_shared_out_to_the_workers(project, tmp_path):
    with VirtualBoard(tmp_path / "a") as one, VirtualBoard(tmp_path / "b") as two:
        ports = ["--board-port", one.port, "--board-port", two.port]
        _, suite = project(READS_ITS_NAME, *ports, "-n", "3")
    found = properties(suite)
    assert {each["board"] for each in found} == set(ports[1::2])
    assert len({(each["board"], each["said"]) for each in found}) == 2


@pytest.mark.parametrize(
    ("source", "arguments", "reason"),
    [
        ("@pytest.mark.board('real')", (), "needs a real board"),
        ("@pytest.mark.board('esp32')", (), "needs esp32, this board is linux"),
        ("", ("--board-port", "/dev/no-such-port"), "no board at /dev/no-such-port"),
    ],
)
def test_without_the_hardware_a_test_is_skipped(project, source, arguments, reason):
    told, _ = project(f"import pytest\n{source}\ndef test_it(board): assert 0\n", *arguments)
    assert "1 skipped" in told
    assert reason in told


def test_it_is_inert_and_imports_nothing_until_it_is_used(project):
    source = (
        "import sys\n"
        "def test_it():\n"
        "    heavy = {'rootlet.lab', 'rootlet.hil', 'cryptography', 'serial'}\n"
        "    assert not heavy & set(sys.modules)\n"
    )
    told, suite = project(source)
    assert "1 passed" in told
    assert properties(suite) == [{}]


def test_it_can_be_switched_off(project):
    told, _ = project("def test_it(board): pass", "-p", "no:rootlet", code=1)
    assert "fixture 'board' not found" in told


def test_fixtures_of_a_project_win(project):
    told, _ = project(
        "import pytest\n"
        "@pytest.fixture\n"
        "def board(): return 'mine'\n"
        "def test_it(board): assert board == 'mine'\n"
    )
    assert "1 passed" in told
