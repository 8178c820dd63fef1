"""A rotation in the lab: real TLS, a real broker, both interpreters, with and without asyncio.

A device has Root CA 1 and 3. The server moves to Root CA 4, or to a hierarchy of other keys
under the same names, whose roots nobody has before. Each hook is told of what it is for.
"""

from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from fixtures_device import Device
from rootlet.lab.recovery import BASE, RecoveryServer
from rotating_device import RotatingDevice, called, hooks
from rotation_cases import CREATED, NEXT_KEYS, Release

#: The server's new face, and the root that it takes.
MOVED = {"preference": "ecc-only", "ecc_issuer": "Amazon ECDSA 256 S06"}
ROOT = "amazon-root-ca-4"
#: What a board need not load for it: see bench/size.py.
RARE = {f"urootlet.{name}" for name in ("control", "diagnose", "fetch", "recovery", "status")}
IDLE = Path(__file__).parents[1] / "device" / "idle_script.py"
PARKED_EARLY = "parked: only the old set works"


@pytest.fixture(params=["sync", "async"])
def how(request):
    """With the blocking client, and with asyncio streams."""
    return request.param


@pytest.fixture
def new(lab_pki):
    """The bundle that moves the fleet to the new hierarchy."""
    return Release(lab_pki.lookalike(), 2).encode()


@pytest.fixture
def rotating(device, lab):
    return RotatingDevice(device, lab)


def anchors(pki, *roots):
    roots = roots or ("amazon-root-ca-1", "amazon-root-ca-3")
    return {sha256(pki.anchor(one).public_bytes(Encoding.DER)).hexdigest() for one in roots}


def end(told):
    """What the last connection came to, without the calls of hooks."""
    return [one for one in told if "hook" not in one][-1]


class TestAGoodBundle:
    def test_is_parked_while_the_server_is_old_and_confirmed_when_it_moves(
        self, rotating, lab, how
    ):
        new = Release(lab.pki, 2, roots=(ROOT,)).encode()
        told = rotating.run(["offer", new.hex()], "connect", how=how)
        assert hooks(told) == ["on_offer", "on_trial", "on_error", "on_parked"]
        assert called(told, "on_offer") == ["Bundle"]
        assert called(told, "on_trial") == ["Bundle"]
        assert called(told, "on_error") == ["ROOT"]
        assert called(told, "on_parked") == [PARKED_EARLY]
        assert end(told)["served"] in anchors(lab.pki)
        # It waits for its back-off, and the old set serves.
        told = rotating.run("connect", how=how)
        assert hooks(told) == []
        assert end(told)["served"] in anchors(lab.pki)
        lab.serve(**MOVED)
        told = rotating.run(["later", 1000], "connect", "status", how=how)
        assert hooks(told) == ["on_trial", "on_confirm"]
        assert called(told, "on_confirm") == ["Bundle"]
        assert told[-2]["served"] in anchors(lab.pki, ROOT)
        assert end(told) == {"state": "idle", "active": "tb", "floor": [1, 2]}
        # From the next boot on it is simply the active set.
        told = rotating.run("connect", how=how)
        assert hooks(told) == []
        assert end(told)["served"] in anchors(lab.pki, ROOT)

    def test_that_is_due_now_costs_one_connection(self, rotating, lab, new, how):
        lab.serve(root="lookalike")
        opened = lab.events.last
        told = rotating.run(["offer", new.hex()], "connect", "modules", how=how)
        assert hooks(told) == ["on_offer", "on_trial", "on_confirm"]
        assert not RARE & set(told[-1]["modules"])
        lab.events.wait_for(lambda event: event.kind == "closed", after=opened)
        kinds = [one.kind for one in lab.events if one.number > opened]
        assert (kinds.count("open"), kinds.count("refused")) == (1, 0)

    def test_is_the_one_that_connect_alone_goes_by(self, rotating, device, lab, new):
        lab.serve(root="lookalike")
        rotating.run(["offer", new.hex()], "connect")
        assert device.connect("hello")["anchor"] in anchors(lab.pki.lookalike())
        lab.serve(root="genuine")
        assert device.connect("hello")["code"] == "ROOT"

    def test_leaves_no_rotation_in_the_memory_of_an_idle_board(self, lab, tmp_path, new):
        board = Device("micropython", tmp_path)
        lab.serve(root="lookalike")
        RotatingDevice(board, lab).run(["offer", new.hex()], "connect")
        assert board.run(IDLE)["loaded"] == ["urootlet", "urootlet.errors"]

    def test_moves_back_under_newer_keys(self, rotating, lab, new, how):
        back = Release(lab.pki, 1, key_set=2, signer=2).encode()
        lab.serve(root="lookalike")
        rotating.run(["offer", new.hex()], "connect", how=how)
        lab.serve(root="genuine")
        told = rotating.run(
            ["offer", NEXT_KEYS.hex()], ["offer", back.hex()], "connect", "status", how=how
        )
        assert hooks(told) == ["on_offer", "on_trial", "on_confirm"]
        assert end(told)["floor"] == [2, 1]


