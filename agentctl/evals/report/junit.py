"""`.junit.xml`: test results as Jenkins (xunit plugin, `junit-10.xsd`) and GitLab read them.

A case is a test case; its figures stand in `system-out`, since the schema knows no cost. What failed is a failure; what
gave no verdict (errors, stale and missing recordings) is an error; what was not played is skipped. Text is made of the
characters that XML 1.0 knows (section 2.2), whatever a model said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from agentctl.agent.events import JsonObject
from agentctl.evals.report.rows import failures_of, figures_of, name_of, place_of, ran, unplayed_of, why
from agentctl.evals.report.told import Told
from agentctl.observe.clean import clean

NO_CHARACTERS: Final = re.compile("[\ufffe\uffff]")
"""What `clean` lets through and XML does not."""

LINE_BREAKS: Final = {"\n": "&#10;", "\t": "&#9;"}


def render(told: Told) -> Iterator[bytes]:
    """The document, suite by suite."""
    head = told.head
    suites = {id(suite): list[str]() for suite in head["suites"]}
    counts = {key: Counter[str]() for key in suites}
    for key, cases in groupby(told.cases(), key=lambda pair: id(pair[0])):
        for suite, case in cases:
            kind, text = _case(suite, case)
            suites[key].append(text)
            counts[key][kind] += 1
    for each in unplayed_of(head):
        key = next(id(suite) for suite in head["suites"] if suite["file"] == each["file"])
        suites[key].append(_testcase(each["suite"], each["id"], 0.0, f"<skipped{_given(message='not played')}/>"))
        counts[key]["skipped"] += 1
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n'
    total = sum(counts.values(), Counter[str]())
    tests, seconds = sum(map(len, suites.values())), head["totals"]["seconds"]
    errors, failures = total["error"], total["failure"]
    about = _given(name="agentctl eval", tests=tests, failures=failures, errors=errors, time=_time(seconds))
    yield f"<testsuites{about}>\n".encode()
    for suite in head["suites"]:
        yield from _suite(head, suite, suites[id(suite)], counts[id(suite)])
    yield b"</testsuites>\n"


def _suite(head: JsonObject, suite: JsonObject, cases: list[str], counts: Counter[str]) -> Iterator[bytes]:
    about: dict[str, object] = {"name": suite["suite"], "tests": len(cases), "failures": counts["failure"]}
    about |= {"errors": counts["error"], "skipped": counts["skipped"], "time": _time(suite["totals"]["seconds"])}
    about |= {"timestamp": head["at"].removesuffix("Z")} if head.get("at") else {}
    yield f"  <testsuite{_given(**about, file=suite['file'])}>\n    <properties>\n".encode()
    cost = suite["totals"]["cost_usd"]
    known = {"agent": suite["agent"], "bundle": suite["bundle"], "model": suite["model"]}
    for name, value in {**known, "cost_usd": "unknown" if cost is None else cost}.items():
        yield f"      <property{_given(name=name, value=value)}/>\n".encode()
    yield b"    </properties>\n"
    for case in cases:
        yield case.encode()
    yield b"  </testsuite>\n"


def _case(suite: JsonObject, case: JsonObject) -> tuple[str, str]:
    """Which kind of result it is, and its element."""
    kind = _kind(case)
    inside = "" if kind == "passed" else _why(kind, suite, case)
    if ran(case):
        cost = "unknown" if case["cost_usd"] is None else case["cost_usd"]
        figures = f"{' · '.join(figures_of(case))}\ncost_usd: {cost}"
        inside += f"<system-out>{_text(figures)}</system-out>"
    return kind, _testcase(suite["suite"], name_of(case), case["seconds"], inside)


def _kind(case: JsonObject) -> str:
    match case["status"]:
        case "pass":
            return "passed"
        case "fail":
            return "failure"
        case "stopped":
            return "skipped" if case.get("holds") else "failure"
    return "error"


def _why(kind: str, suite: JsonObject, case: JsonObject) -> str:
    lines = [place_of(suite, case), *why(case)]
    failures = failures_of(case)
    of_type = failures[0]["type"] if failures else case["status"]
    message = case["reason"].partition("\n")[0] or next(iter(lines[1:]), case["status"])
    return f"<{kind}{_given(type=of_type, message=message)}>{_text(chr(10).join(lines))}</{kind}>"


def _testcase(suite: str, name: str, seconds: float, inside: str) -> str:
    about = _given(classname=suite, name=name, time=_time(seconds))
    return f"    <testcase{about}>{inside}</testcase>\n" if inside else f"    <testcase{about}/>\n"


def _given(**attributes: object) -> str:
    return "".join(f" {name}={quoteattr(_sound(str(value)), LINE_BREAKS)}" for name, value in attributes.items())


def _text(text: str) -> str:
    return escape(_sound(text))


def _sound(text: str) -> str:
    return NO_CHARACTERS.sub("\ufffd", clean(text))


def _time(seconds: float) -> str:
    return f"{max(seconds, 0.0):.3f}"
