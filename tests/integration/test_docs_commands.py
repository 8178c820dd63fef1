"""Every command that the pages show is run.

Five pages lead somewhere and are followed by tests of their own (FOLLOWED). The commands of the
others are run here, section by section, at a desk that has what they name (page_desk.py). What
cannot be run is in NOT_HERE or TARGETS, with what is run in its place.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import botocore.session
import pytest

from page_desk import SOME_ID, Desk
from page_world import ENDPOINT, World
from pages import REPOSITORY, commands
from parsing import every_command, examples, help_of
from shown import PAGES, Shown, named, told, typed

COMMANDS = dict(every_command())
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
    "source .venv/bin/activate": "this test runs in it",
    "source CHECKOUT/.venv/bin/activate": "this test runs in it",
    "pipx install .": "wants pipx and the package index; make pipx",
    "pipx uninstall rootlet": "would take what is installed",
    "pip install rootlet": "wants a released version; test_packaging.py: the built wheel",
    "pip install 'rootlet[aws]'": "the same",
    "python certs/facts.py FOLDER": "wants 152 certificates that are not part of the project",
    "mpremote connect PORT romfs deploy urootlet.romfs": "a virtual board's ROMFS is a file; "
    "test_flash_boards.py: a board that has one, test_image.py: the image is read",
    "rootlet aws certs register pump-7.crt --ca our-ca.pem --inactive": "wants that CA in the "
    "account, whose own page registers it: test_aws_certs.py",
    'rootlet aws certs transfer 0123... --to 123456789012 --message "pumps of May"': "ministack "
    "has no transfers: test_aws_certs.py",
    "rootlet aws certs transfer 0123... --accept --activate": "the same",
    "rootlet aws certs transfer 0123... --cancel": "the same",
    "rootlet flash --port PORT --image ecc.rlt": "wants a chip's firmware: test_flash_chip.py",
    "rootlet flash --firmware RPI_PICO_W-v1.26.1.uf2 --port PORT": "wants a drive to boot from: "
    "test_flash_boards.py",
    "rootlet provision --aws --undo -o pump-7": "wants what aws.md makes first: test_enroll.py",
    "rootlet lab offer pumps-7.rlt --port 18883 --dir lab": "wants a second lab: test_cli_lab.py",
    "mpremote mip install umqtt.simple": "wants micropython.org; test_mip.py: mip itself",
    "mosquitto_sub --proxy socks5h://{socks} -h {sni} -p {port} --cafile {cafile} --cert {cert} "
    "--key {key} --ciphers {ciphers} -t rootlet/matrix": "is not everywhere; make matrix-table",
    "pytest examples/hil": "test_plugin.py runs it",
    "pytest examples/hil -n 2 --board-port PORT --board-port /dev/ttyUSB1": "test_plugin.py",
    "pytest --board-port PORT": "the same without the example's folder: test_plugin.py",
    "pytest --junitxml=report.xml": "test_plugin.py",
}
#: What begins so is never run: TARGETS has the first, the others change this computer.
NEVER = ("make ", "apt-get install ", "sudo ")
#: Targets of make that take minutes, or would call this test; each is there (`make -n`). So are
#: benches, which print figures of minutes: test_bench_table.py.
TARGETS = {
    "audit-tools": "wants a C compiler and keytool; test_audit.py without them",
    "browser": "wants Chromium; test_page.py without one",
    "certs": "wants the package index; test_catalog.py holds each file to its hash",
    "check": "ruff and mypy, beside the tests",
    "demo": "test_demo.py",
    "demo-fleet": "test_demo_fleet.py",
    "dev": "has been run, or there would be no test",
    "docs": "installs MkDocs",
    "embedded": "installs a plugin that warns; test_plugin.py without it",
    "fix": "changes this checkout",
    "matrix-table": "minutes; test_matrix.py",
    "pipx": "wants the package index; test_packaging.py: the wheel outside the checkout",
    "soak": "minutes; test_rotation_machine.py, shorter",
    "test": "this is it",
    "trust-stores": "wants Java and NSS; test_truststore.py without them",
    "wolfssl": "wants wolfSSL; test_models.py without it",
}
#: What stands for something, on every page or on one.
WORDS = {
    "HOST": ENDPOINT,
    "ID": "esp32",
    "COMMAND": "certs list",
    "192.168.1.20": "127.0.0.1",
    "192.168.7.2": "127.0.0.1",
    "0123...": SOME_ID,
    "/etc/ssl/certs/ca-certificates.crt": "list.pem",
    "BUNDLE.rlt": "ecc.rlt",
    "/var/lib/rootlet": "gateway",
    "/usr/local/lib/sign-certificate": "./sign-certificate",
    "NEW": "pumps-2.rlt",
}
OF_PAGE = {
    "rootlet doctor": {"ecc.rlt": "both.rlt"},
    "rootlet rotate status": {"rl-pumps-1-7-add-f": "rl-pumps-1-7-add-c"},
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
        by_section: dict[str, list[Shown]] = {}
        for one in typed(page):
            form = canonical(one.text)
            if form in ELSEWHERE or form in NOT_HERE or form.startswith(NEVER):
                continue
            if SLOW.search(form) and form in before:
                continue
            before.add(form)
            section = one.section if page.name == "README.md" else ""
            by_section.setdefault(section, []).append(one)
        for section, found in by_section.items():
            yield pytest.param(page.name, found, id=f"{page.name} {section}".strip())


CASES = list(cases())


def of_help(path):
    """Return the examples of a command's help."""
    return told("\n".join(["```", *examples(help_of(path)), "```\n"]))