class TestWithoutAnyGoodRoot:
    def test_a_newer_bundle_comes_over_plain_http(self, device, lab, new, how, tmp_path):
        served = tmp_path / "served"
        served.mkdir()
        (served / "latest.rlt").write_bytes(new)
        with RecoveryServer(served) as server:
            url = f"http://127.0.0.1:{server.port}{BASE}"
            rotating = RotatingDevice(device, lab, recovery=[url])
            lab.serve(root="lookalike")
            told = rotating.run("connect", "status", how=how)
        assert hooks(told) == ["on_error", "on_offer", "on_trial", "on_confirm"]
        assert called(told, "on_error") == ["ROOT"]
        assert told[-2]["served"] in anchors(lab.pki.lookalike())
        assert end(told)["active"] == "tb"

    def test_it_walks_the_key_sets_on_the_way(self, device, lab, how, tmp_path):
        served = tmp_path / "served"
        served.mkdir()
        newest = Release(lab.pki.lookalike(), 1, key_set=2, signer=2).encode()
        (served / "latest.rlt").write_bytes(newest)
        (served / "keys-2.rlk").write_bytes(NEXT_KEYS)
        with RecoveryServer(served) as server:
            url = f"http://127.0.0.1:{server.port}{BASE}"
            rotating = RotatingDevice(device, lab, recovery=[url])
            lab.serve(root="lookalike")
            told = rotating.run("connect", "status", how=how)
        assert "on_confirm" in hooks(told)
        assert end(told)["floor"] == [2, 1]

    def test_what_is_served_there_unsigned_helps_nobody(self, device, lab, how, tmp_path):
        served = tmp_path / "served"
        served.mkdir()
        stranger = Release(lab.pki.lookalike(), 2, signer=3).encode()
        (served / "latest.rlt").write_bytes(stranger)
        with RecoveryServer(served) as server:
            url = f"http://127.0.0.1:{server.port}{BASE}"
            rotating = RotatingDevice(device, lab, recovery=[url])
            lab.serve(root="lookalike")
            told = rotating.run("connect", "status", how=how)
        assert [one["arguments"] for one in told if "hook" in one] == [["ROOT"], ["SIGNATURE"]]
        assert told[-2] == {"failed": "ROOT"}
        assert end(told) == {"state": "idle", "active": "ta", "floor": [1, 1]}


class TestAnIdentityThatIsBroken:
    @pytest.mark.parametrize("left", [b"", b"0\x03\x02\x01\x00"], ids=["lost", "no key"])
    def test_is_not_held_against_the_candidate(self, rotating, lab, new, how, left):
        rotating.run(["offer", new.hex()])
        key = rotating.folder / "key.der"
        good = key.read_bytes()
        key.write_bytes(left)
        told = rotating.run("connect", "status", how=how)
        assert told[-2] == {"failed": "FORMAT"}
        assert end(told)["state"] == "trial"
        key.write_bytes(good)
        lab.serve(root="lookalike")
        assert "on_confirm" in hooks(rotating.run("connect", how=how))


