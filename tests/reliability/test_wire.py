"""A taste of the torture suite's raw sockets, in every build: the command, and a server that shares no code with it."""

from __future__ import annotations

from pathlib import Path

from torture import raw
from torture.raw import OK, streams
from torture.wirecase import Case, faults, play

ASKS = raw.start() + raw.text(0, "I look.")
CASES = (
    Case("a tool, and an answer", (raw.TOOL, OK), code=0, requests=2, ran=1, answer="All is well."),
    Case("an end before the block's", (streams(ASKS + raw.use(1, end=False)), OK), code=0, requests=2),
    Case("a refusal with a call", (streams(ASKS + raw.use(1) + raw.ends("refusal")),), kind="refused"),
    Case("a page, on a screen", (raw.whole(b"<h1>\x1b[2J\n\nspoof</h1>", "502 X"),), requests=3, screen=True),
)


def test_what_a_server_can_do(tmp_path: Path) -> None:
    """No tool runs of a reply that is not whole, and a failure is told with its type and a way on."""
    seen = {case.name: faults(case, play(case, tmp_path / str(number))) for number, case in enumerate(CASES)}
    assert seen == {case.name: [] for case in CASES}
