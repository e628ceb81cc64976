"""What commands print with: data on stdout, everything else on stderr, JSON alone when JSON was asked for.

Plain prints cost nothing to import; Rich is loaded by the commands that draw. Text that came from a model, a tool or a
file passes `clean` before a terminal sees it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import orjson

from agentctl.errors import AgentctlError, ConfigError
from agentctl.observe.clean import clean
from agentctl.observe.marks import STAND_IN_ERRORS


def say(text: str = "") -> None:
    """One line of data or result, to stdout."""
    print(text)


def note(text: str) -> None:
    """One line for the person watching, to stderr. Nobody watching is no reason to end otherwise."""
    try:
        print(text, file=sys.stderr)
    except BrokenPipeError:
        _silence(sys.stderr)


def complain(message: str, *, hint: str = "") -> None:
    """`error: ...` and, where there is something to do, `hint: ...`, to stderr."""
    note(f"error: {clean(message)}")
    if hint:
        note(f"hint: {clean(hint)}")


def error_lines(error: AgentctlError) -> None:
    """The lines of one of our errors; a ConfigError prints every finding, each with its own hint."""
    if not isinstance(error, ConfigError):
        complain(str(error), hint=error.hint)
        return
    for problem in error.problems:
        complain(str(problem), hint=problem.hint)


def json_line(value: Any) -> None:
    """One JSON document on one line of stdout, as UTF-8 whatever the locale."""
    _write(_dumped(value, 0))


def json_document(value: Any) -> None:
    """One JSON document, indented, on stdout."""
    _write(_dumped(value, orjson.OPT_INDENT_2))


def json_pieces(pieces: Iterable[bytes]) -> None:
    """One JSON document on stdout that comes in pieces."""
    sys.stdout.flush()
    sys.stdout.buffer.writelines(pieces)
    sys.stdout.flush()


def _dumped(value: Any, option: int) -> bytes:
    """JSON; what a strict writer refuses (half an emoji, a number beyond 64 bits) as JSON can still say it."""
    try:
        return orjson.dumps(value, option=option | orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        return json.dumps(value, indent=2 if option else None).encode() + b"\n"


def open_streams() -> None:
    """Makes every standard stream usable: one that is closed leads nowhere, and none fails for a character."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123  for the whole process
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=STAND_IN_ERRORS)


def silence_stdout() -> None:
    """Its reader is gone: what is still written leads nowhere, and Python has nothing to complain of at exit."""
    _silence(sys.stdout)


def _silence(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _write(data: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.flush()


def wants_color(stream: Any) -> bool:
    """NO_COLOR wins, then FORCE_COLOR, then whether the stream is a terminal that is not dumb."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"
