"""``rootlet aws certs`` and ``aws policy``: against moto, and by the service model where it lacks.

moto knows neither transfers nor the list of authorities.
"""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from fixtures_aws import ARN, REGION, command, document, refused
from rootlet import credentials, identity, pem
from rootlet import files as disk
from rootlet.aws import certificates
from rootlet.errors import InputError

ID = "0123456789abcdef" * 4
CREATED = datetime(2027, 1, 2, tzinfo=UTC)
CERTIFICATE = f"{ARN}cert/{ID}"


def pem_of(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture(scope="module")
def authority():
    """A certificate authority: its certificate and key in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Our CA")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=99))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    return made.public_bytes(Encoding.PEM), pem_of(key)


@pytest.fixture
def files(tmp_path, monkeypatch, authority):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.pem").write_bytes(authority[0])
    (tmp_path / "ca.key").write_bytes(authority[1])
    key = credentials.new_key()
    (tmp_path / "device.csr").write_bytes(credentials.request_pem(credentials.request(key)))
    (tmp_path / "device.key").write_bytes(pem_of(key))
    return tmp_path


def statuses(moto):
    return {
        one["certificateId"]: one["status"] for one in moto.list_certificates()["certificates"]
    }


class TestMade:
    def test_by_aws_with_a_key_that_only_its_owner_reads(self, moto, files):
        made = document("aws", "certs", "create", "-o", "pump-7")
        assert statuses(moto) == {made["id"]: "ACTIVE"}
        assert (files / "pump-7.key").stat().st_mode & 0o777 == 0o600
        load_pem_private_key((files / "pump-7.key").read_bytes(), None)
        x509.load_pem_x509_certificate((files / "pump-7.crt").read_bytes())

    def test_by_aws_is_named_when_the_disk_is_full_by_then(self, moto, files, monkeypatch):
        real = disk.write

        def write(path, data, **how):
            if data:
                raise InputError(f"{path}: cannot be written", why="No space left on device")
            real(path, data, **how)

        monkeypatch.setattr(disk, "write", write)
        error = refused("aws", "certs", "create", "-o", "pump-7")
        (one,) = statuses(moto)
        assert not (files / "pump-7.key").exists()
        assert error.why == f"No space left on device; AWS has made the certificate {one}"
        assert f"deactivate {one}" in error.hint

    @pytest.mark.parametrize("there", ["pump-7.key", "pump-7.crt"])
    def test_by_aws_not_over_what_is_there(self, moto, files, there):
        (files / there).write_text("mine")
        assert "exists" in refused("aws", "certs", "create", "-o", "pump-7").what
        assert (files / there).read_text() == "mine"
        assert statuses(moto) == {}

    def test_by_aws_not_where_the_key_could_not_be_written(self, moto, files):
        refused("aws", "certs", "create", "-o", "no-such-folder/pump-7")
        assert statuses(moto) == {}

    def test_by_aws_or_nothing_is_left_on_the_disk(self, answered, files):
        before = set(files.iterdir())
        answered.iot.add_client_error("create_keys_and_certificate", "AccessDeniedException")
        refused("aws", "certs", "create", "-o", "pump-7")
        assert set(files.iterdir()) == before

    def test_the_key_is_never_shown(self, moto, files):
        shown = command("aws", "certs", "create", "-o", "pump-7").output
        shown += command("aws", "certs", "create", "-o", "pump-8", "--json").output
        assert "PRIVATE" not in shown
        assert (files / "pump-7.key").read_text().splitlines()[1] not in shown

    def test_of_a_request_but_not_if_the_answer_is_for_another_key(self, moto, files):
        # moto signs for a key of its own, whatever is asked.
        error = refused("aws", "certs", "from-csr", "device.csr", "-o", "device.crt")
        assert "not for the key of the request" in error.what
        assert not (files / "device.crt").exists()

    def test_of_a_request_but_not_to_connect_yet(self, answered, files):
        csr = (files / "device.csr").read_text()
        key = identity.load_key((files / "device.key").read_bytes(), "device.key")
        der = credentials.self_signed(datetime.now(UTC))(x509.load_pem_x509_csr(csr.encode()), key)
        assert der
        told = {
            "certificateId": ID,
            "certificateArn": CERTIFICATE,
            "certificatePem": pem.armour(der),
        }
        answered.iot.add_response(
            "create_certificate_from_csr",
            told,
            {"certificateSigningRequest": csr, "setAsActive": False},
        )
        words = ("from-csr", "device.csr", "-o", "device.crt", "--inactive")
        assert document("aws", "certs", *words)["active"] is False

    @pytest.mark.parametrize("content", [b"", b"-----BEGIN X", b"\xff\xfe", "ca.pem"])
    def test_of_a_request_or_not_at_all(self, moto, files, content):
        data = (files / content).read_bytes() if isinstance(content, str) else content
        (files / "bad.csr").write_bytes(data)
        error = refused("aws", "certs", "from-csr", "bad.csr", "-o", "x.crt")
        assert "no certificate request" in error.what
        assert statuses(moto) == {}

    def test_of_a_request_that_its_key_has_not_signed_is_refused(self, moto, files):
        asked = x509.load_pem_x509_csr((files / "device.csr").read_bytes())
        data = bytearray(asked.public_bytes(Encoding.DER))
        data[-1] ^= 1
        forged = x509.load_der_x509_csr(bytes(data)).public_bytes(Encoding.PEM)
        (files / "bad.csr").write_bytes(forged)
        error = refused("aws", "certs", "from-csr", "bad.csr", "-o", "x.crt")
        assert "not signed by its own key" in error.what


class TestRegistered:
    def signed(self, files):
        words = ("--self-signed", "--endpoint", "a-ats.iot.eu-west-1.amazonaws.com")
        assert command("provision", "--thing", "pump-7", *words).exit_code == 0
        return "pump-7/device.crt"

    def test_without_an_authority(self, moto, files):
        made = document("aws", "certs", "register", self.signed(files))
        assert statuses(moto) == {made["id"]: "ACTIVE"}

    def test_with_one_and_inactive(self, answered, files):
        answered.iot.add_response(
            "register_certificate", {"certificateId": ID, "certificateArn": CERTIFICATE}
        )
        made = document(
            "aws", "certs", "register", self.signed(files), "--ca", "ca.pem", "--inactive"
        )
        assert (made["id"], made["active"]) == (ID, False)

    def test_an_authority_by_a_proof_that_its_key_made(self, answered, files, authority):
        code = "c0de" * 16
        sent = {}

        def keep(params, **_):
            sent.update(params)

        event = "provide-client-params.iot.RegisterCACertificate"
        events = answered.iot.client.meta.events
        events.register(event, keep)
        answered.iot.add_response("get_registration_code", {"registrationCode": code})
        answered.iot.add_response(
            "register_ca_certificate", {"certificateId": ID, "certificateArn": CERTIFICATE}
        )
        words = ("ca.pem", "--key", "ca.key", "--auto-register")
        assert document("aws", "certs", "register-ca", *words)["id"] == ID
        events.unregister(event, keep)
        assert (sent["setAsActive"], sent["allowAutoRegistration"]) == (True, True)
        assert sent["caCertificate"].encode() == authority[0]
        proof = x509.load_pem_x509_certificate(sent["verificationCertificate"].encode())
        (name,) = proof.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        assert name.value == code
        proof.verify_directly_issued_by(x509.load_pem_x509_certificate(authority[0]))

    def test_an_authority_is_taken_by_moto_too(self, moto, files):
        made = document("aws", "certs", "register-ca", "ca.pem", "--key", "ca.key", "--inactive")
        told = moto.describe_ca_certificate(certificateId=made["id"])
        assert told["certificateDescription"]["status"] == "INACTIVE"

    def test_an_authority_not_with_another_s_key(self, moto, files):
        error = refused("aws", "certs", "register-ca", "ca.pem", "--key", "device.key")
        assert "does not belong to" in error.what
        assert "PRIVATE" not in repr(vars(error))

    def test_an_authority_not_if_it_is_none(self, moto, files):
        name = self.signed(files)
        error = refused("aws", "certs", "register-ca", name, "--key", "pump-7/key.der")
        assert "not the certificate of an authority" in error.what


class TestSwitched:
    @pytest.fixture
    def made(self, moto, files):
        return document("aws", "certs", "create", "-o", "pump-7")

    def test_off_and_on_and_revoked(self, moto, made):
        for word, status in (("deactivate", "INACTIVE"), ("activate", "ACTIVE")):
            document("aws", "certs", word, made["id"])
            assert statuses(moto) == {made["id"]: status}
        document("aws", "certs", "revoke", made["arn"], "--yes")
        assert statuses(moto) == {made["id"]: "REVOKED"}

    def test_off_by_the_thing_that_has_them(self, moto, made):
        moto.create_thing(thingName="pump-7")
        moto.attach_thing_principal(thingName="pump-7", principal=made["arn"])
        assert document("aws", "certs", "deactivate", "thing/pump-7")["ids"] == [made["id"]]
        assert statuses(moto) == {made["id"]: "INACTIVE"}

    def test_not_for_a_thing_that_has_none(self, moto):
        moto.create_thing(thingName="pump-7")
        assert "no certificate" in refused("aws", "certs", "deactivate", "thing/pump-7").what

    def test_in_part_says_how_many(self, answered):
        other = ID[::-1]
        answered.iot.add_response(
            "update_certificate", {}, {"certificateId": ID, "newStatus": "INACTIVE"}
        )
        answered.iot.add_client_error("update_certificate", "AccessDeniedException")
        result = command("aws", "certs", "deactivate", ID, other)
        assert (result.exit_code, result.stdout) == (5, "")
        assert "1 of 2 are inactive; the same command goes on" in result.stderr

    def test_not_revoked_without_a_word(self, moto, made):
        assert "--yes" in refused("aws", "certs", "revoke", made["id"]).hint
        assert statuses(moto) == {made["id"]: "ACTIVE"}

    @pytest.mark.parametrize("name", ["x", ID[:-1], ID + "0", ID.upper(), "thing/", "thing/a b"])
    def test_not_by_a_name_that_is_none(self, moto, name):
        assert refused("aws", "certs", "activate", name).exit_status == 2


class TestDeleted:
    @pytest.fixture
    def made(self, moto, files):
        return document("aws", "certs", "create", "-o", "pump-7", "--inactive")

    def test_when_it_is_inactive_and_unused(self, moto, made):
        document("aws", "certs", "delete", made["id"], "--yes")
        assert statuses(moto) == {}

    def test_not_while_it_is_active(self, moto, made):
        document("aws", "certs", "activate", made["id"])
        error = refused("aws", "certs", "delete", made["id"], "--yes")
        assert error.hint == f"first: rootlet aws certs deactivate {made['id']}"

    def test_not_while_a_thing_or_a_policy_has_it_unless_it_is_said(self, moto, made):
        moto.create_thing(thingName="pump-7")
        moto.attach_thing_principal(thingName="pump-7", principal=made["arn"])
        moto.create_policy(policyName="pumps", policyDocument="{}")
        moto.attach_policy(policyName="pumps", target=made["arn"])
        error = refused("aws", "certs", "delete", made["id"], "--yes")
        assert error.why == "attached to pumps, pump-7"
        told = document("aws", "certs", "delete", made["id"], "--detach", "--yes")
        assert (told["policies"], told["things"]) == (["pumps"], ["pump-7"])
        assert statuses(moto) == {}

    def test_not_without_a_word(self, moto, made):
        assert "--yes" in refused("aws", "certs", "delete", made["id"]).hint
        assert statuses(moto) == {made["id"]: "INACTIVE"}

    def test_after_aws_has_seen_everywhere_that_it_is_detached(self, answered, monkeypatch):
        waited: list[float] = []
        monkeypatch.setattr("rootlet.aws.certificates.time.sleep", waited.append)
        for _ in range(2):
            answered.iot.add_client_error("delete_certificate", "DeleteConflictException")
        answered.iot.add_response("delete_certificate", {}, {"certificateId": ID})
        certificates.delete_detached(answered.account, ID)
        assert len(waited) == 2


class TestListed:
    def test_page_by_page_newest_first(self, answered):
        first = {"certificateId": ID, "status": "ACTIVE", "creationDate": CREATED}
        second = {**first, "certificateId": ID[::-1], "status": "INACTIVE"}
        asked = {"ascendingOrder": False, "pageSize": 250}
        page = {"certificates": [first], "nextMarker": "bW9yZQ=="}
        answered.iot.add_response("list_certificates", page, asked)
        answered.iot.add_response(
            "list_certificates", {"certificates": [second]}, {**asked, "marker": "bW9yZQ=="}
        )
        found = document("aws", "certs", "list")["certificates"]
        assert [one["status"] for one in found] == ["ACTIVE", "INACTIVE"]
        assert found[0] == {"id": ID, "status": "ACTIVE", "created": "2027-01-02"}

    def test_by_authority(self, answered):
        asked = {"caCertificateId": ID, "pageSize": 250}
        answered.iot.add_response("list_certificates_by_ca", {"certificates": []}, asked)
        assert command("aws", "certs", "list", "--ca", ID).output == "none\n"

    def test_authorities(self, answered):
        one = {"certificateId": ID, "status": "ACTIVE", "creationDate": CREATED}
        asked = {"ascendingOrder": False, "pageSize": 250}
        answered.iot.add_response("list_ca_certificates", {"certificates": [one]}, asked)
        assert ID in command("aws", "certs", "list-cas").output


class TestTransferred:
    @pytest.mark.parametrize(
        ("words", "operation", "expected"),
        [
            (
                ("--to", "210987654321", "--message", "pumps of May"),
                "transfer_certificate",
                {"targetAwsAccount": "210987654321", "transferMessage": "pumps of May"},
            ),
            (
                ("--to", "210987654321"),
                "transfer_certificate",
                {"targetAwsAccount": "210987654321"},
            ),
            (("--accept",), "accept_certificate_transfer", {"setAsActive": False}),
            (("--accept", "--activate"), "accept_certificate_transfer", {"setAsActive": True}),
            (("--reject",), "reject_certificate_transfer", {}),
            (
                ("--reject", "--message", "why"),
                "reject_certificate_transfer",
                {"rejectReason": "why"},
            ),
            (("--cancel",), "cancel_certificate_transfer", {}),
        ],
    )
    def test_by_the_call_that_does_it(self, answered, words, operation, expected):
        answered.iot.add_response(operation, {}, {"certificateId": ID, **expected})
        assert command("aws", "certs", "transfer", ID, *words).exit_code == 0

    @pytest.mark.parametrize(
        "words",
        [(), ("--accept", "--reject"), ("--to", "210987654321", "--cancel"), ("--to", "12345"),
         ("--to", "21098765432x"), ("--cancel", "--activate")],
    )  # fmt: skip
    def test_in_one_way_at_a_time(self, answered, words):
        assert refused("aws", "certs", "transfer", ID, *words).exit_status == 2

    def test_not_while_it_is_active(self, answered):
        answered.iot.add_client_error(
            "transfer_certificate", "CertificateStateException", "The certificate must be INACTIVE"
        )
        error = refused("aws", "certs", "transfer", ID, "--to", "210987654321")
        assert error.why.endswith("The certificate must be INACTIVE")


class TestThePolicy:
    WORDS = ("aws", "policy", "--topic", "pumps/{thing}/#")

    def test_is_made_once(self, moto):
        assert document(*self.WORDS, "--create", "pumps")["created"] is True
        assert document(*self.WORDS, "--create", "pumps")["created"] is False
        made = json.loads(moto.get_policy(policyName="pumps")["policyDocument"])
        resource = made["Statement"][0]["Resource"]
        assert resource.startswith(f"arn:aws:iot:{REGION}:")
        assert resource.endswith(":client/${iot:Connection.Thing.ThingName}")

    def test_is_not_changed_under_devices_that_have_it(self, moto):
        command(*self.WORDS, "--create", "pumps")
        error = refused(*self.WORDS, "--topic", "pumps/all", "--create", "pumps")
        assert "says something else" in error.what

    def test_is_shown_without_making_it_and_warned_of(self, moto):
        result = command(*self.WORDS, "--topic", "pumps/all")
        assert "every device of the fleet may write pumps/all" in result.stderr
        assert moto.list_policies()["policies"] == []

    def test_of_one_thing_names_it(self, moto):
        result = command("aws", "policy", "--thing", "pump-7")
        assert ":client/pump-7" in result.stdout
        assert refused("aws", "policy", "--thing", "pump*").exit_status == 2
