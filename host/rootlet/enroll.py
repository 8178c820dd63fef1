"""Making a device known to AWS IoT, step by step, so that nothing half-made stays behind.

The key was made on this computer and never leaves it: AWS gets a request (RFC 2986). Each step
is noted in the device folder's ``aws.jsonl`` before and after it is taken (rootlet.journal): a
run that was cut off is continued by the next one, and ``undo`` takes back, in reverse order, what
was made here and nothing else.

========== ======================== ============================================================
step       makes                    after a cut in the middle of it
========== ======================== ============================================================
policy     the policy, once a fleet its document is compared: the same is ours
thing      the thing                noted before: it was not there
certificate the certificate,        the newest certificates are searched for the request's key
           inactive
allow      policy -> certificate    attaching again changes nothing
attach     certificate -> thing     attaching again changes nothing
activate   its status               activating again changes nothing
========== ======================== ============================================================

A certificate connects only after the last step: what is left of a run that nobody continues
opens no door.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rootlet import policy
from rootlet.aws import AbsentError, ExistsError, certificates, things
from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rootlet.aws import Account
    from rootlet.journal import Journal

JOURNAL = "aws.jsonl"
_SKEW = 300  # seconds that this clock and that of AWS may differ
_LONGEST_SEARCH = 250  # certificates: one page


@dataclass(frozen=True)
class Request:
    """What to make: a thing, its certificate request in PEM, and a policy.

    ``policy`` is its name, ``document`` what it says.
    """

    thing: str
    csr: str
    policy: str
    document: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One run: the request, the account, the journal, and who is told of each step."""

    request: Request
    account: Account
    journal: Journal
    tell: Callable[[str], None]

    @property
    def certificate(self) -> dict[str, Any]:
        """What came of the step ``certificate``: id, arn, pem."""
        return self.journal.result("certificate")


def enroll(run: Run) -> dict[str, Any]:
    """Take every step that is not done yet; return the certificate's ``id``, ``arn``, ``pem``.

    Raises InputError when the journal is about another thing, the thing has certificates of
    somebody else, or a policy of that name says something else; and as the calls do.
    """
    _check_same(run)
    for step, take in _STEPS.items():
        if run.journal.state(step) != "done":
            run.tell(step)
            take(run)
    return run.certificate


def undo(run: Run) -> list[str]:
    """Take back every step of the journal in reverse order; return the steps taken back.

    A policy that other devices use, and a thing that was there before, stay.
    """
    _check_same(run)
    back = [one for one in reversed(_STEPS) if run.journal.state(one) in ("begin", "done")]
    for step in back:
        run.tell(step)
        _UNDO[step](run)
        run.journal.undone(step)
    return back


def _check_same(run: Run) -> None:
    """Refuse a journal of another thing, account or region."""
    wanted = {"thing": run.request.thing, "arn": run.account.arn}
    noted = run.journal.result("run")
    if not noted:
        run.journal.done("run", **wanted)
    elif noted != wanted:
        raise InputError(
            f"{run.journal.path} is about {noted.get('arn')}thing/{noted.get('thing')}",
            why=f"this run is for {wanted['arn']}thing/{wanted['thing']}",
            hint="use another folder, or take that back first with --undo",
        )


def create_policy(account: Account, name: str, document: dict[str, Any]) -> bool:
    """Make a policy; tell whether it is new. Raises InputError when that name says otherwise."""
    found = things.policy(account, name)
    if found is None:
        account.iot.call("CreatePolicy", policyName=name, policyDocument=policy.encode(document))
        return True
    if not policy.same(found, document):
        raise InputError(
            f"the policy {name} says something else than it would here",
            why="another set of topics, or somebody else's policy",
            hint="use the same --topic as for the rest of the fleet, or another name",
        )
    return False


def _policy(run: Run) -> None:
    name = run.request.policy
    if run.journal.state("policy") != "begin":
        existed = things.policy(run.account, name) is not None
        run.journal.begin("policy", name=name, existed=existed)
    create_policy(run.account, name, run.request.document)
    run.journal.done("policy", name=name)


