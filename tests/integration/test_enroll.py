"""A device becomes known to AWS IoT, whatever cuts the run off: against ministack.

The moments of a cut are the calls that change something: it comes before AWS hears of one, or
after, when only the answer is lost.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fixtures_aws import command, document, refused
from rootlet import aws, credentials, enroll, identity, policy, provision, withdraw
from rootlet.aws import certificates, things
from rootlet.errors import InputError
from rootlet.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable

CHANGES = (
    "CreatePolicy", "CreateThing", "CreateCertificateFromCsr", "AttachPolicy",
    "AttachThingPrincipal", "UpdateCertificate",
)  # fmt: skip
TAKES_BACK = (
    "UpdateCertificate", "DetachThingPrincipal", "DetachPolicy", "DeleteCertificate",
    "DeleteThing", "DeletePolicy",
)  # fmt: skip
PROVISION = (
    *("provision", "--aws", "--thing", "pump-7", "--policy", "pumps"),
    *("--topic", "pumps/{thing}/#", "--endpoint", "localhost"),
)


class Cut(BaseException):
    """The power goes, or somebody presses Ctrl-C: no handler is to survive it."""


class Fragile:
    """A service whose first call of one operation is the last thing that this program does."""

    def __init__(self, service: aws.Service, operation: str, *, arrives: bool) -> None:
        self._service, self._operation, self._arrives = service, operation, arrives
        self.pages = service.pages

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        if operation != self._operation:
            return self._service.call(operation, **parameters)
        if self._arrives:
            self._service.call(operation, **parameters)
        raise Cut


class Desk:
    """A device's request and folder, and runs for it."""

    def __init__(self, folder: Any, region: str, url: str) -> None:
        self.folder, self._where = folder, {"region": region, "endpoint_url": url}
        csr = credentials.request_pem(credentials.request(credentials.new_key()))
        (folder / identity.REQUEST).write_bytes(csr)
        self.account = self.connect()
        grant = enroll.Grant("pumps", policy.document(self.account.arn, ["pumps/{thing}/#"]))
        self.request = enroll.Request("pump-7", csr.decode(), grant)

    def connect(self) -> aws.Account:
        return aws.connect(region=self._where["region"], endpoint_url=self._where["endpoint_url"])

    def run(self, what: Callable[[enroll.Run], Any], account: aws.Account | None = None) -> Any:
        with Journal(self.folder / enroll.JOURNAL) as journal:
            return what(enroll.Run(self.request, account or self.account, journal, lambda _: None))

    def cut(self, what: Callable[[enroll.Run], Any], operation: str, *, arrives: bool) -> None:
        account = self.connect()
        fragile = Fragile(account.iot, operation, arrives=arrives)
        account.__dict__["iot"] = account.__dict__["once"] = fragile
        account.__dict__["arn"] = self.account.arn
        with pytest.raises(Cut):
            self.run(what, account)

    def there(self) -> dict[str, Any]:
        """Return all that AWS has."""
        found = [*certificates.listed(self.account)]
        thing = things.find(self.account, "pump-7")
        return {
            "certificates": [one["status"] for one in found],
            "thing": things.principals(self.account, "pump-7") if thing else None,
            "policy": things.policy(self.account, "pumps") is not None,
            "allowed": [
                certificates.users(self.account, one["certificateArn"])[0] for one in found
            ],
        }


NOTHING: dict[str, Any] = {"certificates": [], "thing": None, "policy": False, "allowed": []}


@pytest.fixture
def desk(region: Any, tmp_path: Any) -> Desk:
    """A device in a region of ministack that nobody else has."""
    return Desk(tmp_path, region.name, region.process.url)


class TestAfterACut:
    @pytest.mark.parametrize("arrives", [False, True], ids=["before", "answer lost"])
    @pytest.mark.parametrize("operation", CHANGES)
    def test_the_next_run_goes_on_and_undo_leaves_nothing(self, desk, operation, arrives):
        desk.cut(enroll.enroll, operation, arrives=arrives)
        if operation != "UpdateCertificate":
            assert "ACTIVE" not in desk.there()["certificates"]  # what is half made opens no door
        made = desk.run(enroll.enroll)
        assert desk.there() == {
            "certificates": ["ACTIVE"],
            "thing": [made["arn"]],
            "policy": True,
            "allowed": [["pumps"]],
        }
        desk.run(withdraw.undo)
        assert desk.there() == NOTHING

    @pytest.mark.parametrize("operation", CHANGES)
    def test_undo_alone_leaves_nothing(self, desk, operation):
        desk.cut(enroll.enroll, operation, arrives=True)
        desk.run(withdraw.undo)
        assert desk.there() == NOTHING

    @pytest.mark.parametrize("operation", TAKES_BACK)
    def test_of_undo_it_is_run_again(self, desk, operation):
        desk.run(enroll.enroll)
        desk.cut(withdraw.undo, operation, arrives=True)
        desk.run(withdraw.undo)
        assert desk.there() == NOTHING
        made = desk.run(enroll.enroll)
        assert desk.there()["thing"] == [made["arn"]]


