"""``package.json`` and ``manifest.py``: the package gets onto a board without rootlet too."""

import functools
import http.server
import json
import runpy
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

from rootlet import __version__
from rootlet.boardio.mpy import device_sources

DEVICE = Path(__file__).parents[2] / "device"
SOURCES = {path.name for path in device_sources()}


def lists():
    """Run the generator as a module, without writing."""
    return SimpleNamespace(**runpy.run_path(str(DEVICE / "lists.py"), run_name="lists"))


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
        with serving(DEVICE) as url:
            mpremote("exec", f"import mip; mip.install({url + '/'!r})")
        printed = mpremote("exec", "import urootlet, os; print(len(os.listdir('/lib/urootlet')))")
        assert int(printed.stdout) == len(SOURCES)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves ``device/``, with the URLs of the package completed.

    MicroPython 1.25 has mip 0.3, which takes no relative URLs yet; newer ones complete them.
    """

    def do_GET(self):
        if self.path != "/package.json":
            super().do_GET()
            return
        listed = json.loads((DEVICE / "package.json").read_text())
        host = f"127.0.0.1:{self.connection.getsockname()[1]}"
        listed["urls"] = [[path, f"http://{host}/{place}"] for path, place in listed["urls"]]
        body = json.dumps(listed).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def serving(folder):
    handler = functools.partial(Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
