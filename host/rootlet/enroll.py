"""Making a device known to AWS IoT, step by step, so that nothing half-made stays behind.

The key was made on this computer and never leaves it: AWS gets a request (RFC 2986). Each step
is noted in the device folder's ``aws.jsonl`` before and after it is taken (rootlet.journal): a
run that was cut off is continued by the next one, and ``rootlet.withdraw`` takes back, in reverse
order, what was made here and nothing else.

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

import contextlib
import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rootlet import credentials, identity, policy
from rootlet.aws import ExistsError, certificates, things
from rootlet.errors import InputError
from rootlet.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.x509 import CertificateSigningRequest

    from rootlet.aws import Account
    from rootlet.credentials import Issue
    from rootlet.identity import PrivateKey

JOURNAL = "aws.jsonl"
_SKEW = 300  # seconds that this clock and that of AWS may differ
_LONGEST_SEARCH = 250  # certificates: one page
#: What a line of the journal must hold: its step and state, and the kind of each value.
_HELD: tuple[tuple[str, str, dict[str, type]], ...] = (
    ("policy", "begin", {"name": str}),
    ("policy", "done", {"name": str}),
    ("certificate", "begin", {"at": int}),
    ("certificate", "done", {"id": str, "arn": str, "pem": str}),
)


@dataclass(frozen=True)
class Grant:
    """A policy of AWS IoT: its name, and what it says."""

    policy: str
    document: dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What to make: a thing, its certificate request in PEM, and what it may do."""

    thing: str
    csr: str
    grant: Grant


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


def issuer(
    account: Account, folder: Path, thing: str, grant: Grant, tell: Callable[[str], None]
) -> Issue:
    """Return what makes a device's certificate by enrolling it; the journal is in its folder."""

    def issue(asked: CertificateSigningRequest, _key: PrivateKey) -> bytes:
        csr = credentials.request_pem(asked).decode()
        with Journal(folder / JOURNAL) as journal:
            made = enroll(Run(Request(thing, csr, grant), account, journal, tell))
        return identity.read_certificate(made["pem"].encode(), "the certificate of AWS IoT")

    return issue


def enroll(run: Run) -> dict[str, Any]:
    """Take every step that is not done yet; return the certificate's ``id``, ``arn``, ``pem``.

    Raises InputError when the journal is about another thing or key, the thing has certificates
    of somebody else, or a policy of that name says something else; and as the calls do.
    """
    check_same(run)
    check_key(run.journal, hashlib.sha256(certificates.public_key(run.request.csr)).hexdigest())
    for step, take in STEPS.items():
        if run.journal.state(step) != "done":
            run.tell(step)
            take(run)
    return run.certificate


def is_done(folder: Path, key_id: str) -> bool:
    """Whether every step was taken for a device folder. Raises InputError as ``enroll``."""
    if not (folder / JOURNAL).exists():
        return False
    with Journal(folder / JOURNAL) as journal:
        _check_lines(journal)
        check_key(journal, key_id)
        return journal.state("activate") == "done"


def check_key(journal: Journal, key_id: str) -> None:
    """Refuse a journal whose certificate is for another key than that with this SHA-256 (hex).

    ``provision --force`` replaces a key, and what AWS has made for the one before is still there.
    The journal's lines are checked before.
    """
    if journal.state("certificate") != "done":
        return
    try:
        made = certificates.public_key(journal.result("certificate")["pem"])
    except ValueError as error:
        raise _damaged(journal, "certificate") from error
    if hashlib.sha256(made).hexdigest() != key_id:
        raise InputError(
            f"{journal.path} is about another key",
            why="AWS IoT made its certificate for the key that was here before",
            hint=f"take that back first: rootlet provision --undo -o {journal.path.parent}",
        )


def _check_lines(journal: Journal) -> None:
    """Refuse a journal in which somebody has edited what the next run needs."""
    for step, state, kinds in _HELD:
        found = journal.begun(step) if state == "begin" else journal.result(step)
        noted = found or journal.state(step) == state
        if noted and not all(type(found.get(name)) is kind for name, kind in kinds.items()):
            raise _damaged(journal, step)


def _damaged(journal: Journal, step: str) -> InputError:
    return InputError(
        f"{journal.path}: cannot be used",
        why=f"a line of the step {step} is damaged",
        hint=Journal.MEND,
    )


def check_same(run: Run) -> None:
    """Refuse a journal of another thing, account or region, or one that is damaged."""
    _check_lines(run.journal)
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
        text = policy.encode(document)
        try:
            account.iot.call("CreatePolicy", policyName=name, policyDocument=text)
        except ExistsError:  # an answer was lost, or another run has just made it
            found = things.policy(account, name) or ""
        else:
            return True
    if not policy.same(found, document):
        raise InputError(
            f"the policy {name} says something else than it would here",
            why="another set of topics, or somebody else's policy",
            hint="use the same --topic as for the rest of the fleet, or another name",
        )
    return False


def _policy(run: Run) -> None:
    name = run.request.grant.policy
    if run.journal.state("policy") != "begin":
        existed = things.policy(run.account, name) is not None
        run.journal.begin("policy", name=name, existed=existed)
    create_policy(run.account, name, run.request.grant.document)
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
    made = lost(run) if run.journal.state("certificate") == "begin" else None
    if made is None:
        run.journal.begin("certificate", at=int(time.time()))
        made = certificates.from_csr(run.account, run.request.csr, active=False)
    run.journal.done(
        "certificate",
        id=made["certificateId"],
        arn=made["certificateArn"],
        pem=made["certificatePem"],
    )


def lost(run: Run) -> dict[str, Any] | None:
    """Return the certificate that an earlier run had AWS make before it could note it."""
    since = run.journal.begun("certificate").get("at", 0) - _SKEW
    wanted = certificates.public_key(run.request.csr)
    for number, one in enumerate(certificates.listed(run.account)):
        if number >= _LONGEST_SEARCH or one["creationDate"].timestamp() < since:
            break
        found = certificates.describe(run.account, one["certificateId"])
        with contextlib.suppress(ValueError):  # somebody else's, of a kind that we cannot read
            if certificates.public_key(found["certificatePem"]) == wanted:
                return found
    return None


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


#: In this order; they are taken back in the reverse.
STEPS: dict[str, Callable[[Run], None]] = {
    "policy": _policy,
    "thing": _thing,
    "certificate": _certificate,
    "allow": _allow,
    "attach": _attach,
    "activate": _activate,
}
