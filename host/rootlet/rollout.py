"""Rolling a phase of a plan out to a fleet through AWS IoT Jobs, and watching it.

Jobs is the engine; here are only the questions that come before a job is created. Every one is
answered by the service, so any computer with the plan and the signed bundle can go on. In order:

1. the bundle is a phase of the plan, and enough keys of the key set have signed it; keys of
   which one alone decides are refused unless that is said (rule 7);
2. before a phase without a way back, a recovery URL serves exactly this bundle (rule 3);
3. no job of this fleet carries a higher number: devices would refuse this one;
4. the targets' things have confirmed the phase before, the share that the plan asks (rule 9);
5. a fleet follows canaries, all of which have confirmed this very bundle (rule 3).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rootlet import jobs, signing
from rootlet import plan as plans
from rootlet.aws import ExistsError
from rootlet.aws import jobs as service
from rootlet.aws.session import check_target
from rootlet.errors import InputError, TrustError
from urootlet import errors as device
from urootlet import fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rootlet.aws import Account
    from rootlet.plan import Phase, Plan
    from rootlet.progress import Job, Progress
    from urootlet.bundle import Bundle
    from urootlet.keyset import KeySet

    Tell = Callable[[int, int, str], None]

#: Days that unconfirmed things keep their certificates when nobody says otherwise.
GRACE = 30
_REASON = "ROOTLET_STOP"


@dataclass(frozen=True)
class Wish:
    """What an operator asks for: a phase's signed bundle, to whom, and how fast.

    ``targets`` are ``thing/NAME``, ``thinggroup/NAME`` or ARNs; ``keys`` is the key set file's
    content. ``again`` makes another job of a wave that has been cancelled.
    """

    plan: Plan
    bundle: Bundle
    keys: KeySet
    targets: tuple[str, ...]
    wave: str
    pace: jobs.Pace = field(default_factory=jobs.Pace)
    key_sets: tuple[bytes, ...] = ()
    single_key: bool = False
    without_canary: bool = False
    recovery_url: str = ""
    deadline: date | None = None
    again: bool = False

    @cached_property
    def phase(self) -> Phase:
        """The phase that the bundle is of."""
        return self.plan.phase_of(self.bundle)

    @cached_property
    def name(self) -> jobs.Name:
        """The job's name, at the first attempt."""
        found = self.bundle
        slug = jobs.slug(found.target)
        return jobs.Name(slug, found.key_set, found.sequence, self.phase.name, self.wave)


@dataclass(frozen=True)
class Call:
    """One call to AWS, as its service model names operation and parameters."""

    service: str
    operation: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Started:
    """The job, whether it was created now, and jobs of earlier phases that still hand out."""

    job_id: str
    new: bool
    deadline: date | None
    superseded: tuple[str, ...] = ()


def check(wish: Wish, now: datetime) -> Wish:
    """Answer what needs no network, and return the wish with its deadline.

    Raises InputError or TrustError.
    """
    phase = wish.phase
    for target in wish.targets:
        check_target(target)
    _check_keys(wish)
    wish.pace.check(now)
    final = phase.name in plans.FINAL
    if final and not wish.recovery_url:
        raise TrustError(
            f"phase {phase.name} needs a recovery URL",
            why="after it a device that the new set does not serve has no other way back",
            hint="serve the bundle as latest.rlt and name its folder: --recovery-url http://...",
        )
    if final and wish.without_canary:
        raise TrustError(f"phase {phase.name} needs canaries", why="there is no way back from it")
    if wish.deadline and wish.deadline <= now.date():
        raise InputError("--deadline has passed", why="things need time to confirm")
    return replace(wish, deadline=wish.deadline or _deadline(wish.plan, now)) if final else wish


def _check_keys(wish: Wish) -> None:
    keys = wish.keys
    if (keys.target, keys.version) != (wish.bundle.target, wish.bundle.key_set):
        raise InputError(
            f"the key set is version {keys.version} for {keys.target}",
            why=f"the bundle is under version {wish.bundle.key_set} for {wish.bundle.target}",
            hint=f"--key-set keys-{wish.bundle.key_set}.rlk",
        )
    signing.require([signing.parse(bytes(wish.bundle.data), "the bundle").standing(keys)])
    if keys.threshold == 1 and not wish.single_key:
        raise TrustError(
            f"key set {keys.version}: one key of {len(keys.keys)} decides alone",
            why="who steals it can rotate you out of your own fleet for good",
            hint="make the next key set with --threshold 2, or say --single-key",
        )


def _deadline(plan: Plan, now: datetime) -> date:
    """Return the day after which unconfirmed things should lose their certificates."""
    ends = [one.day for one in plan.calendar if one.removed and one.day > now.date()]
    return min([now.date() + timedelta(days=GRACE), *ends])


