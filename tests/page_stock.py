"""What the pages take for granted: files that a reader has, and things in the reader's account.

Keys are test keys (assets/keys) or made for this run.
"""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

import csr_authority
import rollout_cases as cases
from fixtures_device import Device
from own_roots import bundle_of, key, root
from pages import REPOSITORY
from rom_loader import firmware, table
from rootlet import catalog, files, identity
from rootlet import flash as flashing
from rootlet.lab.certificates import key_pem
from rootlet.pem import armour
from rotating_device import RotatingDevice
from rotation_cases import KEYS as FIRST_KEYS
from rotation_cases import NEXT_KEYS, Release
from signature_cases import KEYS, public_pem
from urootlet import format_cpython as layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from page_desk import Desk
    from rootlet.boardio.virtual import VirtualBoard

    Maker = Callable[[Desk], bytes]

ENTRIES = (("nvs", 1, 2, 0x9000, 0x6000), ("factory", 0, 0, 0x10000, 0xC4000))
STORES = REPOSITORY / "tests" / "assets" / "stores"
_TUTORIAL = (REPOSITORY / "examples" / "clients" / "umqtt_tutorial.py").read_text()
_NOBODY = "        context.verify_mode = tls.CERT_NONE\n"
_VERIFIED = (
    "        for path in {anchors}:\n"
    "            with open(path, 'rb') as root:\n"
    "                context.load_verify_locations(root.read())\n"
)
assert _NOBODY in _TUTORIAL
_FLEET = ("pump-7", "pump-11", "pump-12")
_SIGNERS = {"a": 0, "b": 1, "c": 2, "fleet-a": 0, "offline": 2}


def _anchor(name: str) -> bytes:
    return armour(catalog.load().get(name).der).encode()


def _firmware(_: Desk) -> bytes:
    """Return an ESP32's firmware as its vendor publishes it."""
    return firmware(0, 0x1000, b"v1.26.1", table(*ENTRIES))


def _with_a_root(desk: Desk) -> bytes:
    return _firmware(desk) + catalog.load().get("amazon-root-ca-1").der + bytes(64)


def _of_lab(desk: Desk) -> bytes:
    ids = ("amazon-root-ca-1", "amazon-root-ca-3")
    pki = desk.world.services.lab.pki
    return bundle_of(
        roots=[pki.anchor(one).public_bytes(Encoding.DER) for one in ids], form="full"
    )


def _chain(desk: Desk) -> bytes:
    """Return what the lab sends: nothing of Amazon's own is on this computer."""
    lab = desk.world.services.lab
    return lab.pki.chain("Amazon ECDSA 256 M01", lab.domain, "3").pem


def _authority(which: str) -> Maker:
    def make(desk: Desk) -> bytes:
        csr_authority.settle(desk.folder, desk.world.services.lab.pki)
        return (desk.folder / which).read_bytes()

    return make


def _certificate(desk: Desk) -> bytes:
    """Return what an authority answers to the request of pump-7, or has answered before."""
    request = desk.folder / "pump-7" / "device.csr"
    if not request.exists():
        issued = desk.world.services.lab.pki.issue_identity("pump-7")
        (desk.folder / "pump-7.key").write_bytes(issued.key_pem)
        (desk.folder / "pump-7.key").chmod(0o600)
        return issued.cert_pem
    csr = x509.load_pem_x509_csr(request.read_bytes())
    csr_authority.settle(desk.folder, desk.world.services.lab.pki)
    public = csr.public_key()
    made = csr_authority.issue(desk.folder, csr.subject, public, 365)  # type: ignore[arg-type]
    return made.public_bytes(Encoding.PEM)


def _pair(name: str) -> Maker:
    def make(desk: Desk) -> bytes:
        issued = desk.world.services.lab.pki.issue_identity(name)
        (desk.folder / f"{name}.key").write_bytes(issued.key_pem)
        return issued.cert_pem

    return make


def _key_of(name: str) -> Maker:
    def make(desk: Desk) -> bytes:
        put(desk, f"{name}.crt")
        return (desk.folder / f"{name}.key").read_bytes()

    return make


