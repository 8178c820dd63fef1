"""Bytes of trust sets in our forms and in those of others: ``python bench/forms.py``."""

from __future__ import annotations

from interpreter import CREATED
from table import Row, show

from rootlet import anchor, bundle, catalog, export
from rootlet.export.anchors import Anchor

SETS = {
    "CA 1": ("amazon-root-ca-1",),
    "CA 3": ("amazon-root-ca-3",),
    "CA 1 + CA 3 + SF G2": ("amazon-root-ca-1", "amazon-root-ca-3", "starfield-g2"),
    "all five": (*(f"amazon-root-ca-{n}" for n in (1, 2, 3, 4)), "starfield-g2"),
}

PEERS = ("pem", "der", "esp-crt-bundle", "bearssl")
_SIGNATURE = 392


def ours(names: tuple[str, ...], form: str) -> bytes:
    """Return the unsigned bundle of these roots in one form."""
    roots = [catalog.load().get(name) for name in names]
    anchors = [
        bundle.Anchor(anchor.package(one.der, form, one.name), bytes.fromhex(one.sha256))
        for one in roots
    ]
    return bundle.encode(anchors, target="default", profile=3, created=CREATED)


def peers(names: tuple[str, ...]) -> dict[str, int]:
    """Return format -> bytes of the same roots."""
    roots = [catalog.load().get(name) for name in names]
    anchors = [Anchor(one.id, one.certificate, one.sha256) for one in roots]
    return {
        "der": sum(len(one.der) for one in roots),
        **{name: len(export.write(anchors, name)) for name in PEERS if name != "der"},
    }


def rows() -> list[Row]:
    """Return a row per set, form and peer. The peer of a form is PEM."""
    found = []
    for title, names in SETS.items():
        other = peers(names)
        for form in ("tiny", "strict"):
            size = len(ours(names, form))
            found.append(Row("bytes", f"{{{title}}} {form}, to PEM", size, other["pem"]))
        two = size + 2 * _SIGNATURE
        found.append(Row("bytes", f"{{{title}}} strict, two signatures", two, other["pem"]))
        found += [Row("bytes", f"{{{title}}} as {name}", other[name]) for name in PEERS]
    return found


if __name__ == "__main__":
    print(show(rows(), {}))
