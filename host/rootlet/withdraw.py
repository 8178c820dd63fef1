"""Taking back what ``rootlet.enroll`` made in AWS IoT, step by step, in reverse order.

Each step looks up in the journal what was there before, so that a thing that existed, or a policy
that other devices use, stays. It may be cut off and run again: what is gone already is no error.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from rootlet import files, identity
from rootlet.aws import AbsentError, ExistsError, certificates, things
from rootlet.enroll import JOURNAL, STEPS, Grant, Request, Run, check_same, lost
from rootlet.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rootlet.aws import Account


def take_back(account: Account, folder: Path, tell: Callable[[str], None]) -> list[str]:
    """Undo what was made for a device folder, which then waits for a certificate again.

    Its key and request stay. Returns the steps taken back. Raises InputError for a journal that is
    of another account or region.
    """
    csr = files.read(folder / identity.REQUEST, identity.MAX_PEM).decode("ascii", "replace")
    with Journal(folder / JOURNAL) as journal:
        # A run that was cut off at its very first line has noted nothing.
        thing = str(journal.result("run").get("thing") or identity.read_settings(folder).thing)
        run = Run(Request(thing, csr, Grant("", {})), account, journal, tell)
        check_same(run)
        # First of all: a folder that holds its certificate counts as whole, and a run with --aws
        # would leave a device alone of which half is taken back.
        for name in (identity.CERTIFICATE, identity.CERTIFICATE_PEM):
            (folder / name).unlink(missing_ok=True)
        return undo(run)


def undo(run: Run) -> list[str]:
    """Take back every step of the journal in reverse order; return the steps taken back.

    A policy that other devices use, and a thing that was there before, stay.
    """
    check_same(run)
    back = [one for one in reversed(STEPS) if run.journal.state(one) in ("begin", "done")]
    for step in back:
        run.tell(step)
        _UNDO[step](run)
        run.journal.undone(step)
    return back


def _forget_policy(run: Run) -> None:
    """Delete the policy if this folder made it and no other device uses it."""
    noted = run.journal.begun("policy")
    if noted.get("existed", True):
        return
    try:
        if not things.policy_targets(run.account, noted["name"]):
            run.account.iot.call("DeletePolicy", policyName=noted["name"])
    except (AbsentError, ExistsError):  # gone, or somebody attached it just now
        return


def _forget_thing(run: Run) -> None:
    if not run.journal.begun("thing").get("existed", True):
        run.account.iot.call("DeleteThing", thingName=run.request.thing)


def _forget_certificate(run: Run) -> None:
    made = run.certificate
    if run.journal.state("certificate") == "begin":
        found = lost(run)
        made = {"id": found["certificateId"]} if found else {}
    if made:
        with suppress(AbsentError):
            certificates.delete_detached(run.account, made["id"])


def _deny(run: Run) -> None:
    name, arn = run.journal.result("policy")["name"], run.certificate["arn"]
    with suppress(AbsentError):
        run.account.iot.call("DetachPolicy", policyName=name, target=arn)


def _detach(run: Run) -> None:
    arn = run.certificate["arn"]
    with suppress(AbsentError):
        run.account.iot.call("DetachThingPrincipal", thingName=run.request.thing, principal=arn)


def _deactivate(run: Run) -> None:
    with suppress(AbsentError):
        certificates.set_status(run.account, run.certificate["id"], "INACTIVE")


_UNDO: dict[str, Callable[[Run], None]] = {
    "policy": _forget_policy,
    "thing": _forget_thing,
    "certificate": _forget_certificate,
    "allow": _deny,
    "attach": _detach,
    "activate": _deactivate,
}