def _csv(_: Desk) -> bytes:
    page = (REPOSITORY / "docs" / "provision.md").read_text()
    found = re.search(r"^```csv\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1].encode()


def _phase(sequence: int, *, flags: int = 0, new: bool = False) -> bytes:
    ids = cases.NEW if new else cases.BOTH
    profile = layout.RSA if new else layout.RSA | layout.ECDSA
    return bytes(cases.make(sequence, ids, profile=profile, flags=flags).data)


def _last_phase(desk: Desk) -> bytes:
    """Return the retiring bundle, once the fleet has the phase before and canaries have this."""
    retiring = _phase(9, flags=layout.RETIRE_PREVIOUS, new=True)
    (desk.folder / "pumps-8.rlt").write_bytes(_phase(8, new=True))
    (desk.folder / "pumps-9.rlt").write_bytes(retiring)
    (desk.world.recovery.folder / "latest.rlt").write_bytes(retiring)
    start = ("rotate", "start", "plan.json")
    keys = ("--key-set", "keys-1.rlk")
    url = ("--recovery-url", "http://updates.example.com/rootlet")
    desk.join_network()
    for name, *more in (
        ("pumps-8.rlt", "--canary", "thinggroup/bench"),
        ("pumps-8.rlt", "--to", "thinggroup/pumps"),
        ("pumps-9.rlt", "--canary", "thinggroup/bench", *url),
    ):
        desk.rootlet(*start, name, *keys, *more)
        confirm(desk)
    return retiring


def _list(_: Desk) -> bytes:
    return b"".join(map(_anchor, ("amazon-root-ca-1", "starfield-g2")))


def _board(_: Desk) -> bytes:
    return (REPOSITORY / "boards" / "esp32.toml").read_bytes()


def _plan(desk: Desk) -> bytes:
    for one in ("pumps-6.rlt", "goal.rlt"):
        put(desk, one)
    desk.rootlet("rotate", "plan", "pumps-6.rlt", "goal.rlt", "-o", "plan.json")
    return (desk.folder / "plan.json").read_bytes()


def _request(desk: Desk) -> bytes:
    name = "a1b2c3-ats.iot.eu-west-1.amazonaws.com"
    desk.rootlet("provision", "-o", "pump-7", "--thing", "pump-7", "--endpoint", name)
    return (desk.folder / "pump-7" / "device.csr").read_bytes()


def _to_be_signed(desk: Desk) -> bytes:
    for one in ("pumps-6.rlt", "keys-1.rlk"):
        put(desk, one)
    keys = ("--keys", "both", "--target", "pumps", "--key-set", "keys-1.rlk")
    desk.rootlet(
        "build",
        "--board",
        "esp32",
        *keys,
        "--after",
        "pumps-6.rlt",
        "--for-signing",
        "-o",
        "pumps-7.tbs",
    )
    return (desk.folder / "pumps-7.tbs").read_bytes()


FILES: dict[str, Maker] = {
    **{
        f"{name}.pem": lambda _, number=number: (KEYS / f"key-{number}.pem").read_bytes()  # type: ignore[misc]
        for name, number in _SIGNERS.items()
    },
    **{
        f"{name}.pub.pem": lambda _, number=number: public_pem(f"key-{number}")  # type: ignore[misc]
        for name, number in _SIGNERS.items()
    },
    "keys-2.rlk": lambda _: NEXT_KEYS,
    "plan.json": _plan,
    "pump-7/device.csr": _request,
    "my-board.toml": _board,
    "new.pem": _list,
    "keys-1.rlk": lambda _: bytes(cases.key_set().data),
    "pumps-1.rlt": lambda _: _phase(1),
    "pumps-2.rlt": lambda _: _phase(2),
    "pumps-6.rlt": lambda _: bytes(cases.make(6, cases.OLD, profile=layout.ECDSA).data),
    "pumps-7.rlt": lambda _: _phase(7),
    "pumps-9.rlt": _last_phase,
    "pumps-7.tbs": _to_be_signed,
    "goal.rlt": lambda _: bundle_of("amazon-root-ca-1", profile="rsa"),
    "ecc.rlt": lambda _: bundle_of("amazon-root-ca-3", profile="ecdsa"),
    "old.rlt": lambda _: bundle_of("amazon-root-ca-3", profile="ecdsa"),
    "new.rlt": lambda _: bundle_of("amazon-root-ca-1", "amazon-root-ca-3"),
    "all.rlt": lambda _: bundle_of("amazon-root-ca-1", "amazon-root-ca-3", "starfield-g2"),
    "both.rlt": _of_lab,
    "own.rlt": lambda _: bundle_of(roots=[root()]),
    "our-root.pem": lambda _: armour(root()).encode(),
    "chain.pem": _chain,
    "captured.pem": _chain,
    "ca.crt": _authority("ca.crt"),
    "ca.key": _authority("ca.key"),
    "our-ca.pem": lambda _: armour(root("Our Devices", 2)).encode(),
    "our-ca.key": lambda _: key_pem(key(2)),
    "pump-7.crt": _certificate,
    "pump-7.key": _key_of("pump-7"),
    "pump-7-new.crt": _pair("pump-7-new"),
    "pump-7-new.key": _key_of("pump-7-new"),
    "old.crt": _pair("old"),
    "old.key": _key_of("old"),
    "pumps.csv": _csv,
    "firmware.bin": _with_a_root,
    "ESP32_GENERIC-v1.26.1.bin": _firmware,
    "src/main.c": lambda _: b"// the root\n/*\n" + _anchor("amazon-root-ca-1") + b"*/\n",
    "data/root.pem": lambda _: _anchor("amazon-root-ca-3"),
    "cacerts": lambda _: (STORES / "roots.p12").read_bytes(),
    "list.pem": _list,
    "mine.toml": _board,
    "my_mqtt.py": lambda _: _TUTORIAL.replace(_NOBODY, _VERIFIED).encode(),
    "main.py": lambda _: _TUTORIAL.encode(),
}
#: Folders, and which of the files above are in them.
_FOLDERS = {"src": "src/main.c", "data": "data/root.pem"}


def put(desk: Desk, name: str) -> None:
    """Put what a command names on the desk, if it is a thing that the pages take for granted."""
    name = _FOLDERS.get(name, name.removeprefix("./"))
    path = desk.folder / name
    if name in FILES and not path.exists():
        path.parent.mkdir(exist_ok=True)
        data = FILES[name](desk)
        path.unlink(missing_ok=True)
        files.write(path, data, mode=0o600)
    elif re.fullmatch(r"pump-\d+", name):
        _device(desk, name)
    elif name == "line-3":
        for number in (1, 2):
            _device(desk, f"line-3/pump-{number}")
    elif name.startswith("thing/"):
        _thing(desk, name.removeprefix("thing/"))
    elif name.startswith("thinggroup/"):
        _groups(desk)
    elif name == "gateway":
        _gateway(desk)
    elif name.startswith("my-client "):
        _client(desk)


def _device(desk: Desk, name: str) -> None:
    for one in ("ca.crt", "ca.key"):
        put(desk, one)
    desk.rootlet(
        *("provision", "-o", name, "--thing", name.rpartition("/")[2]),
        *("--endpoint", "a1b2c3-ats.iot.eu-west-1.amazonaws.com"),
        *("--ca-cert", "ca.crt", "--ca-key", "ca.key"),
    )


def _thing(desk: Desk, name: str) -> None:
    """Have a thing with an active certificate in the account."""
    iot = desk.aws("iot")
    iot.create_thing(thingName=name)
    made = iot.create_keys_and_certificate(setAsActive=True)
    iot.attach_thing_principal(thingName=name, principal=made["certificateArn"])


def certificate(desk: Desk) -> str:
    """Return the id of an inactive certificate in the account, of no thing any more."""
    made: str = desk.aws("iot").create_keys_and_certificate(setAsActive=False)["certificateId"]
    return made


def _groups(desk: Desk) -> None:
    """Have a fleet of three, one of them a canary."""
    iot = desk.aws("iot")
    if iot.list_thing_groups()["thingGroups"]:
        return
    for group, things in (("bench", _FLEET[:1]), ("pumps", _FLEET)):
        iot.create_thing_group(thingGroupName=group)
        for thing in things:
            iot.create_thing(thingName=thing)
            iot.add_thing_to_thing_group(thingGroupName=group, thingName=thing)


def _gateway(desk: Desk) -> None:
    """Have the folder of a gateway whose certificate ends in five days."""
    pki = desk.world.services.lab.pki
    folder = desk.folder / "gateway"
    folder.mkdir(mode=0o700)
    RotatingDevice(Device("cpython", folder), desk.world.services.lab)
    csr_authority.settle(desk.folder, pki)
    issued = x509.load_der_x509_certificate((folder / "cert.der").read_bytes())
    public = issued.public_key()
    ending = csr_authority.issue(desk.folder, issued.subject, public, 5)  # type: ignore[arg-type]
    (folder / "cert.der").write_bytes(ending.public_bytes(Encoding.DER))
    script = (
        f'#!/bin/sh\nexec "{sys.executable}" "{csr_authority.__file__}" "{desk.folder}" "$@"\n'
    )
    _program(desk, "sign-certificate", script)


def _client(desk: Desk) -> None:
    """Have a client of the reader's own, which verifies."""
    _program(
        desk,
        "my-client",
        f'#!/bin/sh\nexec "{sys.executable}" "{REPOSITORY}/tests/ssl_client.py" "$@"\n',
    )


def _program(desk: Desk, name: str, text: str) -> None:
    (desk.folder / name).write_text(text)
    (desk.folder / name).chmod(0o755)


def confirm(desk: Desk) -> None:
    """Do what every thing does that got a job: begin it, and tell that it has worked."""
    jobs = desk.aws("iot-jobs-data")
    for thing in _FLEET:
        while "execution" in (begun := jobs.start_next_pending_job_execution(thingName=thing)):
            job = begun["execution"]["jobId"]
            jobs.update_job_execution(jobId=job, thingName=thing, status="SUCCEEDED")


def roll_out(desk: Desk) -> None:
    """Have a fleet to which the first phase of a plan has gone."""
    for one in ("plan.json", "pumps-7.rlt", "keys-1.rlk", "thinggroup/pumps"):
        put(desk, one)
    start = ("rotate", "start", "plan.json", "pumps-7.rlt", "--key-set", "keys-1.rlk")
    desk.rootlet(*start, "--canary", "thinggroup/bench")
    confirm(desk)


def flash(desk: Desk, board: VirtualBoard) -> None:
    """Put all on a board that it needs to connect to the lab, and set its clock."""
    lab = desk.world.services.lab
    issued = lab.pki.issue_identity("pump-7")
    key = identity.read_key(issued.key_der, "key", issued.cert_der)
    settings = identity.Settings(lab.endpoint, "pump-7", lab.host, lab.port)
    contents = flashing.contents(
        Release(lab.pki).encode(), settings, issued.cert_der, key, FIRST_KEYS
    )
    flashing.flash(board.port, contents, lambda *_: None, keys=FIRST_KEYS, reset_trust=True)
    board.set_clock(time.time())
