"""What was recorded of a case when it was interrupted: the finished turns are kept, because they were paid for.

A partial recording stands beside the place of the whole one, as `<case>.yaml.partial`, and says in its header that it
is one. Nothing replays it; recording the case again with `new-episodes` serves its turns first and goes on live where
they end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from agentctl.agent.values import replace
from agentctl.cassette.file import partial_of, read
from agentctl.cassette.record import Tape, save
from agentctl.cassette.secrets.redact import Redactor
from agentctl.cassette.staleness import changed
from agentctl.cassette.tape import Cassette, Header
from agentctl.config.unwritten import unwritten
from agentctl.errors import CassetteError


def keep(path: Path, header: Header, tapes: Sequence[Tape], redactor: Redactor) -> Path | None:
    """Writes what is finished on the tapes as a partial recording; None when nothing is, and nothing is written then.

    Raises:
        CassetteError: the file cannot be written.
    """
    finished = [tape for each in tapes if (tape := each.finished()).turns]
    if not finished:
        return None
    target = partial_of(path)
    save(target, replace(header, partial=True), finished, redactor)
    return target


def left(path: Path, components: Mapping[str, str]) -> Cassette | None:
    """The partial recording of `path`, if there is one that still fits these components.

    One that is damaged or of other components helps nobody: it is passed over, and replaced by the next one.
    """
    try:
        cassette = read(partial_of(path), partial=True)
    except CassetteError:
        return None
    if cassette.header is None or changed(cassette.header, components):
        return None
    return cassette


def forget(path: Path) -> None:
    """Removes the partial recording of `path`: the whole one is there.

    Raises:
        CassetteError: it cannot be removed.
    """
    target = partial_of(path)
    try:
        target.unlink(missing_ok=True)
    except OSError as error:
        raise unwritten(target, error, CassetteError) from None
