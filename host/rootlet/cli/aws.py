"""``rootlet aws``: what AWS IoT knows of devices."""

from __future__ import annotations

import json

import click

from rootlet.cli import aws_certs, groups, show
from rootlet.cli.aws_options import Where, where_options


@click.group(
    "aws",
    cls=groups.Group,
    epilog="""\b
Examples:
  rootlet aws endpoint
  rootlet aws certs list

Exit codes: 0 done, 2 bad input, 3 the answer is no, 5 AWS.
""",
)
def command() -> None:
    """Ask AWS IoT for the endpoint, and look after certificates and policies.

    Credentials, region and endpoints are those of boto3: AWS_PROFILE, AWS_REGION,
    AWS_ENDPOINT_URL, ~/.aws/config and so on. Nothing of them is stored or shown.
    """


command.add_command(aws_certs.command)


@command.command(
    epilog="""\b
Examples:
  rootlet aws endpoint
  rootlet aws endpoint --check a1b2c3.iot.eu-west-1.amazonaws.com # exits with 3
  rootlet aws endpoint --region eu-west-1 --json

Exit codes: 0 shown, 2 bad input, 3 with --check: devices should not use that name, 5 AWS.
"""
)
@click.option("--check", metavar="HOST", help="A name that devices use: is it this one?")
@where_options
@show.json_option
def endpoint(*, check: str | None, where: Where, json_output: bool) -> None:
    """Show the name that devices of this account and region connect to.

    It is the one under Amazon's own roots (iot:Data-ATS). The older iot:Data name, without -ats,
    presents a certificate under a root that is distrusted by now.
    """
    from rootlet.aws import endpoint as names  # noqa: PLC0415 - help must not load the library

    found = names.find(where.account())
    warning = names.warning(check or found, found)
    if json_output:
        show.as_json("endpoint/1", {"endpoint": found, "warning": warning or None})
    else:
        click.echo(found)
    if warning:
        click.echo(f"warning: {warning}", err=True)
    if check and warning:
        click.get_current_context().exit(3)


@command.command(
    "policy",
    epilog="""\b
Examples:
  rootlet aws policy --topic 'pumps/{thing}/#'
  rootlet aws policy --thing pump-7 --topic pumps/pump-7/state
  rootlet aws policy --topic 'pumps/{thing}/#' --create pumps

Exit codes: 0 shown or made, 2 bad input or another policy of that name, 5 AWS.
""",
)
@click.option(
    "--topic", "topics", multiple=True, help="An application topic; {thing} is the name."
)
@click.option("--thing", default="", help="For this thing only; default: each thing of a fleet.")
@click.option("--create", metavar="NAME", help="Make it in AWS IoT, under this name.")
@where_options
@show.json_option
def policy_command(
    *, topics: tuple[str, ...], thing: str, create: str | None, where: Where, json_output: bool
) -> None:
    """Show the policy that lets a thing be itself and nothing else.

    It may connect under its own name, and use its jobs, its shadow "rootlet" and the topics
    given. One policy serves a fleet: AWS puts in the name of whoever connects.
    """
    from rootlet import enroll, identity, policy  # noqa: PLC0415

    if thing:
        identity.check_thing(thing)
    account = where.account()
    made = policy.document(account.arn, topics, thing)
    for topic in [] if thing else policy.shared(topics):
        click.echo(
            f"warning: every device of the fleet may write {topic}: it has no {{thing}}", err=True
        )
    new = enroll.create_policy(account, create, made) if create else False
    if json_output:
        show.as_json("policy/1", {"name": create, "created": new, "document": made})
        return
    click.echo(json.dumps(made, indent=2))
    if create:
        click.echo(f"{create}: {'made' if new else 'there already, the same'}", err=True)
