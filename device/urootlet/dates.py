"""Dates in certificates: what a verified leaf proves of the time, and which anchor ends soon."""

from .der import Certificate, element
from .errors import const

_TYPING = const(0)
if _TYPING:
    from .bundle import Bundle

_UTC_TIME = const(0x17)
_SOON = const(90)  # days
_DAY = const(86400)


def validity(der: bytes) -> "tuple[int, int]":
    """Return notBefore and notAfter of a certificate in Unix seconds (RFC 5280 4.1.2.5)."""
    start, end = Certificate(der, 0, len(der)).validity
    found = []
    for _ in (0, 1):
        tag, first, start = element(der, start, end)
        found.append(_seconds(tag, der[first:start]))
    return found[0], found[1]


def _seconds(tag: int, raw: bytes) -> int:
    """Read YYMMDDHHMMSSZ (UTCTime, 1950 to 2049) or YYYYMMDDHHMMSSZ (GeneralizedTime)."""
    text = str(raw, "utf-8")
    if tag == _UTC_TIME:
        text = ("19" if text[0] >= "5" else "20") + text
    seconds = days(int(text[:4]), int(text[4:6]), int(text[6:8]))
    for pos, units in ((8, 24), (10, 60), (12, 60)):
        seconds = seconds * units + int(text[pos : pos + 2])
    return seconds


def days(year: int, month: int, day: int) -> int:
    """Return the days from 1970-01-01 to a date of the Gregorian calendar.

    Ports count from other years and end at 2037 or 2038, so :mod:`time` is no help.
    """
    year -= month <= 2
    month = (month + 9) % 12
    leap_days = year // 4 - year // 100 + year // 400
    return year * 365 + leap_days + (month * 306 + 5) // 10 + day - 719469


def ending(bundle: "Bundle", now: int) -> "list[tuple[str, int]]":
    """Return ``(name, days left)`` of each anchor, and the bundle, that ends within 90 days."""
    found = []
    if bundle.not_after and (bundle.not_after - now) // _DAY < _SOON:
        found.append(("bundle", (bundle.not_after - now) // _DAY))
    for index in range(len(bundle.anchors)):
        der = bundle.der(index)
        left = (validity(der)[1] - now) // _DAY
        if left < _SOON:
            from .facts import common_name

            found.append((common_name(der, Certificate(der, 0, len(der)).subject), left))
    return found
