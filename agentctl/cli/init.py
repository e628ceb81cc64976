"""`agentctl init`: a small working project, in which `agentctl eval` passes at once.

The files are those of `agentctl/cli/starter/`, which is itself a project that is validated and evaluated by the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from shlex import quote
from typing import Annotated, Final

import typer

from agentctl.cli.console import json_document, note, say
from agentctl.config.unwritten import unwritten
from agentctl.errors import UsageError
from agentctl.observe.clean import clean

RENAMED: Final = {"gitignore": ".gitignore", "github": ".github"}
"""Stored under another name, since the packaging tools act on the real one."""

LEFT_OUT: Final = frozenset({"__pycache__", ".agentctl"})


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to put it; made when it is not there.")],
    json: Annotated[bool, typer.Option("--json", help="Print the files written as JSON.")] = False,
) -> None:
    """Lay down a small working project: an agent, its tools, a suite and its recordings.

    Nothing that exists is overwritten.
    """
    found = _collected(files("agentctl.cli") / "starter", Path())
    taken = [path for path in found if (directory / path).exists()]
    if taken:
        names = ", ".join(str(path) for path in taken[:3]) + (", ..." if len(taken) > len(taken[:3]) else "")
        raise UsageError(f"{directory} already has {names}", hint="choose a directory that is empty or does not exist")
    _write({directory / path: source for path, source in found.items()})
    if json:
        json_document({"directory": str(directory), "files": [str(path) for path in found]})
        return
    for path in found:
        say(clean(f"  {directory / path}"))
    note("")
    here = "" if directory.resolve() == Path.cwd() else f"cd {quote(str(directory))}\n"
    note(f"{clean(here)}agentctl eval                              # replays the recordings: no key, no network")
    note("agentctl chat oncall --simulate            # talks to the built-in simulator")
    note("agentctl diff oncall oncall@git:HEAD       # after an edit: what changed, and what it made stale")


def _write(sources: Mapping[Path, Traversable]) -> None:
    """Writes all of them; when one cannot be written, none is left behind that would be in the way next time.

    Raises:
        StoreError: one cannot be written.
    """
    written: list[Path] = []
    for target, source in sources.items():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                written.append(target)
                file.write(source.read_bytes())
        except OSError as error:
            for path in written:
                path.unlink(missing_ok=True)
            raise unwritten(target, error) from None


def _collected(folder: Traversable, at: Path) -> dict[Path, Traversable]:
    """The files below `folder` by the path they are written to, in order."""
    found: dict[Path, Traversable] = {}
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.name in LEFT_OUT:
            continue
        path = at / RENAMED.get(item.name, item.name)
        if item.is_dir():
            found |= _collected(item, path)
        else:
            found[path] = item
    return found
