"""What AWS and the way to it answer, in our words.

::

    InputError          no region, unknown profile, a value that AWS does not take
    +-- AbsentError          there is no such thing, certificate, job ...
    +-- ExistsError          there is one already, or it is still in use
    NetworkError        no credentials, expired ones, no way to the endpoint, throttled
    +-- RefusedError         this identity may not do that; names the action to allow

Codes are those of the service models that botocore ships. A message of AWS is quoted, its first
line and at most 300 characters of it: it names resources, never secrets.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from rootlet.errors import InputError, NetworkError, RootletError
from rootlet.words import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.exceptions import ClientError

_LONGEST = 300
#: HTTP status (RFC 6585 section 4; RFC 9110 section 15.6).
_TOO_MANY, _SERVER_FAULT = 429, 500


class AbsentError(InputError):
    """What a call names is not there."""


class ExistsError(InputError):
    """It is there already with other content, or something still uses it."""


class RefusedError(NetworkError):
    """The identity that calls may not do this."""


class _Words(NamedTuple):
    kind: type[RootletError]
    what: str
    hint: str


_LOGIN = (
    "log in again, or check AWS_PROFILE, the keys and this computer's clock: "
    "aws sts get-caller-identity"
)
_REFUSED = _Words(
    RefusedError, "AWS does not allow {action} here", "allow the action {action} for this identity"
)
_EXPIRED = _Words(NetworkError, "the AWS credentials are not valid, or no longer", _LOGIN)
_THROTTLED = _Words(
    NetworkError,
    "AWS is throttling {action}, after several tries",
    "wait a minute and run the same again; what is done stays done",
)
_ABSENT = _Words(
    AbsentError, "AWS has no such {action} target", "check the name, region and account"
)
_EXISTS = _Words(ExistsError, "AWS refuses {action}: it exists or is in use", "look at it first")
_DOWN = _Words(NetworkError, "AWS cannot do {action} now", "run the same again later")
_BAD = _Words(InputError, "AWS refuses {action}", "")

_CODES: dict[str, _Words] = {
    **dict.fromkeys(
        ("AccessDenied", "AccessDeniedException", "UnauthorizedException", "ForbiddenException",
         "UnauthorizedOperation", "NotAuthorized"),
        _REFUSED,
    ),
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "IncompleteSignature",
         "SignatureDoesNotMatch", "UnrecognizedClientException", "InvalidSignatureException",
         "MissingAuthenticationToken", "MissingAuthenticationTokenException"),
        _EXPIRED,
    ),
    **dict.fromkeys(
        ("Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException",
         "RequestLimitExceeded"),
        _THROTTLED,
    ),
    **dict.fromkeys(("ResourceNotFoundException",), _ABSENT),
    **dict.fromkeys(
        ("ResourceAlreadyExistsException", "ConflictException", "DeleteConflictException",
         "DeleteConflict", "VersionConflictException", "TransferConflictException",
         "CertificateConflictException", "ConflictingResourceUpdateException"),
        _EXISTS,
    ),
    **dict.fromkeys(
        ("ServiceUnavailableException", "ServiceUnavailable", "InternalFailureException",
         "InternalFailure", "InternalException", "InternalServerException"),
        _DOWN,
    ),
}  # fmt: skip


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Raise our errors for botocore's; ``action`` as policies name it: ``iot:CreateJob``."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow to import

    try:
        yield
    except ClientError as error:
        raise _answered(error, action) from error
    except (BotoCoreError, ValueError) as error:  # ValueError: "Invalid endpoint: ..."
        raise _unanswered(error, action) from error


def _answered(error: ClientError, action: str) -> RootletError:
    told: dict[str, Any] = error.response.get("Error", {})
    code = str(told.get("Code", ""))
    status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    words = _CODES.get(code) or _by_status(status)
    message = _first_line(str(told.get("Message", "")))
    why = f"{code}: {message}" if message else code
    return words.kind(
        words.what.format(action=action), why=why, hint=words.hint.format(action=action)
    )


def _by_status(status: int) -> _Words:
    """Return words for a code that is not known, as of a proxy: by its HTTP status."""
    if status == _TOO_MANY:
        return _THROTTLED
    return _DOWN if status >= _SERVER_FAULT else _BAD


def _unanswered(error: Exception, action: str) -> RootletError:
    """Return words for what happened before AWS could answer."""
    from botocore import exceptions as boto  # noqa: PLC0415

    rows: tuple[tuple[tuple[type[Exception], ...], _Words], ...] = (
        (
            (boto.NoRegionError,),
            _Words(InputError, "no AWS region", "--region REGION, or set AWS_REGION"),
        ),
        (
            (boto.ProfileNotFound,),
            _Words(InputError, "no such AWS profile", "aws configure list-profiles"),
        ),
        (
            (boto.NoCredentialsError, boto.PartialCredentialsError),
            _Words(
                NetworkError,
                "no AWS credentials",
                "aws configure sso, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret",
            ),
        ),
        (
            (boto.CredentialRetrievalError, boto.SSOError, boto.TokenRetrievalError),
            _EXPIRED,
        ),
        (
            (boto.ParamValidationError, boto.InvalidEndpointDiscoveryConfigurationError),
            _Words(InputError, "{action} does not take this", "check what you typed"),
        ),
        (
            (ValueError,),
            _Words(InputError, "AWS cannot be asked", "check --endpoint-url and --region"),
        ),
    )
    unreachable = _Words(
        NetworkError,
        "no way to AWS for {action}",
        "check the network, the region and --endpoint-url",
    )
    words = next((one for kinds, one in rows if isinstance(error, kinds)), unreachable)
    return words.kind(
        words.what.format(action=action),
        why=_first_line(str(error)),
        hint=words.hint.format(action=action),
    )


def _first_line(text: str) -> str:
    """Return one printable line: a message may quote what somebody else has named."""
    line = " ".join(text.split())
    return plain(line)[:_LONGEST]
