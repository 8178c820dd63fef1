"""What AWS and the way to it answer, in our words; each with the exit code that scripts see."""

import socket
import sys

import pytest
from botocore import exceptions

from fixtures_aws import REGION, command, refused
from rootlet import aws
from rootlet.aws import errors
from rootlet.errors import InputError, NetworkError

ENDPOINT = ("aws", "endpoint")


class TestAnAnswer:
    @pytest.mark.parametrize(
        ("code", "kind", "what", "hint"),
        [
            (
                "AccessDeniedException",
                errors.RefusedError,
                "AWS does not allow iot:DescribeEndpoint here",
                "allow the action iot:DescribeEndpoint",
            ),
            ("UnauthorizedException", errors.RefusedError, "does not allow", "iot:Describe"),
            ("ExpiredTokenException", NetworkError, "credentials are not valid", "log in again"),
            ("UnrecognizedClientException", NetworkError, "credentials are not", "AWS_PROFILE"),
            ("ThrottlingException", NetworkError, "is throttling", "wait a minute"),
            ("ServiceUnavailableException", NetworkError, "cannot do", "later"),
            ("InternalFailureException", NetworkError, "cannot do", "later"),
            ("ResourceNotFoundException", errors.AbsentError, "no such", "region and account"),
            ("ResourceAlreadyExistsException", errors.ExistsError, "in use", "look"),
            ("DeleteConflictException", errors.ExistsError, "in use", "look"),
            ("InvalidRequestException", InputError, "AWS refuses iot:DescribeEndpoint", ""),
            ("SomethingNew", InputError, "AWS refuses iot:DescribeEndpoint", ""),
        ],
    )
    def test_is_told_in_our_words(self, answered, code, kind, what, hint):
        message = "first line\nsecond \x1b[31mline"
        answered.iot.add_client_error("describe_endpoint", code, message)
        error = refused(*ENDPOINT)
        assert type(error) is kind
        assert what in error.what
        assert hint in error.hint
        assert error.why == f"{code}: first line second ?[31mline"

    @pytest.mark.parametrize(
        ("status", "what", "exit_status"),
        [
            (503, "cannot do", 5),
            (502, "cannot do", 5),
            (429, "is throttling", 5),
            (400, "refuses", 2),
        ],
    )
    def test_of_a_proxy_in_between_goes_by_its_status(self, answered, status, what, exit_status):
        answered.iot.add_client_error("describe_endpoint", str(status), "x", status)
        error = refused(*ENDPOINT)
        assert what in error.what
        assert error.exit_status == exit_status

    def test_of_any_length_is_told_in_short(self, answered):
        answered.iot.add_client_error("describe_endpoint", "X", "y" * 5000)
        assert len(refused(*ENDPOINT).why) < 400


class TestTheWayThere:
    def test_no_credentials(self, no_aws):
        no_aws.setenv("AWS_REGION", "eu-west-1")
        error = refused(*ENDPOINT)
        assert (error.what, error.exit_status) == ("no AWS credentials", 5)

    def test_half_of_them(self, no_aws):
        no_aws.setenv("AWS_REGION", "eu-west-1")
        no_aws.setenv("AWS_ACCESS_KEY_ID", "x")
        assert refused(*ENDPOINT).what == "no AWS credentials"

    def test_no_region(self, no_aws):
        error = refused(*ENDPOINT)
        assert (error.what, error.exit_status) == ("no AWS region", 2)
        assert "AWS_REGION" in error.hint

    def test_no_such_profile(self, no_aws):
        error = refused(*ENDPOINT, "--profile", "nobody")
        assert (error.what, error.exit_status) == ("no such AWS profile", 2)

    def test_nobody_listens_there(self, some_aws):
        some_aws.setattr("rootlet.aws.session._TRIES", 1)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        error = refused(*ENDPOINT, "--endpoint-url", f"http://127.0.0.1:{port}")
        assert (error.what, error.exit_status) == ("no way to AWS for iot:DescribeEndpoint", 5)

    def test_an_endpoint_that_is_no_url(self, some_aws):
        error = refused(*ENDPOINT, "--endpoint-url", "nowhere")
        assert (error.what, error.exit_status) == ("AWS cannot be asked", 2)

    def test_boto3_is_not_installed(self, some_aws):
        some_aws.setitem(sys.modules, "boto3", None)
        error = refused(*ENDPOINT)
        assert (error.what, error.exit_status) == ("boto3 is not installed", 2)
        assert "rootlet[aws]" in error.hint

    def test_login_that_is_over(self):
        with pytest.raises(NetworkError, match="not valid"), errors.translated("iot:X"):
            raise exceptions.UnauthorizedSSOTokenError

    def test_what_the_service_model_does_not_take(self, some_aws):
        with pytest.raises(InputError, match="iot:CreateThing does not take this"):
            aws.connect(region=REGION).iot.call("CreateThing", thingName="")

    def test_a_fault_of_ours_is_not_dressed_as_one_of_the_network(self, answered):
        with pytest.raises(AttributeError):
            answered.account.iot.call("NoSuchOperation")


class TestTheChainOfSettings:
    def test_the_region_of_aws_own_command_line_counts(self, moto):
        assert "eu-west-1" in command(*ENDPOINT).output

    def test_an_option_counts_more(self, moto):
        assert "us-east-2" in command(*ENDPOINT, "--region", "us-east-2").output

    def test_nothing_secret_is_shown(self, some_aws):
        some_aws.setenv("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
        some_aws.setattr("rootlet.aws.session._TRIES", 1)
        error = refused(*ENDPOINT, "--endpoint-url", "http://127.0.0.1:1")
        assert "hunter2" not in repr(vars(error))


class TestEndpoint:
    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("a1b2.iot.eu-west-1.amazonaws.com", "legacy name"),
            ("A1B2.iot.eu-west-1.amazonaws.com", "legacy name"),
            ("x9-ats.iot.eu-west-1.amazonaws.com", "not the endpoint of this account"),
            ("a1b2-ats.iot.eu-west-1.amazonaws.com", ""),
        ],
    )
    def test_a_name_that_devices_use_is_judged(self, answered, name, says):
        current = {"endpointAddress": "a1b2-ats.iot.eu-west-1.amazonaws.com"}
        expected = {"endpointType": "iot:Data-ATS"}
        answered.iot.add_response("describe_endpoint", current, expected)
        result = command(*ENDPOINT, "--check", name)
        assert result.exit_code == (3 if says else 0)
        assert says in result.output

    def test_a_legacy_name_from_aws_itself_is_warned_of(self, answered):
        current = {"endpointAddress": "a1b2.iot.eu-west-1.amazonaws.com"}
        answered.iot.add_response("describe_endpoint", current)
        result = command(*ENDPOINT)
        assert result.exit_code == 0
        assert "legacy name" in result.output
