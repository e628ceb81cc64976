"""The document of an evaluation, piece by piece: the bytes are those of the whole, which is never in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby

import orjson

from agentctl.agent.events import Json, JsonObject
from agentctl.evals.result import CaseResult, Evaluation


def document(evaluation: Evaluation, exit_code: int) -> Iterator[bytes]:
    """The JSON of `evaluation.to_json(exit_code)`."""
    head = evaluation.head_json(exit_code)
    suites = zip(head["suites"], evaluation.suites, strict=True)
    return pieces(head, ((told, _bytes(case)) for told, suite in suites for case in suite.cases))


def pieces(head: JsonObject, cases: Iterable[tuple[JsonObject, bytes]], *, indented: bool = False) -> Iterator[bytes]:
    """The JSON of `head` with its cases: `head` has empty lists of them, and each comes as JSON with its suite there.

    Indented, it ends with a newline. A line break within a text is escaped, so every one is layout: what stands deeper
    is moved by its line breaks.
    """
    line, suite_line, case_line, close = ((b"\n" + b" " * depth) * indented for depth in (2, 4, 8, 6))
    groups = groupby(cases, key=lambda pair: id(pair[0]))
    of, group = next(groups, (None, iter(())))
    before, after = _around("suites", {**head, "suites": []}, indented=indented)
    yield before
    for number, suite in enumerate(head["suites"]):
        begin, end = _around("cases", suite, indented=indented)
        yield b"," * (number > 0) + suite_line + begin.replace(b"\n", suite_line)
        filled = id(suite) == of
        if filled:
            for place, (_, case) in enumerate(group):
                yield b"," * (place > 0) + case_line + case.replace(b"\n", case_line)
            of, group = next(groups, (None, iter(())))
        yield close * filled + end.replace(b"\n", suite_line)
    yield line * bool(head["suites"]) + after + b"\n" * indented


def dumped(value: Json, *, indented: bool = False) -> bytes:
    """JSON; what a strict writer refuses (half an emoji, a number beyond 64 bits) as JSON can still say it."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 if indented else 0)
    except TypeError:
        return json.dumps(value, indent=2 if indented else None, separators=None if indented else (",", ":")).encode()


def _around(key: str, value: JsonObject, *, indented: bool) -> tuple[bytes, bytes]:
    """What stands before and behind the items of an empty list. A quote within a text is escaped: only a key fits."""
    opening = f'"{key}"{": " if indented else ":"}['.encode()
    before, _, after = dumped(value, indented=indented).partition(opening + b"]")
    return before + opening, b"]" + after


def _bytes(case: CaseResult) -> bytes:
    try:
        return case.to_bytes()
    except TypeError:
        return dumped(case.to_json())
