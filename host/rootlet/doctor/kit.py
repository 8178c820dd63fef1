"""What a device holds, as its host sees it: settings, bundle and certificate, never the key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rootlet import bundle as bundles
from rootlet import verify, x509
from rootlet.doctor.causes import failure
from rootlet.errors import InputError, RootletError
from urootlet import diagnose, session
from urootlet import errors as device

if TYPE_CHECKING:
    from urootlet.bundle import Bundle

_TOPIC = "rootlet/doctor/"


@dataclass
class Kit:
    """Settings as they stand in ``rootlet.json``, the bundle's bytes, and the certificate's DER.

    ``at`` and ``port`` are how hints name the board.
    """

    values: dict[str, Any]
    bundle_data: bytes = b""
    cert: bytes = field(default=b"", repr=False)
    at: str = ""
    port: str = ""

    @property
    def thing(self) -> str:
        """The thing's name, also the client id."""
        return str(self.values.get("thing", ""))

    @property
    def address(self) -> str:
        """Where to connect: the endpoint, unless another address is set."""
        return str(self.values.get("address") or self.values.get("endpoint", ""))

    @property
    def mqtt_port(self) -> int:
        """The port to connect to."""
        return int(self.values.get("port", 8883))

    @property
    def timeout(self) -> int:
        """Seconds for each step of a connection."""
        return int(self.values.get("timeout", 20))

    @property
    def topic(self) -> str:
        """What is published to when nothing else is asked for."""
        return _TOPIC + self.thing

    def fail(self, code: str, why: str, hint: str = "") -> RootletError:
        """Return the failure of a code, with hints that fit this device."""
        certificate = hashlib.sha256(self.cert).hexdigest() if self.cert else "ID"
        words = {"at": self.at, "port": self.port, "thing": self.thing or "ID"}
        return failure(code, why, hint=hint, certificate=certificate, **words)

    def check_settings(self) -> None:
        """Refuse settings that a device would refuse, but for the name: see check_endpoint."""
        try:
            session.Config({**self.values, "endpoint": "name"} if self._named() else self.values)
        except device.Error as error:
            hint = f"rootlet flash{self.at} BUNDLE.rlt --endpoint NAME --thing NAME ..."
            raise self.fail(error.code, error.detail, hint) from error

    def _named(self) -> bool:
        return isinstance(self.values.get("endpoint"), str) and bool(self.values["endpoint"])

    def check_endpoint(self) -> None:
        """Refuse a URL, a name with a port, and a legacy name: DNS, ENDPOINT."""
        try:
            diagnose.check_endpoint(self.values["endpoint"])
        except device.Error as error:
            raise self.fail(error.code, f"{error.detail!r} is set as the endpoint") from error

    @property
    def bundle(self) -> Bundle:
        """The bundle, read by the device's own parser. Raises NOROOTS and FORMAT."""
        if not self.bundle_data:
            raise self.fail("NOROOTS", "the bundle is missing or empty")
        try:
            return bundles.decode(self.bundle_data, "the bundle")
        except InputError as error:
            hint = f"rootlet flash{self.at} BUNDLE.rlt"
            raise self.fail(error.code or "FORMAT", f"{error.what}: {error.why}", hint) from error

    def trusted(self) -> str:
        """Return the names of the bundle's anchors, as the catalogue has them."""
        return ", ".join(verify.read_anchors(self.bundle).values()) or "nothing"

    def anchor(self, sha256: str) -> str:
        """Return the name of the anchor whose original has this fingerprint."""
        names = list(verify.read_anchors(self.bundle).values())
        for index, name in enumerate(names):
            if self.bundle.original(index).hex() == sha256:
                return name
        return sha256[:16]

    def certificate(self, now: float) -> x509.Certificate:
        """Return the device's certificate. Raises FORMAT, and CLIENTCERT when it has ended."""
        try:
            found = x509.parse_der(self.cert, "the device's certificate")
        except InputError as error:
            raise self.fail("FORMAT", f"{error.what}: {error.why}") from error
        if not found.not_before.timestamp() <= now <= found.not_after.timestamp():
            dates = f"{found.not_before:%Y-%m-%d} to {found.not_after:%Y-%m-%d}"
            hint = "give the device a new certificate"
            raise self.fail("CLIENTCERT", f"it is valid from {dates}", hint)
        return found


def moment(seconds: float) -> str:
    """Return a time for people, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def settings_of(values: dict[str, Any], **changes: str | int) -> dict[str, Any]:
    """Return settings with those ``changes`` that say something.

    Another endpoint is connected to by its own name, unless an address is given too.
    """
    new = {name: value for name, value in changes.items() if value}
    if "endpoint" in new:
        new = {"address": "", **new}
    return {**values, **new}
