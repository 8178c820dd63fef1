"""The first half of the demo: a bundle, a board, a verified connection, and what is refused."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rootlet import board as boards
from rootlet.build import Request, build
from rootlet.demo.desk import ECC_ROOT, RSA_ROOT, expect, observe
from urootlet.format_cpython import BUNDLE_FILE as BUNDLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rootlet.demo.desk import Desk, Step


class Connection:
    """The steps, on a running lab and board."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._contents: dict[str, bytes] = {}

    def steps(self) -> Iterator[Step]:
        """Yield each step when it was observed."""
        lab = self._desk.lab
        yield observe("bundle built for AWS itself", self._real_bundle)
        yield observe("lab bundle built and board flashed", self._first_flash)
        yield observe("flashed again", self._same_again)
        yield observe("TLS verified on the board, message published and seen", self._verified)
        lab.serve(root="lookalike")
        yield observe("look-alike root refused (same subject, other key)", self._lookalike)
        lab.serve(root="genuine")
        yield observe("RSA-only bundle works on a server that prefers ECDSA", self._rsa_alone)
        yield observe("the same anchor without its cipher profile", self._no_profile)

    def _real_bundle(self) -> str:
        built = build(Request(boards.load("esp32"), "rsa", int(time.time())))
        anchor, size = built.anchors[0]
        return (
            f"{len(built.data)} bytes for esp32: {anchor.name}, {size} bytes instead of "
            f"{len(anchor.der)}, because --keys rsa needs no other root; cipher profile RSA"
        )

    def _first_flash(self) -> str:
        data = self._desk.bundle((RSA_ROOT, ECC_ROOT), "both")
        self._contents = self._desk.contents(data)
        report = self._desk.flash(self._contents)
        expect(report.written == list(self._contents), "not every file was written")
        return (
            f"{len(data)} bytes, 2 anchors; {len(report.written)} files, "
            f"{report.bytes_written} bytes written and compared on the board"
        )

    def _same_again(self) -> str:
        report = self._desk.flash(self._contents)
        expect(not report.bytes_written, "an unchanged board was written to")
        return "up to date, 0 bytes written"

    def _verified(self) -> str:
        return self._publish(ECC_ROOT, "ECDSA")

    def _lookalike(self) -> str:
        return self._desk.refused("ROOT")

    def _rsa_alone(self) -> str:
        self._replace_bundle("rsa")
        return self._publish(RSA_ROOT, "RSA")

    def _no_profile(self) -> str:
        self._replace_bundle("both")
        return "refused as it must be: " + self._desk.refused("FAMILY")

    def _replace_bundle(self, profile: str) -> None:
        data = self._desk.bundle((RSA_ROOT,), profile)
        report = self._desk.flash({**self._contents, BUNDLE: data})
        expect(report.written == [BUNDLE], "more than the bundle was written")

    def _publish(self, root: str, family: str) -> str:
        answer = self._desk.publish(root)
        expect(f"-{family}-" in answer["suite"], f"the suite is {answer['suite']}")
        return f"{answer['protocol']}, {answer['suite']}, {answer['seen']}"
