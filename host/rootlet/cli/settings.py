"""The options that become a device's settings."""

from __future__ import annotations

from typing import Any

import click

from rootlet import identity

_OPTIONS = (
    click.option("--endpoint", default="", help="Host name of the iot:Data-ATS endpoint."),
    click.option("--address", default="", help="Connect here instead (a gateway, a lab)."),
    click.option(
        "--mqtt-port",
        default=identity.Settings.port,
        show_default=True,
        type=click.IntRange(1, 65535),
    ),
    click.option("--ntp", default="", help="NTP server that the device asks for the time."),
    click.option("--offers", default="", metavar="TOPIC", help="Where newer bundles are offered."),
    click.option(
        "--recovery", multiple=True, metavar="URL", help="Where to look for one, over HTTP."
    ),
)


def options(function: Any) -> Any:
    """Add the options of ``identity.Settings``, but for the thing."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
