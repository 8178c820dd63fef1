"""``make demo-fleet`` as a person runs it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_a_fleet_is_rotated_by_jobs_and_a_bad_roll_out_stops_itself():
    with tempfile.TemporaryDirectory(prefix="rl-") as folder:
        done = subprocess.run(
            [sys.executable, str(REPOSITORY / "examples" / "fleet" / "demo.py")],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY / "tests"), "TMPDIR": folder},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert list(Path(folder).iterdir()) == []
    for words in (
        "thing pump-7, certificate",
        "confirmed; pump-7's shadow says so",
        "FAILED parked",
        "Abort criteria",
        "all 12 steps observed",
    ):
        assert words in done.stdout
