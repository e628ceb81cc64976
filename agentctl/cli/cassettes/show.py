"""`agentctl cassettes show`: what a recording says of itself, and what its traffic is, call by call."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from agentctl.agent.events import JsonObject
from agentctl.agent.run import Usage
from agentctl.cassette.file import read
from agentctl.cassette.tape import Cassette, Take
from agentctl.cli import exits
from agentctl.cli.cassettes.interactions import listing, table
from agentctl.cli.console import json_document, say, wants_color
from agentctl.cli.replay.sources import Recording, find
from agentctl.cli.sheet import BOLD, DIM, Sheet
from agentctl.errors import UsageError
from agentctl.observe.figures import count, seconds, tokens

DIGEST: int = 19
"""Characters of a digest that are shown."""


def show(
    what: Annotated[str, typer.Argument(help="A recording: its file, or suite/case.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="As one JSON document.")] = False,
) -> int:
    """Show what a recording was made of, when and by whom, and what its takes hold."""
    source = find(what, None)
    if not isinstance(source, Recording):
        raise UsageError(f"{what} is no recording", hint="agentctl runs show shows stored runs")
    cassette = read(source.path, partial=True)
    document = _document(source.path, cassette)
    if json:
        json_document(document)
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        say("\n".join(_lines(Sheet(width, wants_color(sys.stdout)), document)))
    return exits.OK


def _document(path: Path, cassette: Cassette) -> JsonObject:
    header = cassette.header
    about: JsonObject | None = None
    if header is not None:
        about = {
            "schema": header.schema,
            "suite": header.suite,
            "case": header.case,
            "agent": header.agent,
            "bundle": header.bundle,
            "components": dict(header.components),
            "recorded": {"at": header.at, "by": header.by, "source": header.source},
            "partial": header.partial,
        }
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "header": about,
        "interactions": len(cassette.interactions),
        "takes": [_take(cassette, take) for take in cassette.takes],
        "others": [listing(cassette, index) for index in _in_no_take(cassette)],
    }


def _in_no_take(cassette: Cassette) -> list[int]:
    taken = {index for take in cassette.takes for index in take.interactions}
    return [index for index in range(len(cassette.interactions)) if index not in taken]


def _take(cassette: Cassette, take: Take) -> JsonObject:
    seconds_of = dict(zip(take.interactions, take.seconds, strict=False))
    listed = [{**listing(cassette, index), "seconds": seconds_of.get(index)} for index in take.interactions]
    return {
        "requests": len(take.interactions),
        "failed": sum(each["error_type"] is not None for each in listed),
        "tool_results": len(take.tools),
        "observed": len(take.observed),
        "broken": len(take.breaks),
        "seconds": round(sum(take.seconds), 3),
        "usage": sum((Usage(**each["usage"]) for each in listed), Usage()).to_json(),
        "interactions": listed,
    }


def _lines(sheet: Sheet, document: JsonObject) -> Iterator[str]:
    header = document["header"]
    yield from sheet.lines(f"{document['file']} · {document['bytes']:,} bytes", BOLD, indent="")
    if header is None:
        yield from sheet.lines("a foreign recording: it does not say what it was recorded for", indent="")
    else:
        recorded = header["recorded"]
        yield from sheet.lines(f"{header['suite']}/{header['case']} with {header['agent']}", indent="")
        yield from sheet.lines(
            f"recorded {recorded['at']} by {recorded['by']}, {recorded['source']} answering", indent=""
        )
        if header["partial"]:
            yield from sheet.lines("interrupted: it is no recording yet", indent="")
        yield from sheet.head("components")
        for name, digest in header["components"].items():
            yield from sheet.lines(f"{digest[:DIGEST]}  {name}", DIM)
    yield from sheet.head("takes")
    for number, take in enumerate(document["takes"], 1):
        parts = [count(take["requests"], "request"), count(take["tool_results"], "tool result")]
        parts += [f"{take['failed']} failed"] * bool(take["failed"]) + [f"{take['broken']} broken"] * bool(
            take["broken"]
        )
        parts += [seconds(take["seconds"]), *tokens(Usage(**take["usage"]))]
        yield from sheet.lines(f"{number}  {' · '.join(parts)}")
        yield from table(sheet, take["interactions"])
    if document["others"]:
        yield from sheet.head("in no take")
        yield from table(sheet, document["others"])
