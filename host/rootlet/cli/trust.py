"""``rootlet trust``: the trust stores of this computer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rootlet import catalog
from rootlet.cli import groups, show
from rootlet.errors import InputError, RootletError, TrustError

if TYPE_CHECKING:
    from rootlet.truststore import Store

_INSTALL = "see: rootlet trust install --help"
#: What to do about a store that lacks an anchor, by its kind.
_HINTS = {
    "openssl": _INSTALL,
    "system": _INSTALL,
    "python": "pip install --upgrade certifi",
    "java": "update Java; or keytool -importcert -cacerts -alias NAME -file FILE",
    "nss": "trust it again in the browser's own settings",
    "windows": _INSTALL,
    "macos": _INSTALL,
}
_SYSTEMS = ("debian", "fedora", "alpine", "arch", "macos", "windows")


@click.group(
    cls=groups.Group,
    epilog="""\b
Examples:
  rootlet trust check
  rootlet trust install amazon-root-ca-1

Exit codes: 0 done or yes, 1 failed, 2 bad input, 3 the answer is no.
""",
)
def command() -> None:
    """Look at the trust stores of this computer, or add an anchor to its own."""


@command.command(
    epilog="\b\nExamples:\n  rootlet trust check\n  rootlet trust check --json\n\n"
    "Exit codes: 0 every store trusts what AWS uses, 3 something would fail."
)
@show.json_option
def check(json_output: bool) -> None:
    """Tell which stores trust the five anchors of Amazon Trust Services.

    Looks at OpenSSL, the system's list, certifi, Java, browsers, Windows and macOS: whatever is
    there. A browser's database adds to its own list, or takes from it: "maybe" is what that list
    says. Windows fetches roots when it first meets them.
    """
    from rootlet import store_check, truststore  # noqa: PLC0415 - help must not load it

    anchors = store_check.wanted()
    with show.progress("trust") as progress:
        stores = []
        for store in truststore.find():
            stores.append(store)
            progress(len(stores), len(truststore.KINDS) + len(stores), store.title)
    held = {store: [one.id for one in anchors if one.sha256 in store.trusted] for store in stores}
    lost = {store: _losses(store, ids) for store, ids in held.items()}
    if json_output:
        document = [_document(store, ids, lost[store]) for store, ids in held.items()]
        show.as_json("trust/1", {"stores": document})
    else:
        _draw(stores, lost)
    _judge(stores, lost)


def _draw(stores: list[Store], lost: dict[Store, list[str]]) -> None:
    from rootlet import store_check  # noqa: PLC0415 - as above

    anchors = store_check.wanted()
    rows = [
        (f"{n} {store.title}", *(_cell(store, one) for one in anchors))
        for n, store in enumerate(stores, 1)
    ]
    short = [one.id.removeprefix("amazon-root-").removeprefix("starfield-") for one in anchors]
    show.table("", ("store", *short), rows)
    for number, store in enumerate(stores, 1):
        show.paragraph(f"{number} is {store.place}", "")
        for line in [store.problem] if store.problem else lost[store]:
            show.paragraph(line, "  ")


def _judge(stores: list[Store], lost: dict[Store, list[str]]) -> None:
    """Raise for the first store that would fail, or that cannot be read and has no other list."""
    for store in stores:
        if lost[store] or (store.problem and not store.adds_only):
            raise TrustError(
                f"{store.title} "
                + ("would refuse servers of AWS" if lost[store] else "cannot be read"),
                why=store.problem or lost[store][0],
                hint="" if store.problem else _HINTS[store.kind],
            )


def _losses(store: Store, ids: list[str]) -> list[str]:
    """Put into words what fails; of a store that only adds, what it takes away."""
    from rootlet import store_check  # noqa: PLC0415 - as above

    if store.problem:
        return []
    if store.adds_only:
        return [
            f"it distrusts {one.id}" for one in store_check.wanted() if one.sha256 in store.refused
        ]
    services: dict[tuple[str, bool], list[str]] = {}
    for one in store_check.losses(ids):
        services.setdefault((one.root, one.always), []).append(one.service)
    return [
        f"without {root}, {' and '.join(names)} fail"
        + ("" if always else " where the server sends no cross-sign by starfield-g2")
        for (root, always), names in services.items()
    ]


def _cell(store: Store, anchor: catalog.TrustAnchor) -> str:
    if anchor.sha256 in store.refused:
        return "refused"
    if anchor.sha256 in store.trusted:
        return "yes"
    return "?" if store.problem else "maybe" if store.adds_only else "no"


def _document(store: Store, ids: list[str], lost: list[str]) -> dict[str, Any]:
    return {
        "kind": store.kind,
        "title": store.title,
        "place": store.place,
        "certificates": len(store.trusted),
        "trusts": ids,
        "distrusts": [one.id for one in catalog.load().anchors if one.sha256 in store.refused],
        "adds_only": store.adds_only,
        "problem": store.problem or None,
        "would_fail": lost,
    }


@command.command(
    epilog="\b\nExamples:\n  rootlet trust install amazon-root-ca-1\n"
    "  rootlet trust install amazon-root-ca-3 --system fedora\n"
    "  sudo rootlet trust install amazon-root-ca-1 --apply\n\n"
    "Exit codes: 0 done, 1 the system's program failed, 2 bad input, 3 not for new trust, or not "
    "what the catalogue pins."
)
@click.argument("anchor", metavar="ANCHOR")
@click.option("--system", type=click.Choice(_SYSTEMS), help="Default: this computer's.")
@click.option("--apply", "do_it", is_flag=True, help="Run the commands; needs root.")
@show.json_option
def install(anchor: str, system: str | None, do_it: bool, json_output: bool) -> None:
    """Print the commands that add an anchor to the system's own trust store.

    ANCHOR is an id of "rootlet certs list". Its hash is verified first, and only the full
    certificate is ever installed. With --apply the commands are run.
    """
    from rootlet.truststore import install as installer  # noqa: PLC0415 - help must not load it

    chosen = catalog.load().get(anchor)
    kind = installer.SYSTEMS[system] if system else installer.this_system()
    lines = installer.commands(chosen, kind)
    changed = _apply(chosen, system) if do_it else None
    if json_output:
        document = {"anchor": chosen.id, "sha256": chosen.sha256, "system": kind.id}
        show.as_json("trust-install/1", {**document, "commands": lines, "changed": changed})
    elif changed is None:
        click.echo(f"# {chosen.name}, for {kind.title}. The first line must print\n"
                   f"# {chosen.sha256}\n" + "\n".join(lines))  # fmt: skip
    else:
        click.echo(f"{chosen.name} {'installed' if changed else 'was installed already'}")


def _apply(chosen: catalog.TrustAnchor, system: str | None) -> bool:
    from rootlet.truststore import install as installer  # noqa: PLC0415 - as above

    if not installer.is_allowed():
        raise RootletError(
            "--apply needs root",
            why="the store belongs to the system",
            hint=f"sudo rootlet trust install {chosen.id} --apply",
        )
    here = installer.this_system()
    if system not in (None, here.id):
        raise InputError(
            f"--apply changes this computer, which is {here.title}",
            why=f"--system {system} is another kind",
            hint="leave --system out",
        )
    return installer.apply(chosen, here)