def helps():
    """Yield what each command's help shows, and so the page of commands, and no page before."""
    before = {canonical(one.text) for case in CASES for one in case.values[1]}
    before |= ELSEWHERE | NOT_HERE.keys()
    for path in COMMANDS:
        found = [one for one in of_help(path) if canonical(one.text) not in before]
        if found:
            yield pytest.param(path, found, id=path)


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


@pytest.mark.parametrize(("page", "shown"), [*CASES, *helps()])
def test_commands_of(page, shown, make_desk):
    with make_desk(page) as desk:
        for one in shown:
            desk.run(one)


SHOWN = [one.text for page in PAGES for one in typed(page)]
MADE = {one.split()[1] for one in SHOWN if one.startswith("make ")}
NAMED = sorted(set().union(*(named(page) for page in PAGES)))


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED}))
def test_what_is_only_named_has_a_help_with_the_options_beside_the_name(path):
    told = help_of(path)
    for name, options in NAMED:
        if name == path:
            assert [one for one in options if not re.search(rf"{one}\b", told)] == []


def test_programs_of_others_that_are_only_named_are_there():
    (tools, cloud) = ["fs", "exec", "eval"], "get_public_key"
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "--help"], capture_output=True, text=True, check=True
    )
    assert [one for one in tools if not re.search(rf"^  {one} ", done.stdout, re.MULTILINE)] == []
    assert hasattr(botocore.session.Session().create_client("kms", region_name="eu-west-1"), cloud)


class TestNothingIsOverlooked:
    def test_a_page_that_is_followed_is_followed_by_the_test_that_is_named(self):
        for page, test in FOLLOWED.items():
            assert page in (REPOSITORY / "tests" / "integration" / test).read_text()

    def test_what_such_a_page_shows_in_its_text_is_run_as_well(self):
        for page in FOLLOWED:
            shown = {canonical(one.text) for one in typed(REPOSITORY / "docs" / page)}
            assert shown - ELSEWHERE - NOT_HERE.keys() == set()

    def test_what_is_not_run_is_still_shown_by_a_page(self):
        helped = [one.text for path in COMMANDS for one in of_help(path)]
        assert NOT_HERE.keys() <= {canonical(one) for one in [*SHOWN, *helped]}
        assert TARGETS.keys() == {one for one in MADE if not one.startswith("bench")}

    def test_a_target_of_make_is_there_and_so_is_what_is_run_in_its_place(self):
        done = subprocess.run(
            ["make", "-n", *MADE], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        texts = (REPOSITORY / "Makefile").read_text() + "".join(
            one.name for one in (REPOSITORY / "tests").rglob("test_*.py")
        )
        for twin in re.findall(r"test_\w+\.py", " ".join([*TARGETS.values(), *NOT_HERE.values()])):
            assert twin in texts

    def test_the_pages_form_is_understood(self):
        """Sums, so that a change of form does not make the tests empty."""
        assert len(SHOWN) > 290
        assert len(CASES) > 25
        assert len(NAMED) > 70


class TestTheClientsInReadme:
    def table(self, page, first):
        text = (REPOSITORY / page).read_text()
        (found,) = re.findall(rf"^\| {first} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
        return [[cell.strip(" *") for cell in row.split("|")[1:-1]] for row in found.splitlines()]

    def test_are_those_of_the_matrix(self):
        shown = [row[1:5] for row in self.table("README.md", "client")]
        measured = [row[1:5] for row in self.table("docs/matrix.md", "Client")]
        assert shown == measured


JSON = (REPOSITORY / "docs" / "json.md").read_text()
SCHEMAS = dict(re.findall(r"^\| `rootlet/([a-z-]+/\d+)` \| (.*) \|$", JSON, re.MULTILINE))


class TestJson:
    """docs/json.md lists what the code prints."""

    def test_has_every_schema_and_no_other(self):
        code = "".join(
            one.read_text() for one in (REPOSITORY / "host" / "rootlet" / "cli").glob("*.py")
        )
        printed = set(re.findall(r'as_json\(\s*"([a-z-]+/\d+)"', code))
        assert printed == set(SCHEMAS)
        assert code.count("as_json(") == len(re.findall(r'as_json\(\s*"[a-z-]+/\d+"', code)) + 1

    @pytest.mark.parametrize("schema", SCHEMAS)
    def test_names_commands_that_take_json(self, schema):
        for line in re.findall(r"`(rootlet [^`]*)`", SCHEMAS[schema]):
            words = [word for word in shlex.split(line) if word.islower() and word[0] != "-"]
            assert "--json" in {
                name for one in COMMANDS[" ".join(words)].params for name in one.opts
            }
