"""Certificates that pass between this computer and AWS IoT: made, signed, registered, deleted.

What must not be lost is looked after first: the files that will be written are not there yet, and
can be written, before AWS is asked for a key that it sends only once.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding

from rootlet import credentials, files, identity, pem
from rootlet.aws import certificates, things
from rootlet.aws.errors import ExistsError
from rootlet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rootlet.aws import Account
    from rootlet.credentials import Authority

_THING = "thing/"


def create_keys(account: Account, output: Path, *, active: bool) -> dict[str, Any]:
    """Have AWS make a key and certificate: ``OUTPUT.crt`` and ``OUTPUT.key`` (0600), in PEM.

    Raises InputError when either file is there or cannot be written; AWS is not asked then.
    """
    paths = {kind: output.with_name(f"{output.name}.{kind}") for kind in ("key", "crt")}
    for path in paths.values():
        _check_new(path)
    files.write(paths["key"], b"", mode=0o600)
    try:
        made = account.once.call("CreateKeysAndCertificate", setAsActive=active)
    except BaseException:  # Ctrl-C too
        paths["key"].unlink()
        raise
    with _not_unknown(made, paths["key"]):
        files.write(paths["key"], made["keyPair"]["PrivateKey"].encode(), mode=0o600)
        files.write(paths["crt"], made["certificatePem"].encode())
    return _told(made, active) | {"certificate": str(paths["crt"]), "key": str(paths["key"])}


def sign_request(
    account: Account, csr: bytes, where: str, output: Path, *, active: bool
) -> dict[str, Any]:
    """Have AWS sign a request in PEM, and write the certificate in PEM. Raises InputError."""
    asked = _request(csr, where)
    _check_new(output)
    files.write(output, b"")  # it can be written, before anything is made
    try:
        made = certificates.from_csr(account, asked, active=active)
    except BaseException:
        output.unlink()
        raise
    with _not_unknown(made, output):
        files.write(output, made["certificatePem"].encode())
    return _told(made, active) | {"certificate": str(output)}


@contextmanager
def _not_unknown(made: dict[str, Any], path: Path) -> Iterator[None]:
    """Name the certificate that AWS has made, when what came of it cannot be written.

    ``path`` is removed while nothing is in it.
    """
    try:
        yield
    except InputError as error:
        if not path.stat().st_size:
            path.unlink()
        raise InputError(
            error.what,
            why=f"{error.why}; AWS has made the certificate {made['certificateId']}",
            hint=f"rootlet aws certs deactivate {made['certificateId']}, then delete; "
            "make room, and run it again",
        ) from error


def _told(made: dict[str, Any], active: bool) -> dict[str, Any]:
    return {"id": made["certificateId"], "arn": made["certificateArn"], "active": active}


def _check_new(path: Path) -> None:
    if path.exists():
        raise InputError(
            f"{path} exists",
            why="a key or certificate that is overwritten is lost",
            hint="name another with -o",
        )


def _request(data: bytes, where: str) -> str:
    from cryptography.x509 import load_pem_x509_csr  # noqa: PLC0415 - slow

    try:
        asked = load_pem_x509_csr(data)
        valid = asked.is_signature_valid
    except ValueError as error:
        raise InputError(
            f"{where} is no certificate request in PEM",
            why="it begins with -----BEGIN CERTIFICATE REQUEST-----",
            hint="rootlet provision makes one",
            code="FORMAT",
        ) from error
    if not valid:
        raise InputError(f"{where}: the request is not signed by its own key", code="FORMAT")
    return data.decode("ascii", "replace")


def as_pem(data: bytes, where: str) -> str:
    """Return the one certificate of a PEM or DER file as PEM. Raises InputError."""
    return pem.armour(identity.read_certificate(data, where))


def register_ca(
    account: Account, authority: Authority, *, active: bool, automatic: bool
) -> dict[str, Any]:
    """Register an authority, and prove that its key is in our hands. Returns id and arn.

    The proof is a certificate that it signs here: its common name is the registration code of the
    account (AWS IoT developer guide, "Register your CA certificate"). The key of that certificate
    is made for it and forgotten.
    """
    key = credentials.new_key()
    asked = credentials.request(key, certificates.registration_code(account))
    proof = pem.armour(authority.issue(asked, key))
    ca = pem.armour(authority.certificate.public_bytes(Encoding.DER))
    made = certificates.register_ca(account, ca, proof, active=active, automatic=automatic)
    return _told(made, active)


def resolve(account: Account, names: Sequence[str]) -> list[str]:
    """Return the ids that names stand for: an id, an ARN, or ``thing/NAME`` for all it has."""
    found: list[str] = []
    for name in names:
        if not name.startswith(_THING):
            found.append(certificates.check_id(name))
            continue
        thing = name.removeprefix(_THING)
        identity.check_thing(thing)
        held = things.principals(account, thing)
        if not held:
            raise InputError(f"the thing {thing} has no certificate", hint="check its name")
        found += [certificates.check_id(one) for one in held]
    return list(dict.fromkeys(found))


def delete(account: Account, certificate: str, *, detach: bool) -> dict[str, list[str]]:
    """Delete a certificate; with ``detach`` take it from what uses it first.

    Returns what it was taken from: ``policies`` and ``things``. Raises InputError while it is
    active, ExistsError while something uses it.
    """
    told = certificates.describe(account, certificate)
    if told["status"] == "ACTIVE":
        raise InputError(
            f"the certificate {certificate[:16]}... is active",
            why="a device may be using it",
            hint=f"first: rootlet aws certs deactivate {certificate}",
        )
    policies, held = certificates.users(account, told["certificateArn"])
    if (policies or held) and not detach:
        raise ExistsError(
            f"the certificate {certificate[:16]}... is in use",
            why=f"attached to {', '.join([*policies, *held])}",
            hint="add --detach",
        )
    certificates.detach(account, told["certificateArn"])
    certificates.delete_detached(account, certificate)
    return {"policies": policies, "things": held}
