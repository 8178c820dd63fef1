"""Every command that the pages show is run.

Five pages lead somewhere and are followed by tests of their own (FOLLOWED). The commands of the
others are run here, section by section, in a world that has what they name (page_world.py). What
cannot be run is in NOT_HERE or TARGETS, with what is run in its place.
"""

from __future__ import annotations

import re
import subprocess

import pytest

import page_stock
from page_world import ENDPOINT, SOME_ID, Desk, World
from pages import REPOSITORY, commands
from parsing import help_of
from shown import PAGES, named, typed

#: Pages that a test of their own follows, and where.
FOLLOWED = {
    "tutorial-virtual.md": "test_pages.py",
    "tutorial-board.md": "test_tutorial_board.py",
    "howto-recover.md": "test_pages.py",
    "howto-private-ca.md": "test_pages.py",
    "howto-rotation.md": "test_howto_rotation.py",
}
#: What is not run, why, and what is run in its place.
NOT_HERE = {
    "git clone <this repository>": "it is where this test runs",
    "pip install rootlet": "wants a released version; test_packaging.py: the built wheel",
    "pip install 'rootlet[aws]'": "the same",
    "python certs/facts.py FOLDER": "wants 152 certificates that are not part of the project",
    "mpremote connect PORT romfs deploy urootlet.romfs": "a virtual board's ROMFS is a file; "
    "test_flash_boards.py: a board that has one, test_image.py: the image is read",
    "mpremote mip install umqtt.simple": "wants micropython.org; test_mip.py: mip itself",
    "sudo usermod -aG dialout $USER": "changes this computer",
    "apt-get install valgrind": "changes this computer",
    "mosquitto_sub --proxy socks5h://{socks} -h {sni} -p {port} --cafile {cafile} --cert {cert} "
    "--key {key} --ciphers {ciphers} -t rootlet/matrix": "not on every computer; make matrix-table",
    "pytest examples/hil": "test_plugin.py runs it",
    "pytest examples/hil -n 2 --board-port PORT --board-port /dev/ttyUSB1": "test_plugin.py",
    "pytest --board-port PORT": "the same without the example's folder: test_plugin.py",
    "pytest --junitxml=report.xml": "test_plugin.py",
}
#: Targets of make that take minutes, or would call this test; each is there (`make -n`).
TARGETS = {
    "demo": "test_demo.py",
}
#: What stands for something, on every page or on one.
WORDS = {
    "HOST": ENDPOINT,
    "ID": "esp32",
    "COMMAND": "certs list",
    "192.168.1.20": "127.0.0.1",
    "/etc/ssl/certs/ca-certificates.crt": "list.pem",
    "BUNDLE.rlt": "ecc.rlt",
    "/var/lib/rootlet": "gateway",
    "/usr/local/lib/sign-certificate": "./sign-certificate",
    "NEW": "pumps-2.rlt",
}
OF_PAGE = {
    "lab.md": {"NAME": "expired-leaf"},
    "errors.md": {"ID": SOME_ID, "FILE": "old.key"},
    "signing.md": {"FILE": "pumps-7.rlt"},
}
_PORT = re.compile(r"--(board-)?port (auto|/dev/ttyUSB0)\b")


def canonical(command: str) -> str:
    """Return a command with what stands for the same thing in one form."""
    return _PORT.sub(r"--\1port PORT", command)


ELSEWHERE = {canonical(one.text) for page in FOLLOWED for one in commands(page)}
#: Worth running once, however many pages show them: seconds each.
SLOW = re.compile(r"rootlet (doctor --port|matrix|demo)|--firmware|pytest|python -m urootlet")


def cases():
    """Yield page and section, and what is to be run there: each slow command once."""
    before = set()
    for page in PAGES:
        if page.name in FOLLOWED:
            continue
        by_section = {}
        for one in typed(page):
            form = canonical(one.text)
            if form in ELSEWHERE or form in NOT_HERE or form.startswith("make "):
                continue
            if SLOW.search(form) and form in before:
                continue
            before.add(form)
            section = one.section if page.name == "README.md" else ""
            by_section.setdefault(section, []).append(one)
        for section, found in by_section.items():
            yield pytest.param(page.name, found, id=f"{page.name} {section}".strip())


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with World(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture
def make_desk(request, world, tmp_path, no_aws):
    def make(page):
        no_aws.setenv("ROOTLET_WIFI_PASSWORD", "correct horse battery")
        no_aws.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        chip = lambda: request.getfixturevalue("new_chip")(offset=0xD4000)  # noqa: E731
        return Desk(world, tmp_path / "desk", no_aws, chip, WORDS | OF_PAGE.get(page, {}))

    return make


@pytest.mark.parametrize(("page", "shown"), list(cases()))
def test_commands_of(page, shown, make_desk):
    with make_desk(page) as desk:
        bad = []
        for one in shown:
            import time
            t=time.process_time(); w=time.time()
            try:
                desk.run(one)
            except BaseException as error:
                bad.append(f"{one.text}\n      {type(error).__name__} {str(error)[-1500:]}")
            print(f"{time.process_time()-t:.2f} {time.time()-w:.2f} {one.text}")
        assert not bad, "\n@@ " + "\n@@ ".join(bad)