class TestALostAnswer:
    """botocore sends a call again when no answer comes, though AWS may have heard the first."""

    def test_makes_no_second_certificate(self, desk):
        assert desk.account.once.client.meta.config.retries["total_max_attempts"] == 1
        assert desk.account.iot.client.meta.config.retries["total_max_attempts"] > 1

    def test_of_a_policy_is_no_error_when_it_says_the_same(self, desk, monkeypatch):
        real = aws.Service.call

        def twice(self, operation, **parameters):
            if operation == "CreatePolicy":
                real(self, operation, **parameters)
            return real(self, operation, **parameters)

        monkeypatch.setattr(aws.Service, "call", twice)
        desk.run(enroll.enroll)
        assert desk.there()["certificates"] == ["ACTIVE"]


class TestWhatWasThereBefore:
    def test_stays_when_all_else_is_taken_back(self, desk):
        iot = desk.account.iot
        iot.call("CreateThing", thingName="pump-7")
        document_ = policy.encode(desk.request.grant.document)
        iot.call("CreatePolicy", policyName="pumps", policyDocument=document_)
        desk.run(enroll.enroll)
        desk.run(withdraw.undo)
        assert desk.there() == {**NOTHING, "thing": [], "policy": True}

    def test_a_policy_that_another_device_uses_stays(self, desk):
        desk.run(enroll.enroll)
        other = desk.account.iot.call("CreateKeysAndCertificate")["certificateArn"]
        desk.account.iot.call("AttachPolicy", policyName="pumps", target=other)
        desk.run(withdraw.undo)
        assert desk.there()["policy"] is True
        assert certificates.users(desk.account, other)[0] == ["pumps"]

    def test_a_thing_that_has_a_certificate_is_not_given_a_second(self, desk):
        iot = desk.account.iot
        iot.call("CreateThing", thingName="pump-7")
        other = iot.call("CreateKeysAndCertificate")["certificateArn"]
        iot.call("AttachThingPrincipal", thingName="pump-7", principal=other)
        with pytest.raises(InputError, match="certificate"):
            desk.run(enroll.enroll)
        assert desk.there()["thing"] == [other]

    def test_another_s_policy_is_not_attached(self, desk):
        everything = json.dumps({"Version": "2012-10-17", "Statement": []})
        desk.account.iot.call("CreatePolicy", policyName="pumps", policyDocument=everything)
        with pytest.raises(InputError, match="says something else"):
            desk.run(enroll.enroll)
        assert desk.there() == {**NOTHING, "policy": True}


