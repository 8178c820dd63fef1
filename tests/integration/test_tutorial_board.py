"""docs/tutorial-board.md as a person follows it, on a chip that is not there."""

import json
import time

from doctor_failures import NETWORK
from fixtures_chip import WHOLE_OFFSET, entries
from pages import Desk, commands
from rom_loader import firmware, table

PAGE = "tutorial-board.md"


def until_confirmed(desk):
    """Ask the board until it has tried the offer; each question interrupts its program."""
    deadline = time.monotonic() + 60
    while True:
        found = json.loads(desk.run("rootlet rotate status --port PORT --json"))
        if found["floor"] == [1, 2] or time.monotonic() > deadline:
            return found
        time.sleep(2)


def test_the_page_leads_from_a_blank_chip_to_newer_roots(new_chip, esp32_interpreter):
    # A virtual board has no radio: it is in the network already.
    (esp32_interpreter.modules / "network.py").write_text(NETWORK.format(connected=1))
    seen = {}
    with new_chip(offset=WHOLE_OFFSET) as chip, Desk() as desk:
        desk.environment["ROOTLET_WIFI_PASSWORD"] = "correct horse battery"
        new = firmware(0, 0x1000, b"v1.26.1", table(*entries(WHOLE_OFFSET)))
        (desk.folder / "ESP32_GENERIC.bin").write_bytes(new)
        desk.exchange("PORT", chip.port)
        desk.exchange("192.168.7.2", "127.0.0.1")
        for command in commands(PAGE):
            if command.text.startswith("rootlet rotate status"):
                assert until_confirmed(desk)["reason"] == "confirmed"
            seen[command.text] = desk.do(command)
            if "--firmware" in command.text:
                chip.reset()  # its EN button: a pty has no line that resets it
        report = (desk.folder / "pump-7.html").read_text()
    doctor = seen["rootlet doctor --port PORT --fix clock"]
    assert "acknowledged" in doctor
    assert "confirmed" in seen["rootlet rotate status --port PORT"]
    assert "Rotation on the board" in report