def check_recovery(wish: Wish) -> None:
    """Fetch from the recovery URL as a device does, and compare. Raises TrustError."""
    if not wish.recovery_url:
        return
    found = wish.bundle
    wanted = {"latest.rlt": bytes(found.data)}
    if found.key_set > 1:
        wanted[f"keys-{found.key_set}.rlk"] = bytes(wish.keys.data)
    for name, data in wanted.items():
        url = f"{wish.recovery_url.rstrip('/')}/{name}"
        try:
            same = fetch.get(url, signing.MAX_SIZE) == data
        except device.Error as error:
            raise TrustError(
                f"{url} does not serve devices",
                why=error.detail,
                hint="plain HTTP, status 200, no redirect, the file as it is",
                code=error.code,
            ) from error
        if not same:
            raise TrustError(
                f"{url} serves something else",
                why="a device that needs it would not get this set",
                hint=f"put the file there first, under the name {name}",
            )


def calls(wish: Wish, now: datetime, account_arn: str) -> list[Call]:
    """Return the calls that ``start`` makes when every gate is open; nothing is asked.

    ``account_arn`` stands before targets that are not ARNs. What ``start`` reads of the jobs that
    ListJobs returns depends on them.
    """
    targets = [one if one.startswith("arn:") else account_arn + one for one in wish.targets]
    reads = [] if targets == list(wish.targets) else [Call("sts", "GetCallerIdentity", {})]
    order = _order(wish, wish.name, targets)
    return [
        *reads,
        Call("iot", "ListJobs", {"maxResults": 250}),
        Call("iot", "CreateJob", order.parameters(now)),
    ]


def start(wish: Wish, account: Account, now: datetime, tell: Tell) -> Started:
    """Create the job of a wave, once every gate is open. The same again creates nothing.

    ``wish`` has passed ``check``. Raises TrustError with the gate that is closed.
    """
    named = service.ours(account, wish.bundle.target)
    _check_newest(wish, named)
    name, last = _attempt(wish, named)
    targets = [account.target(one) for one in wish.targets]
    if last is not None and (there := _there(wish, service.read(account, str(last)), targets)):
        return there
    check_recovery(wish)
    _check_gate(wish, account, named, targets, tell)
    _check_canaries(wish, account, named, tell)
    _create(account, _order(wish, name, targets), now)
    return Started(str(name), True, wish.deadline, _superseded(account, wish, named))


def _create(account: Account, order: jobs.Order, now: datetime) -> None:
    """Create a job. After a lost answer it is there already, which is as well if it is ours."""
    try:
        account.iot.call("CreateJob", **order.parameters(now))
    except ExistsError:
        there = service.read(account, str(order.name))
        same = there.bundle.data == order.bundle.data and {*there.targets} == {*order.targets}
        if not same:
            raise


def _order(wish: Wish, name: jobs.Name, targets: Sequence[str]) -> jobs.Order:
    return jobs.Order(name, wish.bundle, tuple(targets), wish.pace, wish.key_sets, wish.deadline)


def _attempt(wish: Wish, named: Sequence[jobs.Name]) -> tuple[jobs.Name, jobs.Name | None]:
    """Return the name of the next attempt, and that of the last one."""
    same = [one for one in named if replace(one, attempt=1) == wish.name]
    last = max(same, key=lambda one: one.attempt, default=None)
    return (replace(wish.name, attempt=last.attempt + 1) if last else wish.name), last


def _there(wish: Wish, last: Job, targets: Sequence[str]) -> Started | None:
    """Return the job that is there already, or None for another attempt. Raises otherwise."""
    if wish.again and last.active:
        raise InputError(
            f"the job {last.id} is still at work",
            why="two jobs of one wave would be counted twice",
            hint=f"first: rootlet rotate stop {last.id}",
        )
    if wish.again:
        return None
    if last.status == "CANCELED":
        raise TrustError(
            f"the job {last.id} was cancelled",
            why=last.reason or "nobody said why",
            hint="see rootlet rotate status; then, if it is to be tried again: --again",
        )
    if {*last.targets} != {*targets}:
        names = [one.rpartition(":")[2] for one in last.targets]
        raise InputError(
            f"the job {last.id} is for others: {_some(names)}",
            why="a wave is one job, and this one would not get to all that are named now",
            hint=(f"rootlet rotate stop {last.id}; then " if last.active else "")
            + "name all of them, with --again",
        )
    return Started(last.id, new=False, deadline=last.deadline)