class TestTheCommand:
    @pytest.fixture(autouse=True)
    def here(self, region, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        return tmp_path

    def test_makes_a_device_that_connects_by_mutual_tls_and_speaks_jobs(self, region, here):
        made = document(*PROVISION)
        assert made["certificate_id"]
        held = identity.read_folder(here / "pump-7")
        key = identity.load_key(held[identity.KEY], "key").private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        certificate = (here / "pump-7" / "device.crt").read_text()
        with region.process.connecting("pump-7", certificate, key.decode()) as device:
            topic, told = device.ask("get", {})
        assert (topic, told["queuedJobs"]) == ("get/accepted", [])

    def test_the_same_again_does_nothing_and_undo_can_be_taken_back(self, region, here):
        first = document(*PROVISION)
        assert document(*PROVISION) == first
        told = document("provision", "--undo", "-o", "pump-7")
        assert told["steps"][0] == "activate"
        assert not (here / "pump-7" / "cert.der").exists()
        assert document("provision", "--undo", "-o", "pump-7")["steps"] == []
        again = document(*PROVISION)
        assert again["key_id"] == first["key_id"]
        assert again["certificate_id"] != first["certificate_id"]

    @pytest.mark.parametrize("operation", ["DetachThingPrincipal", "DetachPolicy"])
    def test_an_undo_that_was_cut_off_is_made_good_by_the_same_again(
        self, region, here, monkeypatch, operation
    ):
        made = document(*PROVISION)
        real = aws.Service.call

        def cut(self, called, **parameters):
            if called == operation:
                raise aws.RefusedError("not allowed")
            return real(self, called, **parameters)

        with monkeypatch.context() as patch:
            patch.setattr(aws.Service, "call", cut)
            assert refused("provision", "--undo", "-o", "pump-7").what == "not allowed"
        assert document(*PROVISION) == made
        account = aws.connect(region=region.name)
        (one,) = certificates.listed(account)
        assert one["status"] == "ACTIVE"
        assert certificates.users(account, one["certificateArn"]) == (["pumps"], ["pump-7"])

    def test_after_a_cut_at_the_first_line_undo_does_not_bar_the_way(self, region, here):
        command("provision", "--thing", "pump-7", "--endpoint", "localhost")
        (here / "pump-7" / "aws.jsonl").write_bytes(b'{"time":17')
        assert document("provision", "--undo", "-o", "pump-7")["steps"] == []
        assert document(*PROVISION)["certificate_id"]

    @pytest.mark.parametrize("how", [(), ("--self-signed",)])
    def test_a_key_that_replaced_another_gets_no_certificate_of_the_old_one(
        self, region, here, how
    ):
        command(*PROVISION)
        command("provision", "--thing", "pump-7", "--endpoint", "localhost", "--force", *how)
        assert (
            refused(*PROVISION).hint == "take that back first: rootlet provision --undo -o pump-7"
        )
        command("provision", "--undo", "-o", "pump-7")
        made = document(*PROVISION)
        assert made["key_id"] == provision.look(here / "pump-7").key_id
        assert len(document("aws", "certs", "list")["certificates"]) == 1

    @pytest.mark.parametrize(
        ("step", "data"),
        [
            ("policy", {}),
            ("certificate", {}),
            ("certificate", {"id": 7, "arn": "a", "pem": "p"}),
            ("certificate", {"id": "i", "arn": "arn", "pem": "p"}),
        ],
    )
    def test_a_line_that_somebody_has_edited_is_told(self, region, here, step, data):
        command(*PROVISION)
        journal = here / "pump-7" / "aws.jsonl"
        lines = [json.loads(line) for line in journal.read_text().splitlines()]
        for one in lines:
            if (one["step"], one["state"]) == (step, "done"):
                one["data"] = data
        journal.write_text("".join(json.dumps(one) + "\n" for one in lines))
        words = PROVISION if data.get("arn") == "arn" else ("provision", "--undo", "-o", "pump-7")
        error = refused(*words)
        assert error.why == f"a line of the step {step} is damaged"

    def test_no_line_of_the_journal_holds_a_key(self, region, here):
        command(*PROVISION)
        text = (here / "pump-7" / "aws.jsonl").read_text()
        assert "PRIVATE" not in text
        held = identity.read_folder(here / "pump-7")
        assert held[identity.KEY].hex() not in text

    @pytest.mark.parametrize(
        "words",
        [
            ("--csv", "pumps.csv"),
            ("--self-signed",),
            ("--force",),
            ("--key", "x.pem"),
            ("--cert", "x.pem"),
            ("--ca-cert", "x.pem"),
            ("--ca-key", "x.pem"),
            ("--not-after", "2030-01-01"),
        ],
    )
    def test_takes_no_other_source_of_a_certificate(self, region, here, words):
        assert refused(*PROVISION, *words).what == f"{words[0]} does not go with --aws"

    def test_sends_no_key_through_a_network_port_and_makes_nothing(self, region, here):
        error = refused(*PROVISION, "--port", "socket://127.0.0.1:1")
        assert error.exit_status in (2, 3)
        assert document("aws", "certs", "list")["certificates"] == []
        assert not (here / "pump-7").exists()

    def test_needs_a_name(self, region):
        assert refused("provision", "--aws").what == "which device?"
        assert refused("provision", "--undo").what == "which device?"

    def test_refuses_a_folder_of_another_thing(self, region):
        command(*PROVISION)
        words = ["pump-8" if one == "pump-7" else one for one in PROVISION]
        assert refused(*words, "-o", "pump-7").what == "pump-7 holds pump-7, not pump-8"

    def test_refuses_another_account_or_region(self, region, some_aws):
        command(*PROVISION)
        some_aws.setenv("AWS_REGION", "eu-elsewhere-1")
        assert "is about" in refused("provision", "--undo", "-o", "pump-7").what

    def test_refuses_an_endpoint_of_another_region_before_anything_is_made(self, region, here):
        error = refused(*PROVISION, "--endpoint", "a1b2c3-ats.iot.us-east-1.amazonaws.com")
        assert error.hint == "--region us-east-1, or leave --endpoint out"
        assert document("aws", "certs", "list")["certificates"] == []
        assert not (here / "pump-7").exists()
        own = f"a1b2c3-ats.iot.{region.name}.amazonaws.com"
        assert document(*PROVISION, "--endpoint", own)["certificate_id"]

    def test_refuses_a_certificate_that_came_otherwise(self, region):
        words = ("--endpoint", "localhost", "--self-signed")
        command("provision", "--thing", "pump-7", *words)
        assert "did not make here" in refused(*PROVISION).what
        assert "nothing to take back" in refused("provision", "--undo", "-o", "pump-7").what

    def test_refuses_a_topic_before_anything_is_made(self, region, here):
        refused(*PROVISION, "--topic", "#")
        assert document("aws", "certs", "list")["certificates"] == []
        assert not (here / "pump-7").exists()
