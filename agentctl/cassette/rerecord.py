"""The command that records a case again, from the header of the recording alone."""

from __future__ import annotations

from agentctl.cassette.tape import Cassette


def rerecord(cassette: Cassette, *, repeat: int | None = None) -> str:
    """The command that records this case again; empty for a foreign file."""
    header = cassette.header
    if header is None:
        return ""
    if header.transcript:
        return "it is a transcript and cannot be recorded again: import it as another case"
    repeats = max(repeat or 0, len(header.takes))
    more = f" --repeat {repeats}" if repeats > 1 else ""
    return f"record it again: agentctl eval {header.suite} --filter {header.case}{more} --record-mode all"
