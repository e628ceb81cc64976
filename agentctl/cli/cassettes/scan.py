"""`agentctl cassettes scan`: whether recordings hold what looks like a key, or is one.

A secret is never printed: what is shown is where it stands, what kind it is, and how it begins. Exit 1 says that there
is one, 3 that something could not be looked into, 5 that there was no file to look at.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from agentctl.agent.events import JsonObject
from agentctl.cassette.secrets.rules import NO_RULES, Rules
from agentctl.cassette.secrets.scan import Scan
from agentctl.cassette.secrets.scan import scan as scan_file
from agentctl.cli import exits
from agentctl.cli.console import json_document, note, say
from agentctl.config.project import Project
from agentctl.errors import NothingSelected, UsageError
from agentctl.observe.clean import clean

SUFFIXES: Final = (".yaml", ".yml", ".json", ".gz", ".partial")
REDACT: Final = b"redact:"

Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="PATH", help="Files, folders; without one, the project's cassettes/.", show_default=False),
]


def scan(
    paths: Paths = None,
    *,
    pii: Annotated[
        bool, typer.Option("--pii", help="Also find cards, IBANs, social security numbers, e-mail and phone numbers.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="The findings as one JSON document.")] = False,
) -> int:
    """Find keys, tokens and passwords in recordings: ours, vcrpy's, Ruby VCR's.

    Looks into headers, addresses, bodies (compressed ones too), streams with their pieces joined, tool arguments and
    results. The rules are those of redaction: `redact:` in agentctl.yaml and in the suites adds to them.

    Exit codes: 0 nothing found, 1 something found, 3 something could not be looked into, 5 no file.
    """
    project = _project()
    files = list(_files(paths or _default(project)))
    if not files:
        raise NothingSelected("there is no recording to look at", hint="name files or folders, or record something")
    redactor = (_rules(project) + Rules(personal=pii)).for_recording(os.environ)
    scans = [(_shown(file), scan_file(file.read_bytes(), redactor)) for file in files]
    if json:
        json_document(_document(scans))
    else:
        _print(scans)
    if any(each.leaks for _, each in scans):
        return exits.FAILED
    return exits.ERRORED if any(each.unread for _, each in scans) else exits.OK


def _project() -> Project | None:
    """The project around the current directory; files can be looked at without one."""
    try:
        return Project.find(Path.cwd())
    except UsageError:
        return None


def _default(project: Project | None) -> list[Path]:
    if project is None:
        raise UsageError("there is no project here", hint="name the files or folders to look at")
    return [project.cassettes] if project.cassettes.is_dir() else []


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Every file named, and every recording in a folder named, each once."""
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is no file {path}")
        found = sorted(each for each in path.rglob("*") if _is_recording(each)) if path.is_dir() else [path]
        for each in found:
            if each not in seen:
                seen.add(each)
                yield each


def _is_recording(path: Path) -> bool:
    return path.suffix in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _rules(project: Project | None) -> Rules:
    """What the project and its suites redact."""
    if project is None:
        return NO_RULES
    suites = [path for path in sorted(project.evals.glob("*.yaml")) if REDACT in path.read_bytes()]
    if not suites and not (project.root / "agentctl.yaml").is_file():
        return NO_RULES
    from agentctl.evals.redaction import project_rules  # noqa: PLC0415  brings pydantic, and few projects need it
    from agentctl.evals.suite import load_suite  # noqa: PLC0415

    rules = project_rules(project)
    for path in suites:
        rules += load_suite(path, project).rules
    return rules


def _shown(file: Path) -> str:
    """The file's name as seen from here, where it is below."""
    try:
        return str(file.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(file)


def _document(scans: Iterable[tuple[str, Scan]]) -> JsonObject:
    scans = list(scans)
    findings: list[Any] = [{"file": file, **asdict(leak)} for file, each in scans for leak in each.leaks]
    return {
        "files": len(scans),
        "findings": findings,
        "unread": [{"file": file, "what": what} for file, each in scans for what in each.unread],
        "as_text": [{"file": file, "why": each.as_text} for file, each in scans if each.as_text],
    }


def _print(scans: list[tuple[str, Scan]]) -> None:
    for file, each in scans:
        if each.as_text:
            note(clean(f"{file}: looked at as text, line by line: {each.as_text}"))
        for what in each.unread:
            note(clean(f"{file}: not looked into: {what}"))
        for leak in each.leaks:
            others = leak.places - 1
            more = f" (and in {others} more place{'s' * (others != 1)})" if others else ""
            say(clean(f"{file}:{leak.path}: {leak.kind}: {leak.excerpt}{more}"))
    found = sum(len(each.leaks) for _, each in scans)
    bad = sum(bool(each.leaks) for _, each in scans)
    files = f"{len(scans)} file{'s' * (len(scans) != 1)}"
    say(f"{found} found in {bad} of {files}" if found else f"nothing found in {files}")
