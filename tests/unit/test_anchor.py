"""The three forms of a trust anchor: sizes, what they keep, and what is refused."""

import ssl
from datetime import UTC, datetime

import pytest
from cryptography import x509 as crypto
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from rootlet import anchor, catalog, x509
from rootlet.errors import TrustError

RSA, ECC, STARFIELD = "amazon-root-ca-1", "amazon-root-ca-3", "starfield-g2"


def ids(*names):
    return [catalog.load().get(name) for name in names]


class TestSizes:
    @pytest.mark.parametrize(
        ("form", "roots", "size"),
        [
            ("full", (RSA,), 837),
            ("strict", (RSA,), 561),
            ("tiny", (RSA,), 443),
            ("full", (ECC,), 442),
            ("strict", (ECC,), 352),
            ("tiny", (ECC,), 232),
            ("full", (RSA, ECC, STARFIELD), 2290),
            ("strict", (RSA, ECC, STARFIELD), 1666),
            ("tiny", (RSA, ECC, STARFIELD), 1214),
        ],
    )
    def test_are_those_that_were_measured(self, form, roots, size):
        made = [anchor.package(one.der, form, one.name) for one in ids(*roots)]
        assert sum(map(len, made)) == size


#: Its basicConstraints bound the path length.
BOUNDED = "baltimore-cybertrust-root"


@pytest.mark.parametrize("form", anchor.FORMS)
@pytest.mark.parametrize("root", catalog.load().anchors, ids=lambda one: one.id)
def test_every_form_keeps_name_key_and_dates(root, form):
    if (root.id, form) == (BOUNDED, "tiny"):
        with pytest.raises(TrustError, match="path length"):
            anchor.package(root.der, form, root.name)
        return
    made = x509.parse_der(anchor.package(root.der, form, root.name), "made")
    assert made.subject_der == root.certificate.subject_der
    assert made.spki_der == root.certificate.spki_der
    assert (made.not_before, made.not_after) == (root.not_before, root.not_after)
    assert made.version == (1 if form == "tiny" else 3)
    assert made.is_ca == (form != "tiny")


def test_strict_keeps_the_key_identifier_and_openssl_loads_it():
    root = ids(RSA)[0]
    made = anchor.package(root.der, "strict", root.name)
    assert x509.parse_der(made, "made").ski == root.certificate.ski
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=made)
    assert context.cert_store_stats()["x509_ca"] == 1


KEY = ec.generate_private_key(ec.SECP256R1())


