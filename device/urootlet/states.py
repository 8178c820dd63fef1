"""The state table of a rotation: docs/rotation.md shows it, :func:`step` is it.

A pure rule: state and event in, state and actions out. ``urootlet.rotation`` makes the events
and carries out the actions.
"""

from .compat import const

#: States. Only the active set authenticates, but for REVOKE, where only the candidate does.
IDLE = const(0)  # no candidate
TRIAL = const(1)  # a candidate waits for its next trial, or is in one
PARKED = const(2)  # a candidate did not get through; it is tried again after the back-off
REVOKE = const(3)  # a candidate with revoke-now was accepted: the active set is cut off

#: Events.
OFFER = const(0)  # a good bundle was written to the inactive slot
CUT = const(1)  # the same, with revoke-now
TRY = const(2)  # a connection with the candidate alone is about to be made
WORKS = const(3)  # TLS, name and CONNACK 0 with the candidate alone
FAILS = const(4)  # anything else came of it; never evidence against the candidate
SPENT = const(5)  # started again without a verdict for the third time
BAD = const(6)  # the candidate cannot be read or loaded here
KEYS = const(7)  # a newer key set was taken

#: Actions, a mask.
FRESH = const(1)  # no attempts so far, no back-off
COUNT = const(2)  # one attempt more
WAIT = const(4)  # the next, longer back-off
ADOPT = const(8)  # the candidate is the active set; the floors are its own
BAN = const(16)  # never take these bytes again
DROP = const(32)  # forget the candidate

# state, event, next state, actions; what is not here changes nothing.
_TABLE = bytes((
    IDLE, OFFER, TRIAL, FRESH,
    IDLE, CUT, REVOKE, FRESH,
    TRIAL, OFFER, TRIAL, FRESH,
    TRIAL, CUT, REVOKE, FRESH,
    TRIAL, TRY, TRIAL, COUNT,
    TRIAL, WORKS, IDLE, ADOPT,
    TRIAL, FAILS, PARKED, WAIT,
    TRIAL, SPENT, PARKED, WAIT,
    TRIAL, BAD, IDLE, BAN | DROP,
    TRIAL, KEYS, IDLE, DROP,
    PARKED, OFFER, TRIAL, FRESH,
    PARKED, CUT, REVOKE, FRESH,
    PARKED, TRY, TRIAL, COUNT,
    PARKED, BAD, IDLE, BAN | DROP,
    PARKED, KEYS, IDLE, DROP,
    REVOKE, OFFER, REVOKE, FRESH,
    REVOKE, CUT, REVOKE, FRESH,
    REVOKE, WORKS, IDLE, ADOPT,
))  # fmt: skip


def step(state: int, event: int) -> "tuple[int, int]":
    """Return the next state and the mask of actions."""
    for row in range(0, len(_TABLE), 4):
        if _TABLE[row] == state and _TABLE[row + 1] == event:
            return _TABLE[row + 2], _TABLE[row + 3]
    return state, 0
