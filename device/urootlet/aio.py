"""Rotation for a program that has an asyncio loop and an MQTT client of its own.

``connect`` runs the steps of :meth:`urootlet.rotation.Rotation.flow`; the program makes each
connection with the context that it is given. On a board the TLS handshake, NTP and the way back
to a newer bundle (``urootlet.recovery``) block the loop for as long as they take, because stock
firmware has no other way; on CPython they run beside it.
"""

import asyncio

from .errors import MICROPYTHON, Error, const

_TYPING = const(0)
if _TYPING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from .rotation import Rotation
    from .tls_cpython import Context

    Opener = Callable[[Any], Awaitable[Any]]


class _Client:
    """What the steps want to know of a connection."""

    def __init__(self, client: "Any", session: "Context") -> None:
        self.client = client
        self.session = session


async def connect(rotation: "Rotation", opener: "Opener") -> "Any":
    """Return what ``opener`` returned for the connection that serves.

    ``opener(context)`` connects to ``rotation.identity.config.address`` and ``.port`` with this
    TLS context, as an MQTT client, and returns when CONNACK 0 has come; it raises when anything
    else happens, and closes what it opened. It is called once for each connection to try, within
    twice the configured time-out: one for TLS, one for CONNACK. The context takes the place of
    an ``ssl.SSLContext`` and checks the server's name by itself.
    Raises :class:`urootlet.errors.Error`, NOVERIFY if the context was not used.
    """
    try:
        return await _run(rotation, opener)
    except Error as error:
        from .rotation import dead

        if not dead(error):
            raise
        from .recovery import recover

        if not await _beside(recover, rotation):
            raise
    return await _run(rotation, opener)


async def _run(rotation: "Rotation", opener: "Opener") -> "Any":
    flow = rotation.flow()
    answer: "Any" = None
    try:
        while True:
            try:
                bundle, floor = flow.send(answer)
            except StopIteration as stop:
                return stop.value.client
            if floor < 0:
                answer = await _beside(rotation.attempt, bundle, floor)
            else:
                answer = await _open(rotation, opener, bundle, floor)
    finally:
        flow.close()


async def _open(rotation: "Rotation", opener: "Opener", bundle: "Any", floor: int) -> "Any":
    """Make one connection; return the client or its Error."""
    identity = rotation.identity
    try:
        context = await _beside(identity.prepare, bundle, floor)
    except Error as error:
        return error
    try:
        client = await asyncio.wait_for(opener(context), 2 * identity.config.timeout)
    except Exception as error:  # noqa: BLE001 - clients raise anything; it becomes one Error
        from .diagnose import explain

        return await _beside(explain, error, bundle, identity.config, context)
    if not context.anchor:
        return Error("NOVERIFY", "the program connected without the context")
    return _Client(client, context)


async def _beside(work: "Callable[..., Any]", *arguments: "Any") -> "Any":
    """Do work that blocks, beside the loop where there are threads.

    Nothing can stop a thread: who cancels this waits for it, or it would take an offer in the
    middle of the next connection's trial.
    """
    if MICROPYTHON:
        return work(*arguments)
    done = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(done)
    finally:
        await asyncio.wait([done])