def _check_newest(wish: Wish, named: Sequence[jobs.Name]) -> None:
    newer = [one for one in named if one.order > wish.name.order]
    if newer:
        raise TrustError(
            f"the job {newer[0]} carries a higher number",
            why="devices that took it refuse this bundle",
            hint="build it again with --after the newest bundle",
            code="SEQUENCE",
        )


def _check_gate(
    wish: Wish, account: Account, named: Sequence[jobs.Name], targets: Sequence[str], tell: Tell
) -> None:
    """Refuse until enough things of the targets have confirmed the phase before."""
    before = wish.plan.before(wish.phase)
    if before is None:
        return
    confirmed = _confirmed(wish, account, named, before, tell)
    things = service.members(account, targets)
    held = len(things & confirmed)
    if not things or held / len(things) < wish.plan.gate:
        missing = sorted(things - confirmed)
        raise TrustError(
            f"gate closed: {held} of {len(things)} things have confirmed phase {before.name}",
            why=f"the plan asks for {wish.plan.gate:.1%}; "
            + (f"missing: {_some(missing)}" if missing else "the targets have no things"),
            hint=f"rootlet rotate status --target {wish.bundle.target}",
        )


def _confirmed(
    wish: Wish, account: Account, named: Sequence[jobs.Name], before: Phase, tell: Tell
) -> frozenset[str]:
    """Return the things that have confirmed the phase before, and no other since but this one.

    ``named`` begins with the newest. What an earlier rotation brought was replaced by what
    followed it, also where it said the same.
    """
    found: frozenset[str] = frozenset()
    for name in named:
        if name.order < wish.name.order:
            job = service.read(account, str(name))
            if before.is_said_by(job.bundle):
                found |= service.progress(account, job, tell).confirmed
            elif not wish.phase.is_said_by(job.bundle):
                break
    return found


def _check_canaries(wish: Wish, account: Account, named: Sequence[jobs.Name], tell: Tell) -> None:
    """Refuse a fleet until every canary has confirmed this bundle."""
    if wish.wave == jobs.CANARY or wish.without_canary:
        return
    canary = replace(wish.name, wave=jobs.CANARY)
    same = [one for one in named if replace(one, attempt=1) == canary]
    if not same:
        raise TrustError(
            "no canary has tried this bundle",
            why="a fault shows on a few things before it shows on all",
            hint="start with: --canary thinggroup/NAME",
        )
    last = max(same, key=lambda one: one.attempt)
    found = service.progress(account, service.read(account, str(last)), tell)
    things = found.things
    if found.job.status == "CANCELED":  # those whose turn never came are canaries as well
        things |= service.members(account, found.job.targets)
    missing = sorted(things - found.confirmed)
    if missing or not things:
        raise TrustError(
            f"{len(things) - len(missing)} of {len(things)} canaries have confirmed",
            why=f"missing: {_some(missing)}",
            hint=f"rootlet rotate status --job {last}",
        )


def _superseded(account: Account, wish: Wish, named: Sequence[jobs.Name]) -> tuple[str, ...]:
    """Return jobs with lower numbers that still hand out: their bundles are out of date."""
    older = [str(one) for one in named if one.order < wish.name.order]
    return tuple(one for one in older if _is_active(account, one))


def _is_active(account: Account, job_id: str) -> bool:
    try:
        return service.read(account, job_id).active
    except InputError:  # deleted a moment ago, or somebody else's: nothing of ours to stop
        return False


def _some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def survey(
    account: Account, target: str, job_id: str, *, everything: bool, tell: Tell
) -> list[Progress]:
    """Return how the jobs of a fleet's newest set stand, or all its jobs, or one; newest first.

    Raises TrustError when the fleet has none.
    """
    if job_id:
        return [service.progress(account, service.read(account, job_id), tell)]
    named = service.ours(account, target)
    if not named:
        raise TrustError(
            f"no roll-out of {target} is in this account and region",
            why="AWS IoT keeps none of rootlet's jobs here",
            hint="check --region and --target, or start one: rootlet rotate start --help",
        )
    newest = max(one.order for one in named)
    wanted = [one for one in named if everything or one.order == newest]
    return [service.progress(account, service.read(account, str(one)), tell) for one in wanted]


def stopping(job_id: str, *, force: bool, comment: str) -> Call:
    """Return the call that stops a job. Raises InputError for a job that is not ours.

    Without ``force`` things that are in the middle of a trial finish it.
    """
    if jobs.read_name(job_id) is None:
        raise InputError(
            f"{job_id[:64]!r} is no job of rootlet", hint="rootlet rotate status lists them"
        )
    parameters = {"jobId": job_id, "reasonCode": _REASON, "comment": comment, "force": force}
    return Call("iot", "CancelJob", parameters)
