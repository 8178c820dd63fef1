"""I13: what the package and a whole rotation take of a board's memory.

Objects of the 64-bit unix port are twice a board's. The package is bytecode, as on a board.
"""

import subprocess

import pytest

from rootlet.boardio import mpy
from sweep import materials, run

#: Bytes of heap after importing connect and rotate, on the 64-bit port.
_IMPORTED = 36 * 1024
#: Bytes of heap for a rotation beside an application that holds 16 KB.
_HEAP = 96 * 1024


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The folder of the package as a board has it."""
    folder = tmp_path_factory.mktemp("mpy")
    (folder / "urootlet").mkdir()
    for path, code in mpy.compile_package().items():
        (folder / path.removeprefix("lib/")).write_bytes(code)
    return folder


def _run(package, heap, script, *arguments):
    program, environment = run.command("micropython", package, heap)
    return subprocess.run(
        [*program, str(run.BOARD / script), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_importing_connect_and_rotate_takes_at_most_36_kilobytes(package):
    done = _run(package, "256k", "heap.py", "session", "rotation")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= _IMPORTED


def test_a_whole_rotation_fits_96_kilobytes_beside_an_application_of_16(package, tmp_path):
    materials.write(tmp_path)
    done = _run(package, "4M", "rotate_once.py", str(tmp_path), str(_HEAP))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split()[-1] == "new"
