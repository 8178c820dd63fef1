"""Dates in certificates: what a verified leaf proves of the time, and which anchor ends soon."""

import time

from .bundle import Bundle
from .compat import const
from .der import Certificate, element

_SOON = const(90)  # days
_DAY = const(86400)
_EPOCH = 946684800 if time.gmtime(0)[0] == 2000 else 0


def of(der: bytes) -> "tuple[int, int]":
    """Return notBefore and notAfter of a certificate in Unix seconds (RFC 5280 4.1.2.5)."""
    found = Certificate(der, 0, len(der))
    start, end = found.validity
    tag, first, stop = element(der, start, end)
    begins = _seconds(tag, der[first:stop])
    tag, first, stop = element(der, stop, end)
    return begins, _seconds(tag, der[first:stop])


def _seconds(tag: int, raw: bytes) -> int:
    """Read YYMMDDHHMMSSZ (UTCTime, 1950 to 2049) or YYYYMMDDHHMMSSZ (GeneralizedTime)."""
    text = bytes(raw).decode()
    if tag == 0x17:
        text = ("19" if text[0] >= "5" else "20") + text
    year, month, day, hour, minute, second = (
        int(text[at : at + size])
        for at, size in ((0, 4), (4, 2), (6, 2), (8, 2), (10, 2), (12, 2))
    )
    return days(year, month, day) * _DAY + hour * 3600 + minute * 60 + second


def days(year: int, month: int, day: int) -> int:
    """Return the days from 1970-01-01 to a date of the Gregorian calendar.

    Ports count from other years and end at 2037 or 2038, so :mod:`time` is no help.
    """
    year -= month <= 2
    month = (month + 9) % 12
    leap_days = year // 4 - year // 100 + year // 400
    return year * 365 + leap_days + (month * 306 + 5) // 10 + day - 719469


def ending(bundle: Bundle, now: int) -> "list[tuple[str, int]]":
    """Return ``(name, days left)`` of every anchor, and of the bundle, that ends within 90 days."""
    from .der import common_name

    found = []
    if bundle.not_after and bundle.not_after - now < _SOON * _DAY:
        found.append(("bundle", (bundle.not_after - now) // _DAY))
    for index in range(len(bundle.anchors)):
        der = bundle.der(index)
        left = (of(der)[1] - now) // _DAY
        if left < _SOON:
            found.append((common_name(der, Certificate(der, 0, len(der)).subject), left))
    return found
