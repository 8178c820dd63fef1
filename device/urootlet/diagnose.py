"""From what went wrong in a connection to a code of ``urootlet.advice``. Loaded only then.

The same fault has other numbers on other builds, so what counts is the stage it came from, what
the verifier had seen by then, and only last the text or number.
"""

from .bundle import Bundle
from .der import Certificate, common_name
from .errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .watch import Watch

#: Part of a verifier's message -> code. mbedTLS's words, then OpenSSL's; ROOT stands for more.
_VERIFIER = (
    ("starts in the future", "CLOCK"),
    ("not yet valid", "CLOCK"),
    ("validity has expired", "EXPIRED"),
    ("has expired", "EXPIRED"),
    ("does not match with the expected", "NAME"),
    ("ostname mismatch", "NAME"),
    ("not valid for", "NAME"),
    ("not correctly signed by the trusted CA", "ROOT"),
    ("unable to get", "ROOT"),
    ("self-signed", "ROOT"),
    ("self signed", "ROOT"),
    ("signature failure", "ROOT"),
    ("CERTIFICATE_VERIFY_FAILED", "ROOT"),
)
#: Part of any other TLS error -> code: mbedTLS's number or name, OpenSSL's name.
_TLS = (
    ("-30336", "NOROOTS"),
    ("CA_CHAIN_REQUIRED", "NOROOTS"),
    ("server_hostname", "SNI"),
    ("ALLOC_FAILED", "HEAP"),
    ("-29184", "PORT"),
    ("INVALID_RECORD", "PORT"),
    ("WRONG_VERSION_NUMBER", "PORT"),
    ("HTTP_REQUEST", "PORT"),
    ("UNSUPPORTED_PROTOCOL", "TLSPOLICY"),
    ("HANDSHAKE_FAILURE", "TLSPOLICY"),
    ("PROTOCOL_VERSION", "TLSPOLICY"),
    ("NO_CIPHER", "TLSPOLICY"),
    ("UNRECOGNIZED_NAME", "SNI"),
)
_ALERT = ("-30592", "FATAL_ALERT", "ALERT_", "alert")
_ENOMEM = 12


def tls(error: Exception, bundle: Bundle, watch: "Watch") -> Error:
    """Explain an exception from the handshake."""
    text = str(error)
    code = _find(text, _VERIFIER)
    if isinstance(error, MemoryError) or _errno(error) == _ENOMEM:
        code = "HEAP"
    elif code == "ROOT":
        return _root(bundle, watch)
    elif not code and watch.leaf is not None and (_any(text, _ALERT) or _closed(error)):
        # The server's chain had passed when it ended the handshake: it did not like ours.
        code = "CLIENTCERT"
    elif not code:
        code = _find(text, _TLS) or ("TLSPOLICY" if _any(text, _ALERT) else "NET")
    return Error(code, _last_line(text))


def mqtt(error: Exception, protocol: str) -> Error:
    """Explain an exception after the handshake, before CONNACK."""
    text = str(error)
    # In TLS 1.3 the client is done before the server has looked at its certificate.
    if "1.3" in protocol and (_any(text, _ALERT) or "-30592" in text):
        return Error("CLIENTCERT", "the server ended the session")
    if isinstance(error, (OSError, IndexError)):
        return Error("POLICY", "the server closed the connection instead of CONNACK")
    return Error("POLICY", text)


def network(error: Exception, host: str) -> Error:
    """Explain an exception before the handshake."""
    return Error("NET", host + ": " + _last_line(str(error)))


def _root(bundle: Bundle, watch: "Watch") -> Error:
    """No path to an anchor: the other family, or the issuer that the chain's top names."""
    if watch.leaf is not None:
        leaf = Certificate(watch.leaf, 0, len(watch.leaf))
        family = leaf.family()
        if family and family not in families(bundle):
            return Error("FAMILY", "the server's key is " + family)
    if watch.top is not None:
        return Error("ROOT", _wanted(bundle, watch.top))
    return Error("ROOT", "no path to an anchor")


def _wanted(bundle: Bundle, der: bytes) -> str:
    """Say where the chain ended, and whether only the key of a root of ours was wrong."""
    top = Certificate(der, 0, len(der))
    for index in range(len(bundle.anchors)):
        ours = bundle.der(index)
        start, end = Certificate(ours, 0, len(ours)).subject
        subject = ours[start:end]
        for span in (top.subject, top.issuer):
            if der[span[0] : span[1]] == subject:
                return "a key that is not ours uses the name " + common_name(der, span)
    return common_name(der, top.subject) + " is signed by " + common_name(der, top.issuer)


def families(bundle: Bundle) -> "list[str]":
    """Return the key families of a bundle's anchors, each once."""
    found: "list[str]" = []
    for start, end in bundle.anchors:
        family = Certificate(bundle.data, start + 32, end).family()
        if family not in found:
            found.append(family)
    return found


def _errno(error: Exception) -> int:
    first = error.args[0] if isinstance(error, OSError) and error.args else 0
    return first if isinstance(first, int) else 0


def _closed(error: Exception) -> bool:
    """Whether the peer closed or reset the connection: EPIPE, ECONNRESET, mbedTLS CONN_EOF."""
    return _errno(error) in (32, 104, -29312) or "EOF" in str(error)


def _find(text: str, table: "tuple[tuple[str, str], ...]") -> str:
    for part, code in table:
        if part in text:
            return code
    return ""


def _any(text: str, parts: "tuple[str, ...]") -> bool:
    return any(part in text for part in parts)


def _last_line(text: str) -> str:
    return text.strip().split("\n")[-1]
