"""Pages of the documentation as a person follows them: see pages.py."""

import re

import pytest

from pages import REPOSITORY, Desk, commands
from rootlet import flash, identity
from rootlet.boardio.remote import Remote
from rotation_cases import KEYS, Release


@pytest.fixture
def desk():
    with Desk() as desk:
        yield desk


def shown(seen, start):
    """What the commands that start like this have printed."""
    return [text for command, text in seen.items() if command.startswith(start)]


def test_the_tutorial_connects_a_board_and_sees_an_impostor_refused(desk):
    seen: dict[str, str] = {}
    for command in commands("tutorial-virtual.md"):
        before = seen.get(command.text, "")
        seen[command.text] = before + desk.do(command)
    (ran,) = shown(seen, "mpremote")
    verified, refused = ran.split("\n", 1)
    assert verified.startswith("verified: TLSv1.2 TLS-ECDHE-ECDSA-")
    assert refused.startswith("E-ROOT: a key that is not ours uses the name Amazon Root CA 3")
    assert "up to date" in seen["rootlet flash --port PORT lab.rlt"]
    (matrix,) = shown(seen, "rootlet matrix")
    assert "3 passed" in matrix


def test_a_device_with_dead_roots_comes_back(desk):
    seen = [(command.text, desk.do(command)) for command in commands("howto-recover.md")]
    first, second = [text for command, text in seen if command.startswith("mpremote")]
    assert first.startswith("failed: ROOT ")
    assert second.splitlines()[-1] == "served, floor (1, 2)"
    (status,) = [text for command, text in seen if "status" in command]
    assert re.search(r"^floor +1\.2$", status, re.MULTILINE)
    assert re.search(r"^reason +confirmed$", status, re.MULTILINE)


def test_a_private_ca_is_packaged_and_verified(desk):
    seen = desk.follow("howto-private-ca.md")
    good, *refused = shown(seen, "rootlet verify")
    assert "accepted" in good
    assert len(refused) == 2


def test_the_ported_programs_run_on_a_board(virtual_board, lab):
    page = (REPOSITORY / "docs" / "howto-port.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    programs = [one for one in blocks if "import urootlet" in one]
    assert len(programs) == 3
    issued = lab.pki.issue_identity("pump-7")
    key = identity.read_key(issued.key_der, "key", issued.cert_der)
    settings = identity.Settings(lab.endpoint, "pump-7", lab.host, lab.port)
    files = flash.contents(Release(lab.pki).encode(), settings, issued.cert_der, key, KEYS)
    flash.flash(virtual_board.port, files, lambda *_: None, keys=KEYS)
    with lab.subscriber("pumps/7/level") as listener:
        for program in programs:
            with Remote(virtual_board.port) as board:
                printed = board.run(program)
        assert [one.payload for one in listener.wait(2, timeout=10)] == [b"42"] * 2
    assert printed.startswith("verified: TLSv1.2")
