"""The JUnit format as Jenkins reads it: what its xunit plugin's schema (`junit-10.xsd`) allows, as a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")
RESULT = ({"type", "message"}, set(), set(), True)

ELEMENTS: dict[str, tuple[set[str], set[str], set[str], bool]] = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, set(), {"testsuite"}, False),
    "testsuite": (
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
        {"name", "tests", "failures", "errors"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        False,
    ),
    "properties": (set(), set(), {"property"}, False),
    "property": (set(), {"name", "value"}, set(), False),
    "testcase": (
        {"time", "classname", "group"},
        {"name"},
        {"skipped", "error", "failure", "system-out", "system-err"},
        False,
    ),
    "skipped": RESULT,
    "error": RESULT,
    "failure": RESULT,
    "system-out": (set(), set(), set(), True),
    "system-err": (set(), set(), set(), True),
}
"""Element -> the attributes it may and must have, its children, and whether it holds text."""


def faults(document: bytes) -> Iterator[str]:
    """What the schema would object to; the counts must be those of the elements, too."""
    root = ET.fromstring(document)
    if root.tag not in {"testsuites", "testsuite"}:
        yield f"the root is {root.tag}"
    yield from _faults(root)
    for suite in root.iter("testsuite"):
        cases = suite.findall("testcase")
        counted = {"tests": len(cases)}
        counted |= {
            name: sum(case.find(tag) is not None for case in cases)
            for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
        }
        yield from (
            f"{name} is {suite.get(name)}, not {number}"
            for name, number in counted.items()
            if suite.get(name) != str(number)
        )


def _faults(element: ET.Element) -> Iterator[str]:
    if element.tag not in ELEMENTS:
        yield f"there is no element {element.tag}"
        return
    may, must, children, text = ELEMENTS[element.tag]
    yield from (f"{element.tag} has {name}" for name in set(element.attrib) - may - must)
    yield from (f"{element.tag} lacks {name}" for name in must - set(element.attrib))
    if element.tag in {"testsuites", "testsuite"} and not TIME.fullmatch(element.get("time", "")):
        yield f"time is {element.get('time')!r}"
    inside = [element.text, *(child.tail for child in element)]
    if not text and any(each and each.strip() for each in inside):
        yield f"{element.tag} holds text"
    for child in element:
        if child.tag not in children:
            yield f"{child.tag} in {element.tag}"
        yield from _faults(child)