def _thing(run: Run) -> None:
    name = run.request.thing
    existed = things.find(run.account, name) is not None
    if run.journal.state("thing") != "begin":
        if existed and (others := things.principals(run.account, name)):
            raise InputError(
                f"the thing {name} has {len(others)} certificate(s) already",
                why="a second key would make two devices of one",
                hint="use another name, or detach and delete the old certificate first",
            )
        run.journal.begin("thing", existed=existed)
    if not existed:
        run.account.iot.call("CreateThing", thingName=name)
    run.journal.done("thing", name=name)


def _certificate(run: Run) -> None:
    made = _lost(run) if run.journal.state("certificate") == "begin" else None
    if made is None:
        run.journal.begin("certificate", at=int(time.time()))
        made = certificates.from_csr(run.account, run.request.csr, active=False)
    run.journal.done(
        "certificate",
        id=made["certificateId"],
        arn=made["certificateArn"],
        pem=made["certificatePem"],
    )


def _lost(run: Run) -> dict[str, Any] | None:
    """Return the certificate that an earlier run had AWS make before it could note it."""
    since = run.journal.begun("certificate").get("at", 0) - _SKEW
    wanted = _public(run.request.csr)
    for number, one in enumerate(certificates.listed(run.account)):
        if number >= _LONGEST_SEARCH or one["creationDate"].timestamp() < since:
            break
        found = certificates.describe(run.account, one["certificateId"])
        if _public(found["certificatePem"]) == wanted:
            return found
    return None


def _public(pem: str) -> bytes:
    """Return the public key of a request or a certificate, as DER."""
    from cryptography import x509  # noqa: PLC0415 - slow
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - slow
        Encoding,
        PublicFormat,
    )

    data = pem.encode()
    load = x509.load_pem_x509_csr if b" REQUEST-----" in data else x509.load_pem_x509_certificate
    return load(data).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _allow(run: Run) -> None:
    run.journal.begin("allow")
    name = run.journal.result("policy")["name"]
    run.account.iot.call("AttachPolicy", policyName=name, target=run.certificate["arn"])
    run.journal.done("allow")


def _attach(run: Run) -> None:
    run.journal.begin("attach")
    run.account.iot.call(
        "AttachThingPrincipal", thingName=run.request.thing, principal=run.certificate["arn"]
    )
    run.journal.done("attach")


def _activate(run: Run) -> None:
    run.journal.begin("activate")
    certificates.set_status(run.account, run.certificate["id"], "ACTIVE")
    run.journal.done("activate")


_STEPS: dict[str, Callable[[Run], None]] = {
    "policy": _policy,
    "thing": _thing,
    "certificate": _certificate,
    "allow": _allow,
    "attach": _attach,
    "activate": _activate,
}


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
        lost = _lost(run)
        made = {"id": lost["certificateId"]} if lost else {}
    if made:
        _quietly(lambda: certificates.delete_detached(run.account, made["id"]))


def _deny(run: Run) -> None:
    name, arn = run.journal.result("policy")["name"], run.certificate["arn"]
    _quietly(lambda: run.account.iot.call("DetachPolicy", policyName=name, target=arn))


def _detach(run: Run) -> None:
    arn = run.certificate["arn"]
    _quietly(
        lambda: run.account.iot.call(
            "DetachThingPrincipal", thingName=run.request.thing, principal=arn
        )
    )


def _deactivate(run: Run) -> None:
    _quietly(lambda: certificates.set_status(run.account, run.certificate["id"], "INACTIVE"))


def _quietly(call: Callable[[], object]) -> None:
    """Take something back that may be gone already."""
    try:
        call()
    except AbsentError:
        return


_UNDO: dict[str, Callable[[Run], None]] = {
    "policy": _forget_policy,
    "thing": _forget_thing,
    "certificate": _forget_certificate,
    "allow": _deny,
    "attach": _detach,
    "activate": _deactivate,
}
