"""The matrix: one client through every scenario of the lab, and a verdict on each.

A client is a board, this computer's CPython, or any program. What it did is read from the lab's
own log wherever that is possible; what it says of itself only adds the reason.
"""

from rootlet.matrix.board import Script, Urootlet
from rootlet.matrix.client import Client, Kit, Report
from rootlet.matrix.program import Command, Gateway
from rootlet.matrix.run import Result, counts, run, status
from rootlet.matrix.verdict import Outcome, Seen, Verdict, judge, unchecked

__all__ = [
    "Client",
    "Command",
    "Gateway",
    "Kit",
    "Outcome",
    "Report",
    "Result",
    "Script",
    "Seen",
    "Urootlet",
    "Verdict",
    "counts",
    "judge",
    "run",
    "status",
    "unchecked",
]
