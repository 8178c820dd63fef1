"""The rows of the coverage table are the issuing CAs that are known, each under its root."""

import re

from rootlet import catalog, coverage

_SERIES = re.compile(r"(RSA|ECDSA) (\d+) ([^(]+)")


def named(row):
    """Expand 'RSA 2048 M01-M06, S00-S25' into the names of known.toml."""
    found = _SERIES.match(row.name)
    assert found, row.name
    family, bits, ranges = found.groups()
    for one in ranges.split(","):
        first, _, last = one.strip().partition("-")
        letter = first[0].lower()
        for number in range(int(first[1:]), int((last or first)[1:]) + 1):
            yield f"amazon-{family.lower()}-{bits}-{letter}{number:02}"


def test_every_series_is_known_and_is_issued_by_that_root():
    roots = {anchor.sha256: anchor.id for anchor in catalog.load().anchors}
    issued = {}
    for one in catalog.known():
        issuers = {roots[digest] for digest in one.signed_by if digest in roots}
        if re.fullmatch(r"amazon-(rsa|ecdsa)-\d+-[ms]\d+", one.name):
            issued[one.name] = issuers
    rows = {
        name: row.root for row in coverage.CHAINS if not row.by_cross_sign for name in named(row)
    }
    assert {name: {root} for name, root in rows.items()} == issued


def test_the_sovereign_roots_are_cross_signed_by_the_roots_that_are_named():
    roots = {anchor.sha256: anchor.id for anchor in catalog.load().anchors}
    crosses = {
        roots[digest]
        for one in catalog.known()
        if one.role == "cross" and "-eu-" in one.name
        for digest in one.signed_by
        if digest in roots
    }
    assert crosses == {row.root for row in coverage.CHAINS if row.by_cross_sign}
