"""``rootlet export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rootlet import bundle, export, files, pem
from rootlet.cli import show
from rootlet.errors import InputError
from urootlet import format_cpython as layout

if TYPE_CHECKING:
    from rootlet.export.anchors import Anchor

_LACKS = {
    "ecdsa": "offer ECDHE-ECDSA suites only, or a server that prefers RSA fails",
    "rsa": "offer ECDHE-RSA suites only, or a server that prefers ECDSA fails",
}


@click.command(
    epilog="""\b
Examples:
  rootlet export all.rlt --format pem -o roots.pem
  rootlet export ecc.rlt --format esp-crt-bundle --idf 5.3.2 -o x509_crt_bundle
  rootlet export own.rlt --format c --anchor our-root.pem -o anchors.h
\b
esp-crt-bundle is the layout of ESP-IDF 5.4 and later, esp-crt-bundle-v1 the one before it.
docs/export.md describes each format, and what it loses.

Exit codes: 0 written and read back, 1 it does not read back, 2 bad input, 3 the format cannot
hold an anchor.
"""
)
@click.argument("bundle_file", metavar="BUNDLE", type=click.Path(path_type=Path))
@click.option("--format", "name", type=click.Choice(list(export.FORMATS)), required=True)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
@click.option(
    "--form", type=click.Choice(["full", "strict", "tiny"]), help="Anchor form. Default: full."
)
@click.option("--idf", metavar="VERSION", help="Choose the layout that this ESP-IDF reads.")
@click.option(
    "--anchor",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The original of an anchor that rootlet does not know.",
)
@show.json_option
def command(  # noqa: PLR0913 - one argument per option
    *,
    bundle_file: Path,
    name: str,
    output: Path,
    form: str | None,
    idf: str | None,
    anchor: tuple[Path, ...],
    json_output: bool,
) -> None:
    """Write a bundle's anchors in another system's format.

    Certificates are written as their CA made them (form full), whatever form the bundle has; each
    is found by the SHA-256 in the bundle. The file is read back and compared.
    """
    from rootlet.export.anchors import choose  # noqa: PLC0415 - loads the reading of certificates

    name = export.for_idf(name, idf) if idf else name
    if output.exists() and output.samefile(bundle_file):
        raise InputError(f"{output} is the bundle itself", hint="name another file with -o")
    found = bundle.decode(files.read(bundle_file, layout.MAX_SIZE), str(bundle_file))
    originals = [(str(path), files.read(path, pem.MAX_FILE)) for path in anchor]
    # Name and key are the same in every form.
    wanted = (form or "full") if export.load(name).CARRIES_CERTIFICATES else ""
    anchors = choose(found, wanted, originals)
    data = export.write(anchors, name)
    files.write(output, data)
    export.check(files.read(output, len(data)), anchors, name)
    _warn(name, bundle.profile_name(found.profile))
    if json_output:
        show.as_json("export/1", _document(output, data, name, wanted, anchors))
    else:
        _report(output, data, name, wanted, anchors)


def _warn(name: str, profile: str) -> None:
    if lost := export.load(name).LOSES:
        click.echo(f"warning: {name} loses {lost}", err=True)
    if profile in _LACKS:
        click.echo(
            f"warning: {name} loses the cipher profile {profile}: {_LACKS[profile]}",
            err=True,
        )


def _report(output: Path, data: bytes, name: str, form: str, anchors: list[Anchor]) -> None:
    show.table(
        "Anchors",
        ("anchor", "key", "SHA-256 of the original"),
        [(one.label, one.certificate.key, one.original) for one in anchors],
    )
    kind = f"{name}, form {form}" if form else name
    click.echo(f"{output}: {len(data)} bytes, {kind}, read back and compared")


def _document(
    output: Path, data: bytes, name: str, form: str, anchors: list[Anchor]
) -> dict[str, object]:
    return {
        "file": str(output),
        "bytes": len(data),
        "sha256": bundle.sha256(data),
        "format": name,
        "form": form or None,
        "loses": export.load(name).LOSES or None,
        "anchors": [
            {
                "name": one.label,
                "key": one.certificate.key,
                "sha256": one.original,
                "spki_sha256": one.certificate.spki_sha256,
            }
            for one in anchors
        ],
    }
