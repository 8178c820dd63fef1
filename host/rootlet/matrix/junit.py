"""Results as a JUnit file, which every CI system reads. Pure.

The format has no standard; this is the common part that Jenkins' and pytest's schemas share: a
dangerous or failed scenario is a ``failure`` with its type, one that does not apply ``skipped``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from rootlet.matrix.run import counts
from rootlet.words import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rootlet.matrix.run import Result


def document(client: str, properties: Mapping[str, str], results: Sequence[Result]) -> bytes:
    """Return the file: one test suite for ``client``, one test case per result."""
    found = counts(results)
    suite = ET.Element(
        "testsuite",
        name=f"rootlet matrix: {plain(client)}",
        tests=str(len(results)),
        failures=str(found["failed"] + found["dangerous"]),
        errors="0",
        skipped=str(found["n/a"]),
        time=f"{sum(result.seconds for result in results):.3f}",
    )
    listed = ET.SubElement(suite, "properties")
    for name, value in properties.items():
        ET.SubElement(listed, "property", name=name, value=plain(value))
    for result in results:
        suite.append(_case(result))
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    text: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _case(result: Result) -> ET.Element:
    outcome, why = result.verdict
    case = ET.Element(
        "testcase",
        classname="rootlet.matrix",
        name=result.scenario.name,
        time=f"{result.seconds:.3f}",
    )
    if outcome == "n/a":
        ET.SubElement(case, "skipped", message=plain(why))
    elif outcome != "passed":
        failure = ET.SubElement(case, "failure", type=outcome, message=plain(why))
        failure.text = result.scenario.summary()
    return case
