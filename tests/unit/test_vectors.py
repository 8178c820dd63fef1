"""The checked-in vectors are what their generator makes."""

from pathlib import Path

from regenerate import write

VECTORS = Path(__file__).parents[1] / "assets" / "vectors"


def test_regenerating_changes_no_byte(tmp_path):
    write(tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in VECTORS.iterdir()}
