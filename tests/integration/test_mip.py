"""``package.json`` and ``manifest.py``: the package gets onto a board without rootlet too."""

import http.server
import importlib.util
import json
import subprocess
import threading
from pathlib import Path

import pytest

from rootlet import __version__
from rootlet.boardio.mpy import device_sources

DEVICE = Path(__file__).parents[2] / "device"
SOURCES = {path.name for path in device_sources()}


def lists():
    spec = importlib.util.spec_from_file_location("device_lists", DEVICE / "lists.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestLists:
    """When one of these fails: make lists."""

    def test_are_as_their_generator_writes_them(self):
        assert (DEVICE / "package.json").read_text() == lists().package_json()
        assert (DEVICE / "manifest.py").read_text() == lists().manifest()

    def test_the_manifest_names_every_module_to_its_functions(self):
        called = []
        names = {
            "metadata": lambda **given: called.append(given),
            "package": lambda name, **given: called.append((name, given)),
        }
        exec(compile((DEVICE / "manifest.py").read_text(), "manifest.py", "exec"), names)
        about, (name, given) = called
        assert about["version"] == __version__
        assert (name, set(given["files"]), given["opt"]) == ("urootlet", SOURCES, 3)
        assert all((DEVICE / name / one).is_file() for one in given["files"])

    def test_the_package_names_relative_places(self):
        listed = json.loads((DEVICE / "package.json").read_text())
        assert {Path(target).name for target, _ in listed["urls"]} == SOURCES
        assert all((DEVICE / place).is_file() for _, place in listed["urls"])


class TestInstalling:
    def test_with_mpremote_from_a_checkout(self, virtual_board, mpremote):
        done = mpremote("mip", "install", DEVICE / "package.json")
        assert "Done" in done.stdout
        printed = mpremote(
            "exec", "import urootlet, os; print(sorted(os.listdir('lib/urootlet')))"
        )
        assert {name.strip(" '[]\r\n") for name in printed.stdout.split(",")} == SOURCES

    def test_with_mip_on_the_board_from_a_server(self, virtual_board, mpremote):
        if (
            "ImportError"
            in mpremote(
                "exec", "try:\n import mip\nexcept ImportError as e: print(repr(e))"
            ).stdout
        ):
            pytest.skip("this MicroPython has no mip")
        with serving(DEVICE) as url:
            mpremote("exec", f"import mip; mip.install({url + '/'!r})")
        printed = mpremote("exec", "import urootlet, os; print(len(os.listdir('/lib/urootlet')))")
        assert int(printed.stdout) == len(SOURCES)


class serving:  # noqa: N801 - reads as a sentence
    def __init__(self, folder):
        handler = lambda *a: http.server.SimpleHTTPRequestHandler(*a, directory=folder)  # noqa: E731
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self):
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
