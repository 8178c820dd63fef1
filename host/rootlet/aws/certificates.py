"""Certificates of devices and of their authorities, as AWS IoT keeps them.

A device certificate is known by its id, 64 hex digits: the SHA-256 of its DER. Only an active
one connects. Source: AWS IoT API reference, operations of the names in each function.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from rootlet.aws.errors import ExistsError
from rootlet.errors import InputError, NetworkError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rootlet.aws.session import Account

_TRIES, _PAUSE = 10, 1.0  # seconds
_ID = re.compile(r"(?:arn:aws[a-z-]*:iot:[a-z0-9-]+:\d{12}:(?:ca)?cert/)?([0-9a-f]{64})", re.ASCII)


def check_id(text: str) -> str:
    """Return the id of a certificate that is named by its id or its ARN. Raises InputError."""
    found = _ID.fullmatch(text)
    if found is None:
        raise InputError(
            f"{text[:160]!r} is no certificate id",
            why="an id has 64 hex digits",
            hint="see them with: rootlet aws certs list",
        )
    return found[1]


def from_csr(account: Account, csr: str, *, active: bool) -> dict[str, Any]:
    """Have AWS sign a request in PEM. Returns certificateId, certificateArn, certificatePem.

    Raises NetworkError when the answer is a certificate of another key.
    """
    made = account.once.call(
        "CreateCertificateFromCsr", certificateSigningRequest=csr, setAsActive=active
    )
    if public_key(made["certificatePem"]) != public_key(csr):
        raise NetworkError(
            f"the certificate {made['certificateId'][:16]}... is not for the key of the request",
            why="what answers at this endpoint is not AWS, or mistaken",
            hint="check --endpoint-url; then delete that certificate",
        )
    return made


def public_key(pem: str) -> bytes:
    """Return the public key (SPKI, DER) of a request or a certificate in PEM."""
    from cryptography import x509  # noqa: PLC0415 - slow
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - slow
        Encoding,
        PublicFormat,
    )

    data = pem.encode()
    load = x509.load_pem_x509_csr if b" REQUEST-----" in data else x509.load_pem_x509_certificate
    return load(data).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def register(account: Account, pem: str, *, ca: str | None, active: bool) -> dict[str, Any]:
    """Register a certificate that somebody else signed; ``ca`` as PEM, when it is registered too.

    Returns certificateId and certificateArn.
    """
    status = "ACTIVE" if active else "INACTIVE"
    if ca is None:
        return account.iot.call("RegisterCertificateWithoutCA", certificatePem=pem, status=status)
    return account.iot.call(
        "RegisterCertificate", certificatePem=pem, caCertificatePem=ca, status=status
    )


def registration_code(account: Account) -> str:
    """Return what a verification certificate must have as its common name."""
    return str(account.iot.call("GetRegistrationCode")["registrationCode"])


def register_ca(
    account: Account, ca: str, verification: str, *, active: bool, automatic: bool
) -> dict[str, Any]:
    """Register an authority (both PEM); ``automatic`` lets devices register by connecting.

    Returns certificateId and certificateArn.
    """
    return account.iot.call(
        "RegisterCACertificate",
        caCertificate=ca,
        verificationCertificate=verification,
        setAsActive=active,
        allowAutoRegistration=automatic,
    )


def set_status(account: Account, certificate: str, status: str) -> None:
    """Make a certificate ACTIVE, INACTIVE or REVOKED."""
    account.iot.call("UpdateCertificate", certificateId=certificate, newStatus=status)


def describe(account: Account, certificate: str) -> dict[str, Any]:
    """Return all that AWS keeps of a certificate. Raises AbsentError."""
    answer = account.iot.call("DescribeCertificate", certificateId=certificate)
    found: dict[str, Any] = answer["certificateDescription"]
    return found


def listed(account: Account, *, by_ca: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield every certificate, newest first, or those that one authority signed."""
    if by_ca is None:
        return account.iot.pages(
            "ListCertificates", "certificates", ascendingOrder=False, pageSize=250
        )
    return account.iot.pages(
        "ListCertificatesByCA", "certificates", caCertificateId=by_ca, pageSize=250
    )


def listed_cas(account: Account) -> Iterator[dict[str, Any]]:
    """Yield every registered authority, newest first."""
    return account.iot.pages(
        "ListCACertificates", "certificates", ascendingOrder=False, pageSize=250
    )


def users(account: Account, arn: str) -> tuple[list[str], list[str]]:
    """Return the policies and the things that a certificate is attached to."""
    policies = account.iot.pages("ListAttachedPolicies", "policies", target=arn)
    things = account.iot.pages("ListPrincipalThings", "things", principal=arn)
    return [str(one["policyName"]) for one in policies], [str(one) for one in things]


def detach(account: Account, arn: str) -> tuple[list[str], list[str]]:
    """Detach a certificate from its policies and things, and return those."""
    policies, things = users(account, arn)
    for name in policies:
        account.iot.call("DetachPolicy", policyName=name, target=arn)
    for name in things:
        account.iot.call("DetachThingPrincipal", thingName=name, principal=arn)
    return policies, things


def delete_detached(account: Account, certificate: str) -> None:
    """Delete a certificate that is inactive and was detached just now.

    DetachThingPrincipal takes some seconds to be true everywhere (API reference), so it is tried
    again for as long. Raises ExistsError when somebody has attached it again.
    """
    for last in (*[False] * _TRIES, True):
        try:
            account.iot.call("DeleteCertificate", certificateId=certificate)
        except ExistsError:
            if last:
                raise
            time.sleep(_PAUSE)
        else:
            return


def transfer(account: Account, certificate: str, to: str, message: str) -> None:
    """Offer an inactive, detached certificate to another account; it stays until accepted."""
    more = {"transferMessage": message} if message else {}
    account.iot.call("TransferCertificate", certificateId=certificate, targetAwsAccount=to, **more)


def accept_transfer(account: Account, certificate: str, *, active: bool) -> None:
    """Take a certificate that another account offers."""
    account.iot.call("AcceptCertificateTransfer", certificateId=certificate, setAsActive=active)


def reject_transfer(account: Account, certificate: str, reason: str) -> None:
    """Refuse a certificate that another account offers."""
    more = {"rejectReason": reason} if reason else {}
    account.iot.call("RejectCertificateTransfer", certificateId=certificate, **more)


def cancel_transfer(account: Account, certificate: str) -> None:
    """Take back an offer that the other account has not accepted."""
    account.iot.call("CancelCertificateTransfer", certificateId=certificate)
