"""The second half of the demo: new roots for a board in the field, and what goes wrong there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rootlet import rotate, signers, signing
from rootlet.bundle import Signing
from rootlet.demo.desk import ECC_ROOT, RSA_ROOT, expect, observe
from rootlet.errors import BoardError
from rootlet.lab.recovery import BASE, RecoveryServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rootlet.demo.desk import Desk, Step
    from rootlet.lab import Hierarchy

_NEW_ROOT = "amazon-root-ca-4"
#: What the service shows when it has moved to the new root.
_MOVED = {"ecc_issuer": "Amazon ECDSA 256 S06"}
_BEFORE = {"ecc_issuer": "Amazon ECDSA 256 M01"}
_THRESHOLD = 2
#: The flash operation at which the power goes, counted from the board's start, and its bytes
#: that are still written: the slot of the candidate is being written by then.
_CUT = (4, 512)
_BACK_OFF = 4_000  # seconds, more than a parked candidate waits the first time
_PATIENCE = 3.0  # seconds; a virtual board that is on answers within one
_STARTS_AGAIN = "the board's power went in the middle of an offer"


class Rotation:
    """The steps; ``folder`` is for the owner's keys and the recovery server's files."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self._desk = desk
        self._folder = folder
        self._key_files = [folder / f"owner-{letter}.pem" for letter in "ab"]
        self._next = b""

    def steps(self) -> Iterator[Step]:
        """Yield each step when it was observed."""
        lab, site = self._desk.lab, self._folder / "recovery"
        site.mkdir()
        with RecoveryServer(site) as server:
            self._url = f"http://{lab.host}:{server.port}{BASE}"
            yield observe("update keys and a signed bundle on the board", self._give_keys)
            yield observe(_STARTS_AGAIN, self._cut)
            yield observe("offered again, before the service has moved", self._too_early)
            lab.serve(**_MOVED)
            yield observe("the service moves to the new root", self._confirmed)
            lab.serve(root="lookalike", **_BEFORE)
            site.joinpath("latest.rlt").write_bytes(self._signed(3, lab.pki.lookalike()))
            yield observe("every root that the board has is dead", self._recovered)

    def _give_keys(self) -> str:
        moduli = [signers.create(file, "").modulus for file in self._key_files]
        made = signing.encode_key_set("demo", 1, _THRESHOLD, moduli)
        keys = self._sign(made)
        first = self._signed(1)
        report = self._desk.flash(self._desk.contents(first, keys, self._url), keys)
        expect(report.keys == 1, f"the board has key set {report.keys}")
        return f"{len(first)} bytes with {_THRESHOLD} RSA-3072 signatures; newer ones need both"

    def _cut(self) -> str:
        self._next = self._signed(2, roots=(_NEW_ROOT,))
        board = self._desk.board
        board.cut_power_at(*_CUT)
        try:
            rotate.offer(board.port, self._next, "the demo's bundle", silence=_PATIENCE)
            expect(condition=False, otherwise="the power did not go")
        except BoardError:
            board.wait_off()
        board.power_on()
        answer = self._desk.publish(ECC_ROOT, rotating=True)
        expect(answer["floor"] == [1, 1], f"the board is at {answer['floor']}")
        return (
            f"in flash operation {_CUT[0]}, {_CUT[1]} bytes into it; after power on the old set "
            f"serves: {answer['seen']}"
        )

    def _too_early(self) -> str:
        rotate.offer(self._desk.board.port, self._next, "the demo's bundle")
        answer = self._desk.publish(ECC_ROOT, rotating=True)
        expect(answer["state"] == "parked", f"the candidate is {answer['state']}")
        return f"tried alone, {answer['reason']}; the old set serves: {answer['seen']}"

    def _confirmed(self) -> str:
        answer = self._later(_NEW_ROOT, 2)
        return f"an hour later it is tried again and {answer['reason']}: {answer['seen']}"

    def _recovered(self) -> str:
        answer = self._later(ECC_ROOT, 3)
        return f"a signed bundle over plain HTTP brings it back: {answer['seen']}"

    def _later(self, root: str, sequence: int) -> dict[str, Any]:
        """Let the back-off pass, and the board connect, which must end on that bundle."""
        board = self._desk.board
        board.set_clock(board.clock() + _BACK_OFF)
        answer = self._desk.publish(root, rotating=True)
        expect(answer["floor"] == [1, sequence], f"the board is at {answer['floor']}")
        return answer

    def _signed(
        self,
        sequence: int,
        pki: Hierarchy | None = None,
        roots: tuple[str, ...] = (RSA_ROOT, ECC_ROOT),
    ) -> bytes:
        numbers = Signing(1, sequence, 0, room=_THRESHOLD)
        data = self._desk.bundle(roots, "both", pki=pki, signing=numbers)
        return self._sign(signing.Signable(data))

    def _sign(self, made: signing.Signable) -> bytes:
        names = [str(file) for file in self._key_files]
        return made.add(signers.sign(made.signed, names, None, lambda _: "")).encode()