class TestARefusedOffer:
    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"signer": 3}, "SIGNATURE"),
            ({"target": "valves"}, "TARGET"),
            ({"sequence": 1}, "SEQUENCE"),
            ({"sequence": 1002}, "SEQUENCE"),
            ({"key_set": 2}, "SEQUENCE"),
        ],
        ids=["a stranger's", "another fleet's", "a number used", "too far", "other keys"],
    )
    def test_changes_no_file_and_the_device_goes_on(self, rotating, lab, change, code):
        rotating.run("connect")
        before = {p.name: p.read_bytes() for p in rotating.folder.iterdir() if len(p.name) == 2}
        offer = Release(**{"pki": lab.pki.lookalike(), "sequence": 2, **change}).encode()
        told = rotating.run(["offer", offer.hex()], "connect")
        assert told[0] == {"refused": code}
        assert end(told)["served"] in anchors(lab.pki)
        after = {p.name: p.read_bytes() for p in rotating.folder.iterdir() if len(p.name) == 2}
        assert after == before


class TestHooks:
    def test_on_revert_tells_of_a_candidate_that_was_damaged_here(self, rotating, lab, new, how):
        rotating.run(["offer", new.hex()])
        (rotating.folder / "tb").write_bytes(new[:-1] + b"?")
        told = rotating.run("connect", "status", how=how)
        assert hooks(told) == ["on_revert"]
        assert called(told, "on_revert") == ["bad"]
        assert told[-2]["served"] in anchors(lab.pki)
        assert end(told)["state"] == "idle"

    def test_on_expiring_tells_of_a_bundle_that_ends_soon(self, device, lab, how):
        soon = Release(lab.pki, not_after=CREATED + 10 * 86400).encode()
        told = RotatingDevice(device, lab, soon).run("connect", how=how)
        assert hooks(told) == ["on_expiring"]
        assert called(told, "on_expiring") == ["bundle", 9]

    def test_on_error_tells_of_an_offer_from_a_topic_that_was_refused(self, rotating, lab):
        stranger = Release(lab.pki, 2, signer=3).encode()
        with lab.subscriber("nothing") as operator:
            operator.publish("rootlet/offers/pumps", stranger, retain=True)
            told = rotating.run(["listen", "rootlet/offers/pumps"])
        assert called(told, "on_error") == ["SIGNATURE"]
        assert end(told) == {"taken": [False]}

    def test_that_raise_stop_nothing(self, rotating, lab, new, how):
        told = rotating.run(["offer", new.hex()], "connect", how=f"{how}-broken")
        assert hooks(told) == ["on_offer", "on_trial", "on_error", "on_parked"]
        lab.serve(root="lookalike")
        told = rotating.run(["later", 1000], "connect", "status", how=f"{how}-broken")
        assert hooks(told) == ["on_trial", "on_confirm"]
        assert end(told) == {"state": "idle", "active": "tb", "floor": [1, 2]}


class TestAsyncio:
    def test_a_program_that_ignores_the_context_confirms_nothing(self, rotating, lab, new):
        lab.serve(root="lookalike")
        told = rotating.run(["offer", new.hex()], "careless", "status", how="async")
        assert "on_confirm" not in hooks(told)
        assert told[-2] == {"failed": "NOVERIFY"}
        assert end(told)["state"] == "parked"

    def test_an_offer_in_the_middle_of_a_trial_is_refused(self, rotating, lab, new):
        # Or it would be confirmed by a connection that it was not tried with.
        newer = Release(lab.pki.lookalike(), 3).encode()
        lab.serve(root="lookalike")
        told = rotating.run(
            ["offer", new.hex()], ["offer_in_trial", newer.hex()], "status", how="async"
        )
        assert {"refused": "SEQUENCE"} in told
        assert end(told)["floor"] == [1, 2]
