"""Building the smallest trust bundle that works on a board.

Rules: ``--keys rsa`` is Amazon Root CA 1, ``ecc`` is Root CA 3, ``both`` is the two, ``none``
only what is added by id or file. The cipher profile follows from the keys, because a bundle of
one family fails on a server that prefers the other. Anchors are packaged in the smallest form
that the board's TLS stack takes. Whatever does not fit is refused before a byte is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rootlet import anchor, budget, bundle, catalog, coverage, x509
from rootlet.errors import InputError, TrustError
from urootlet.format_cpython import ECDSA, HEADER, RSA, SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rootlet.board import Board

#: How far in the future a bundle may say it was made: clocks differ, but a mistyped year would
#: poison the earliest time that devices accept.
CLOCK_TOLERANCE = 86400
#: --keys -> anchors from the catalogue, and the cipher profile that they need
KEYS = {
    "rsa": (("amazon-root-ca-1",), RSA),
    "ecc": (("amazon-root-ca-3",), ECDSA),
    "both": (("amazon-root-ca-1", "amazon-root-ca-3"), ECDSA | RSA),
    "none": ((), ECDSA | RSA),
}
#: Bytes of an anchor's record beside its DER: tag, length, SHA-256 of the original.
_RECORD = 3 + 32
_CURVE = {"ec-p256": "secp256r1", "ec-p384": "secp384r1", "ec-p521": "secp521r1"}


@dataclass(frozen=True)
class Choice:
    """One anchor that was chosen. ``id`` is empty for a file that the catalogue lacks."""

    id: str
    name: str
    key: str
    family: str
    der: bytes = field(repr=False)
    sha256: str
    not_before: datetime
    not_after: datetime
    programme_end: str
    because: str


@dataclass(frozen=True)
class Request:
    """What to build: a board, keys, ids to add, files to add as ``(name, bytes)``.

    ``form`` and ``profile`` override what the board and the keys imply; ``endpoint_tls12`` says
    that the endpoint's policy stops at TLS 1.2. Times are Unix seconds; ``after`` is when the
    bundle that it follows was created. With ``signing`` the result is not a bundle yet but the
    bytes that are to be signed.
    """

    board: Board
    keys: str
    created: int
    extra_ids: tuple[str, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()
    target: str = "default"
    form: str = ""
    profile: str = ""
    endpoint_tls12: bool = False
    not_after: int = 0
    after: int = 0
    signing: bundle.Signing | None = None


@dataclass(frozen=True)
class Built:
    """A bundle, or its bytes to be signed, and why it is as it is."""

    data: bytes = field(repr=False)
    board: Board
    form: str
    profile: int
    anchors: tuple[tuple[Choice, int], ...]  # with its bytes in the bundle
    covers: list[coverage.Answer]
    budget: list[budget.Line]
    warnings: list[str]


def build(request: Request) -> Built:
    """Return the bundle. Raises InputError for bad input, TrustError for what does not fit."""
    choices, warnings = _choose(request)
    profile = _profile(request)
    _check_family_choice(request, profile)
    warnings += [*_dates(choices, request.created), *_one_family(request, choices)]
    warnings += _turned_back(request)
    form = _form(request)
    for choice in choices:
        _check_supported(request.board, choice)
    packaged = [
        bundle.Anchor(anchor.package(one.der, form, one.name), bytes.fromhex(one.sha256))
        for one in choices
    ]
    # Before encoding: "does not fit" says more than the limit of a format does.
    costs = budget.lines(request.board, _usage(request, choices, form, packaged))
    _check_fits(request.board, costs)
    data = bundle.encode(
        packaged,
        target=request.target,
        profile=profile,
        created=request.created,
        not_after=request.not_after,
        signing=request.signing,
    )
    sizes = tuple((one, len(made.der)) for one, made in zip(choices, packaged, strict=True))
    covers = coverage.answers([one.id for one in choices], profile)
    return Built(data, request.board, form, profile, sizes, covers, costs, warnings)


def _usage(
    request: Request, choices: list[Choice], form: str, packaged: list[bundle.Anchor]
) -> budget.Usage:
    """Return what the bundle needs room for; docs/format.md gives the bytes around anchors."""
    records = sum(_RECORD + len(one.der) for one in packaged)
    signatures = SIGNATURE * (request.signing.room if request.signing else 0)
    return budget.Usage(
        size=6 + len(request.target.encode()) + HEADER + records + signatures,
        anchors=[
            budget.packaged(one.key, form, made.der)
            for one, made in zip(choices, packaged, strict=True)
        ],
        profile=_profile(request),
    )


def check_created(created: int, now: int) -> None:
    """Raise InputError when a creation time lies more than a day after ``now`` (Unix seconds)."""
    if created > now + CLOCK_TOLERANCE:
        raise InputError(
            f"created {created} is {(created - now) // 86400} days from now",
            why="devices take the creation time as the earliest time that they accept",
            hint="leave --created out, and check this computer's clock",
            code="CLOCK",
        )


def _choose(request: Request) -> tuple[list[Choice], list[str]]:
    """Return the anchors in the order asked for, each once, and what to warn of."""
    known = catalog.load()
    ids = dict.fromkeys((*KEYS[request.keys][0], *request.extra_ids))
    choices = [
        _from_catalog(known.get(one), "--with" if one in request.extra_ids else "--keys")
        for one in ids
    ]
    warnings: list[str] = []
    for name, data in request.files:
        choices += _from_file(name, data, known, warnings)
    if not choices:
        raise InputError(
            "a bundle without anchors trusts nobody",
            why="--keys none adds no root of AWS",
            hint="add --anchor FILE.pem or --with ID",
            code="NOROOTS",
        )
    _check_each_once(choices)
    return choices, warnings


def _dates(choices: list[Choice], created: int) -> Iterator[str]:
    """Warn of anchors that are not valid when the bundle is made: devices check their dates."""
    for one in choices:
        name = one.id or one.name
        if one.not_after.timestamp() < created:
            day = one.not_after.date()
            yield f"{name} ended on {day}: a device that checks dates refuses its chains"
        elif one.not_before.timestamp() > created:
            day = one.not_before.date()
            yield f"{name} begins on {day}: a device that checks dates refuses it till then"


def _turned_back(request: Request) -> Iterator[str]:
    """Warn of a clock that stands before the last bundle: confirming sets devices back to it."""
    if request.created < request.after:
        created, after = (
            f"{datetime.fromtimestamp(one, UTC):%Y-%m-%d %H:%M}"
            for one in (request.created, request.after)
        )
        yield (
            f"created {created}, before the bundle that it follows ({after}): a device that "
            "confirms it accepts times from then on; is this computer's clock right?"
        )


def _one_family(request: Request, choices: list[Choice]) -> Iterator[str]:
    """Warn when both families are offered but these roots of AWS sign servers of one only."""
    families = {one.family for one in choices}
    ours = all(one.id.startswith("amazon-root-ca-") for one in choices)
    if request.keys == "none" and not request.profile and ours and len(families) == 1:
        family = families.pop()
        yield (
            f"the cipher profile is both, but these roots have {family.upper()} chains only: "
            f"a server that prefers the other key type fails; --profile {family} prevents that"
        )


def _check_each_once(choices: list[Choice]) -> None:
    first: dict[str, Choice] = {}
    for one in choices:
        other = first.setdefault(one.sha256, one)
        if other is not one:
            raise InputError(
                f"the same root is given twice: {one.id or one.name}",
                why=f"by {other.because}, and by {one.because}",
                hint="leave one of the two out",
            )


def _from_catalog(found: catalog.TrustAnchor, option: str) -> Choice:
    return Choice(
        id=found.id,
        name=found.name,
        key=found.key,
        family=_family(found.key),
        der=found.der,
        sha256=found.sha256,
        not_before=found.not_before,
        not_after=found.not_after,
        programme_end=found.programme_end.isoformat() if found.programme_end else "",
        because=option,
    )


def _from_file(
    name: str, data: bytes, known: catalog.Catalog, warnings: list[str]
) -> Iterator[Choice]:
    """Yield the anchors of a file; where there are several, errors name the block (from 1)."""
    found = x509.parse_certificates(data, name)
    for number, one in enumerate(found, 1):
        place = f"{name}, block {number}" if len(found) > 1 else name
        yield _from_certificate(one, place, known, warnings)


def _from_certificate(
    certificate: x509.Certificate, name: str, known: catalog.Catalog, warnings: list[str]
) -> Choice:
    same = known.by_sha256(certificate.sha256)
    if same is not None:
        return _from_catalog(same, f"--anchor {name}")
    lookalike = known.by_subject(certificate.subject_der)
    if lookalike is None:
        warnings.append(f"{name}: {certificate.subject} is not in the catalogue of AWS roots")
    else:
        warnings.append(
            f"{name}: NOT AMAZON'S {lookalike.name.upper()}, ONLY ITS NAME: "
            f"the key is another one (SHA-256 {certificate.sha256})"
        )
    return Choice(
        id="",
        name=f"{certificate.subject} ({name})",
        key=certificate.key,
        family=certificate.family,
        der=certificate.der,
        sha256=certificate.sha256,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        programme_end="",
        because=f"--anchor {name}",
    )


def _family(key: str) -> str:
    return "rsa" if key.startswith("rsa") else "ecdsa"


def _profile(request: Request) -> int:
    if not request.profile:
        return KEYS[request.keys][1]
    if request.keys != "none":
        raise InputError(
            f"--profile goes with --keys none, not with --keys {request.keys}",
            why="the roots of AWS imply the cipher profile that makes them work",
            hint="leave --profile out",
        )
    return bundle.PROFILES[request.profile]


def _check_family_choice(request: Request, profile: int) -> None:
    """Refuse one family where the board cannot make the server present it."""
    tls = request.board.tls
    if profile == ECDSA | RSA or tls.one_family_is_safe:
        return
    later = tls.family_choice_tls12
    if request.endpoint_tls12 and later is not None and later.value != "none":
        return
    raise TrustError(
        f"a bundle of one key family is not safe on board {request.board.id}",
        why="its TLS stack negotiates TLS 1.3, where it cannot choose the server's key type",
        hint="--keys both, or --endpoint-tls 1.2 if the endpoint's TLS policy stops there",
        code="FAMILY",
    )


def _form(request: Request) -> str:
    forms = request.board.tls.forms.value
    if not request.form:
        return request.board.tls.anchor_form.value
    if request.form not in forms:
        raise TrustError(
            f"board {request.board.id} does not take anchors in the form {request.form}",
            why=f"its TLS stack, {request.board.tls.stack.value}, takes {', '.join(forms)}",
            hint=f"--form {forms[-1]}",
            code="FORMAT",
        )
    return request.form


def _check_supported(board: Board, choice: Choice) -> None:
    """Refuse an anchor whose key the board's TLS stack cannot use."""
    curve = ""
    if choice.family == "ecdsa":
        curve = _CURVE.get(choice.key, choice.key.removeprefix("ec-"))
    curves = board.tls.curves
    lacks = ""
    if choice.family not in board.tls.families.value:
        lacks = choice.family.upper()
    elif curve and curves is not None and curve not in curves.value:
        lacks = curve
    if lacks:
        raise TrustError(
            f"{choice.name} does not work on board {board.id}",
            why=f"its TLS stack does not do {lacks}",
            hint=f"see what it does: rootlet board show {board.id}",
            code="TLSPOLICY",
        )


def _check_fits(board: Board, costs: list[budget.Line]) -> None:
    for line in costs:
        if not line.fits:
            raise TrustError(
                f"the bundle does not fit board {board.id}: {line.what}",
                why=f"it needs {line.shown} bytes, the board has {line.has:,} ({line.source})",
                hint="use fewer anchors, or ECC ones",
                code="HEAP" if "heap" in line.what else "",
            )
