"""Names for the numbers of the state table in ``urootlet.store``, for tests and tools."""

IDLE, TRIAL, PARKED, REVOKE = range(4)
OFFER, CUT, TRY, WORKS, FAILS, SPENT, BAD, KEYS = range(8)
FRESH, COUNT, WAIT, ADOPT, BAN, DROP = (1 << bit for bit in range(6))
