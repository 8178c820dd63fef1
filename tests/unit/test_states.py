"""docs/rotation.md shows the state table; the code is that table, cell by cell."""

import itertools
from pathlib import Path

from urootlet import states_cpython as names
from urootlet.store import step

PAGE = Path(__file__).parents[2] / "docs" / "rotation.md"
STATES = ("IDLE", "TRIAL", "PARKED", "REVOKE")
EVENTS = ("OFFER", "CUT", "TRY", "WORKS", "FAILS", "SPENT", "BAD", "KEYS")


def number(name):
    return getattr(names, name)


def documented():
    """Return (state, event) -> (next state, actions) as the page has it; the rest stays."""
    lines = PAGE.read_text().splitlines()
    start = lines.index("| state | event | next | what is done |") + 2
    table = {}
    for line in itertools.takewhile(lambda row: row.startswith("|"), lines[start:]):
        froms, events, target, actions = (
            [word.strip() for word in cell.split(",")] for cell in line.strip("|").split("|")
        )
        for pair in itertools.product(froms, events):
            assert pair not in table, f"{pair} stands twice"
            table[pair] = (number(target[0]), sum(map(number, actions)))
    return table


def test_the_code_is_the_table_of_the_page():
    table = documented()
    for state, event in itertools.product(STATES, EVENTS):
        expected = table.get((state, event), (number(state), 0))
        assert step(number(state), number(event)) == expected, (state, event)


def test_no_event_makes_the_active_set_serve_again_once_it_was_cut_off():
    for event in EVENTS:
        state, actions = step(names.REVOKE, number(event))
        assert state == names.REVOKE or actions & names.ADOPT


def test_only_a_connection_that_worked_adopts_a_candidate():
    for state, event in itertools.product(STATES, EVENTS):
        _, actions = step(number(state), number(event))
        assert not actions & names.ADOPT or event == "WORKS"
