"""BearSSL trust anchors as C text: ``br_x509_trust_anchor``, as ``brssl ta`` writes them.

The structure holds the name as DER, the numbers of the key, and a flag that says CA
(BearSSL, inc/bearssl_x509.h). The names TAs and TAs_NUM are those of ``brssl ta``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rootlet.errors import TrustError
from rootlet.export import c_text
from rootlet.export.anchors import Content

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

    from rootlet.export.anchors import Anchor

CARRIES_CERTIFICATES = False
LOSES = "dates and constraints: an expired anchor still counts"
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_HEAD = "#include <bearssl.h>\n\n"
_ENTRY = """\
  {{
    {{ (unsigned char *){dn}, sizeof {dn} }},
    BR_X509_TA_CA,
    {{ {key} }}
  }}"""
_RSA = (
    "BR_KEYTYPE_RSA,\n      {{ .rsa = {{ (unsigned char *){n}, sizeof {n},\n"
    "                 (unsigned char *){e}, sizeof {e} }} }}"
)
_EC = "BR_KEYTYPE_EC,\n      {{ .ec = {{ BR_EC_{curve}, (unsigned char *){q}, sizeof {q} }} }}"
_READ_ENTRY = re.compile(
    r"\{ \{ \(unsigned char \*\)(?P<dn>\w+), sizeof (?P=dn) \}, BR_X509_TA_CA, \{ "
    r"(?:BR_KEYTYPE_RSA, \{ \.rsa = \{ \(unsigned char \*\)(?P<n>\w+), sizeof (?P=n), "
    r"\(unsigned char \*\)(?P<e>\w+), sizeof (?P=e) \} \}"
    r"|BR_KEYTYPE_EC, \{ \.ec = \{ BR_EC_(?P<curve>secp(?:256|384|521)r1), "
    r"\(unsigned char \*\)(?P<q>\w+), sizeof (?P=q) \} \}) \} \}"
)
_READ_COUNT = re.compile(r"br_x509_trust_anchor TAs\[(\d+)\] = .*#define TAs_NUM \1 ?\Z")


def write(anchors: Sequence[Anchor]) -> bytes:
    """Return ASCII text for C99 (and GNU C++). Raises TrustError for a curve BearSSL lacks."""
    arrays, entries = [], []
    for number, one in enumerate(anchors):
        name = f"TA{number}"
        parts, key = _key(one, name)
        dn = c_text.array(f"{name}_DN", one.certificate.subject_der)
        arrays.append(f"/* {one.label}: SHA-256 of the original {one.original} */\n{dn}{parts}\n")
        entries.append(_ENTRY.format(dn=f"{name}_DN", key=key))
    table = ",\n".join(entries)
    count = len(anchors)
    return (
        f"{_HEAD}{''.join(arrays)}static const br_x509_trust_anchor TAs[{count}] = {{\n"
        f"{table}\n}};\n\n#define TAs_NUM {count}\n"
    ).encode()


def _key(anchor: Anchor, name: str) -> tuple[str, str]:
    """Return the arrays of a key's numbers, and the initialiser that names them."""
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - only here
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_der_public_key,
    )

    public = load_der_public_key(anchor.certificate.spki_der)
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        arrays = c_text.array(f"{name}_RSA_N", _bytes(numbers.n))
        arrays += c_text.array(f"{name}_RSA_E", _bytes(numbers.e))
        return arrays, _RSA.format(n=f"{name}_RSA_N", e=f"{name}_RSA_E")
    curve, point = _point(public, anchor.label)
    return c_text.array(f"{name}_EC_Q", point), _EC.format(curve=curve, q=f"{name}_EC_Q")


def _point(public: PublicKeyTypes, label: str) -> tuple[str, bytes]:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - only here
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        PublicFormat,
    )

    if not isinstance(public, ec.EllipticCurvePublicKey) or public.curve.name not in _CURVES:
        raise TrustError(
            f"{label}: BearSSL cannot use its key",
            why=f"BearSSL verifies RSA and the curves {', '.join(_CURVES)}",
            hint="leave that anchor out of the bundle",
            code="TLSPOLICY",
        )
    return public.curve.name, public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def read(data: bytes) -> list[Content]:
    """Read the table and the arrays that it names, and make each key anew from its numbers."""
    text = c_text.code(data)
    arrays = c_text.arrays(text)
    line = " ".join(text.split())
    entries = list(_READ_ENTRY.finditer(line))
    count = _READ_COUNT.search(line)
    if count is None or int(count[1]) != len(entries):
        raise ValueError("the number of trust anchors")
    return [Content(arrays[one["dn"]], _spki(one, arrays), "") for one in entries]


def _spki(entry: re.Match[str], arrays: Mapping[str, bytes]) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415 - only here
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        PublicFormat,
    )

    public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey
    if entry["curve"]:
        curves = (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())
        curve = next(one for one in curves if one.name == entry["curve"])
        public = ec.EllipticCurvePublicKey.from_encoded_point(curve, arrays[entry["q"]])
    else:
        e, n = (int.from_bytes(arrays[entry[name]], "big") for name in ("e", "n"))
        public = rsa.RSAPublicNumbers(e, n).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
