"""docs/howto-rotation.md as a person follows it."""

import json
import re
import time

from pages import Desk, commands

PAGE = "howto-rotation.md"


def until(desk, floor):
    """Ask the board until it has got so far; each question interrupts its program."""
    deadline = time.monotonic() + 60
    while True:
        found = json.loads(desk.run("rootlet rotate status --port PORT --json"))
        if found["floor"] == floor or time.monotonic() > deadline:
            return found
        time.sleep(3)


def test_the_page_leads_to_a_rotated_board():
    seen = {}
    with Desk() as desk:
        for command in commands(PAGE):
            seen[command.text] = desk.do(command)
            if command.text.startswith("rootlet lab offer"):
                assert until(desk, [1, 2])["reason"] == "confirmed"
        assert "there already" in seen["rootlet rotate offer --port PORT pumps-2.rlt"]
        shown = seen["rootlet rotate status --port PORT"]
        assert re.search(r"^floor +1\.2$", shown, re.MULTILINE)
        assert re.search(r"^key set +version 1 for pumps, 2 of 2 keys$", shown, re.MULTILINE)
        assert re.search(r"^reason +confirmed$", shown, re.MULTILINE)
        reset = next(text for text in seen if text.endswith("--reset-trust"))
        assert "the board goes by this bundle again" in seen[reset]
        assert until(desk, [1, 2])["floor"] == [1, 2]  # the retained offer is taken again
