"""Certificates that have ended or not begun, at each place of the path."""

from __future__ import annotations

from rootlet.lab.scenarios.base import Bundle, FaceScenario, Refuse, changed

_ROOTS = Bundle().roots


class ExpiredLeaf(FaceScenario):
    """The leaf ended a month ago: leaf (ended) <- issuing CA <- root."""

    name = "expired-leaf"
    expect = Refuse("EXPIRED")
    face = changed(leaf_validity="expired")


class FutureLeaf(FaceScenario):
    """The leaf begins in a month: leaf (not yet) <- issuing CA <- root. Or the clock is slow."""

    name = "future-leaf"
    expect = Refuse("CLOCK")
    face = changed(leaf_validity="future")


class ExpiredIntermediate(FaceScenario):
    """The issuing CA ended a month ago: leaf <- issuing CA (ended) <- root."""

    name = "expired-intermediate"
    expect = Refuse("EXPIRED")
    face = changed(issuing_validity="expired")


class FutureIntermediate(FaceScenario):
    """The issuing CA begins in a month: leaf <- issuing CA (not yet) <- root."""

    name = "future-intermediate"
    expect = Refuse("CLOCK")
    face = changed(issuing_validity="future")


class ExpiredRoot(FaceScenario):
    """The anchors that the device holds ended a month ago: leaf <- issuing CA <- root (ended).

    Dates of an anchor are no part of RFC 5280's path validation; mbedTLS and OpenSSL check them.
    """

    name = "expired-root"
    expect = Refuse("EXPIRED")
    bundle = Bundle(_ROOTS, validity="expired")


class FutureRoot(FaceScenario):
    """The anchors that the device holds begin in a month: leaf <- issuing CA <- root (not yet)."""

    name = "future-root"
    expect = Refuse("CLOCK")
    bundle = Bundle(_ROOTS, validity="future")