def root_with(*extensions):
    """A self-signed root with these (extension, critical) pairs."""
    name = crypto.Name([crypto.NameAttribute(crypto.NameOID.COMMON_NAME, "Test Root")])
    builder = (
        crypto.CertificateBuilder(name, name, KEY.public_key(), 1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


CA = (crypto.BasicConstraints(ca=True, path_length=None), True)
CONSTRAINTS = {
    "path length": (crypto.BasicConstraints(ca=True, path_length=1), True),
    "nameConstraints": (crypto.NameConstraints([crypto.DNSName("example.com")], None), True),
    "extendedKeyUsage": (
        crypto.ExtendedKeyUsage([crypto.oid.ExtendedKeyUsageOID.SERVER_AUTH]),
        False,
    ),
    "policyConstraints": (crypto.PolicyConstraints(0, None), True),
    "inhibitAnyPolicy": (crypto.InhibitAnyPolicy(0), True),
}


class TestConstraints:
    @pytest.mark.parametrize("name", CONSTRAINTS)
    def test_are_refused_by_tiny_with_their_name(self, name):
        extensions = [CONSTRAINTS[name]] if name == "path length" else [CA, CONSTRAINTS[name]]
        with pytest.raises(TrustError) as caught:
            anchor.package(root_with(*extensions), "tiny", "our root")
        assert name in caught.value.what
        assert "our root" in caught.value.what
        assert "--form strict" in caught.value.hint

    @pytest.mark.parametrize("name", CONSTRAINTS)
    def test_are_kept_by_strict_to_the_byte(self, name):
        extensions = [CONSTRAINTS[name]] if name == "path length" else [CA, CONSTRAINTS[name]]
        original = crypto.load_der_x509_certificate(root_with(*extensions))
        made = crypto.load_der_x509_certificate(
            anchor.package(original.public_bytes(Encoding.DER), "strict", "our root")
        )
        kind = type(extensions[-1][0])
        assert made.extensions.get_extension_for_class(
            kind
        ) == original.extensions.get_extension_for_class(kind)

    @pytest.mark.parametrize("form", ["tiny", "strict"])
    def test_that_nobody_knows_are_refused(self, form):
        unknown = crypto.UnrecognizedExtension(crypto.ObjectIdentifier("1.3.6.1.4.1.9.9"), b"\5\0")
        with pytest.raises(TrustError, match="unknown extension") as caught:
            anchor.package(root_with(CA, (unknown, False)), form, "our root")
        assert (caught.value.hint, caught.value.code) == ("build with --form full", "FORMAT")


def test_a_root_without_key_usage_and_identifier_gets_them_in_strict():
    made = crypto.load_der_x509_certificate(anchor.package(root_with(CA), "strict", "our root"))
    usage = made.extensions.get_extension_for_class(crypto.KeyUsage).value
    assert usage.key_cert_sign
    ski = made.extensions.get_extension_for_class(crypto.SubjectKeyIdentifier).value
    assert ski == crypto.SubjectKeyIdentifier.from_public_key(KEY.public_key())


def test_a_key_identifier_of_its_own_making_is_kept_by_strict():
    """Paths are built by it: what the root's children name must be what the anchor says."""
    own = crypto.SubjectKeyIdentifier(b"not of the key")
    made = anchor.package(root_with(CA, (own, False)), "strict", "our root")
    assert x509.parse_der(made, "made").ski == own.digest


_URL = [crypto.UniformResourceIdentifier("http://example.com/")]
INFORMATIVE = {
    "authorityKeyIdentifier": crypto.AuthorityKeyIdentifier(b"key", None, None),
    "certificatePolicies": crypto.CertificatePolicies(
        [crypto.PolicyInformation(crypto.ObjectIdentifier("2.5.29.32.0"), None)]
    ),
    "cRLDistributionPoints": crypto.CRLDistributionPoints(
        [crypto.DistributionPoint(_URL, None, None, None)]
    ),
    "subjectAltName": crypto.SubjectAlternativeName([crypto.DNSName("example.com")]),
    "authorityInfoAccess": crypto.AuthorityInformationAccess(
        [crypto.AccessDescription(crypto.oid.AuthorityInformationAccessOID.OCSP, _URL[0])]
    ),
}


@pytest.mark.parametrize("form", ["tiny", "strict"])
@pytest.mark.parametrize("extension", INFORMATIVE.values(), ids=INFORMATIVE)
def test_what_bounds_no_path_is_left_out_of_the_slim_forms(form, extension):
    made = anchor.package(root_with(CA, (extension, False)), form, "our root")
    assert made == anchor.package(root_with(CA), form, "our root")


@pytest.mark.parametrize("form", anchor.FORMS)
def test_a_leaf_is_never_an_anchor(form):
    leaf = root_with((crypto.BasicConstraints(ca=False, path_length=None), True))
    with pytest.raises(TrustError, match="is not a CA") as caught:
        anchor.package(leaf, form, "a leaf")
    assert caught.value.code == "FORMAT"


@pytest.mark.parametrize("form", anchor.FORMS)
@pytest.mark.parametrize("critical", [True, False])
def test_a_root_whose_key_usage_forbids_signing_is_never_an_anchor(form, critical):
    """A slim form would lift what its owner said."""
    with pytest.raises(TrustError, match="may not sign"):
        anchor.package(root_with(CA, usage(critical, sign=False)), form, "our root")
    assert anchor.package(root_with(CA, usage(critical, sign=True)), form, "our root")
    nothing = crypto.KeyUsage(*[False] * 9), critical
    with pytest.raises(TrustError, match="may not sign") as caught:
        anchor.package(root_with(CA, nothing), form, "our root")
    assert caught.value.code == "FORMAT"


def usage(critical, *, sign):
    """Every use but keyCertSign, or that too."""
    uses = [*[True] * 5, sign, True, True, False]
    return crypto.KeyUsage(*uses), critical


@pytest.mark.parametrize(
    ("size", "head"), [(127, "047f"), (128, "048180"), (255, "0481ff"), (256, "04820100")]
)
def test_a_length_is_as_short_as_der_asks(size, head):
    assert anchor.tlv(4, bytes(size)) == bytes.fromhex(head) + bytes(size)
