"""Dates in certificates, as Unix seconds."""

from .der import Certificate, element
from .errors import const

_UTC_TIME = const(0x17)


def validity(der: bytes) -> "list[int]":
    """Return notBefore and notAfter of a certificate (RFC 5280 4.1.2.5).

    YYMMDDHHMMSSZ is UTCTime, 1950 to 2049; YYYYMMDDHHMMSSZ is GeneralizedTime.
    Ports count from other years and end at 2037 or 2038, so :mod:`time` is no help.
    """
    start, end = Certificate(der, 0, len(der)).validity
    found = []
    while start < end:
        tag, pos, start = element(der, start, end)
        raw = der[pos:start]
        if tag == _UTC_TIME:
            raw = (b"19" if raw[0] >= 0x35 else b"20") + raw
        # Years begin in March, so that a leap day is the last of its year.
        month = int(raw[4:6]) + 9
        year = int(raw[:4]) + month // 12 - 1
        seconds = year * 365 + year // 4 - year // 100 + year // 400
        seconds += (month % 12 * 306 + 5) // 10 + int(raw[6:8]) - 719469
        for pos in (8, 10, 12):
            seconds = seconds * (60 if pos > 8 else 24) + int(raw[pos : pos + 2])
        found.append(seconds)
    return found
