"""The state table of a rotation: docs/rotation.md shows it, :func:`step` is it.

A pure rule: state and event in, state and actions out. ``urootlet.rotation`` makes the events
and carries out the actions. The numbers have names in ``urootlet.states_cpython``; a board's code
has them folded in, so that no name is held in its memory.


state         0 IDLE: no candidate; only the active set authenticates, as in 1 and 2
              1 TRIAL: a candidate waits for its next trial, or is in one
              2 PARKED: a candidate did not get through; it is tried again after the back-off
              3 REVOKE: a candidate with revoke-now was accepted: it alone authenticates
event         0 OFFER: a good bundle was written to the inactive slot
              1 CUT: the same, with revoke-now
              2 TRY: a connection with the candidate alone is about to be made
              3 WORKS: TLS, name and CONNACK 0 with the candidate alone
              4 FAILS: anything else came of it; never evidence against the candidate
              5 SPENT: started again without a verdict for the third time
              6 BAD: the candidate cannot be read or loaded here
              7 KEYS: a newer key set was taken
action        1 FRESH: no attempts so far, no back-off
(a mask)      2 COUNT: one attempt more
              4 WAIT: the next, longer back-off
              8 ADOPT: the candidate is the active set; the floors are its own
              16 BAN: never take these bytes again
              32 DROP: forget the candidate
"""

#: A row per state, a byte per event: the next state + 4 * the actions.
_TABLE = (
    b"\x05\x07\x00\x00\x00\x00\x00\x00"
    b"\x05\x07\x09\x20\x12\x12\xc0\x80"
    b"\x05\x07\x09\x02\x02\x02\xc0\x80"
    b"\x07\x07\x03\x20\x03\x03\x03\x03"
)


def step(state: int, event: int) -> "tuple[int, int]":
    """Return the next state and the mask of actions."""
    cell = _TABLE[8 * state + event]
    return cell & 3, cell >> 2
