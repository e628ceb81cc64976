"""Recordings nobody made: shipped ones with changed bytes, values, requests and replies, at every door that reads."""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import yaml

from agentctl.cassette.file import read, read_header
from agentctl.cli.replay.recorded import replay_line, replay_runs
from agentctl.config.project import Project
from agentctl.errors import CassetteError
from agentctl.evals.evaluate import evaluate
from agentctl.evals.plan import Job, plan
from agentctl.evals.prices import Prices
from tests.torture import mutate
from tests.torture.console import clear_environment, command, sound
from tests.torture.hunt import Play, hunt
from tests.torture.part import Outcome, Part, Trial

ROOT: Final = Path(__file__).resolve().parents[3]
SUITE: Final = "support"
LARGEST: Final = 60_000
"""Bytes of a recording that is changed: larger ones say the same again."""


def lay_down(root: Path) -> Path:
    """The shipped project, its recordings included."""
    for name in ("prompts", "evals", "cassettes"):
        shutil.copytree(ROOT / name, root / name)
    return root.resolve()


class Recordings:
    """The shipped recordings, one of which is changed at a time."""

    def __init__(self, folder: Path) -> None:
        clear_environment()
        self.root = lay_down(folder / "project")
        paths = sorted((self.root / "cassettes" / SUITE).glob("*.yaml"))
        self.sound = {path: data for path in paths if len(data := path.read_bytes()) < LARGEST}
        self._values = {path: json.loads(data) for path, data in self.sound.items()}
        self._places = {path: list(mutate.places(value)) for path, value in self._values.items()}
        self._others = [data[:4_000] for data in self.sound.values()]

    def changed(self, chance: Random) -> Path:
        """Writes a changed recording; restore it when it was read."""
        path = chance.choice(list(self.sound))
        path.write_bytes(self._changed(chance, path))
        return path

    def restore(self, path: Path) -> None:
        """Puts the sound recording back."""
        path.write_bytes(self.sound[path])

    def _changed(self, chance: Random, path: Path) -> bytes:
        way = chance.random()
        if way < 0.3:
            return mutate.mutated_bytes(chance, self.sound[path], self._others)
        value = self._values[path]
        if way < 0.65:
            value = mutate.mutated_values(chance, value, self._places[path])
        else:
            value = {**value, "interactions": [_with_other_body(chance, each) for each in value["interactions"]]}
        if chance.random() < 0.2 and isinstance(value, dict):
            value = {key: inner for key, inner in value.items() if key != "agentctl"}  # as others record
        if chance.random() < 0.03:
            return yaml.safe_dump(value, allow_unicode=chance.random() < 0.5).encode("utf-8", "replace")
        data = json.dumps(value).encode()
        return gzip.compress(data, 1) if chance.random() < 0.02 else data


def _with_other_body(chance: Random, interaction: Any) -> Any:
    """The interaction with a changed request or reply, which are texts inside the file."""
    request, response = dict(interaction["request"]), dict(interaction["response"])
    if chance.random() < 0.5:
        asked = mutate.mutated_values(chance, json.loads(request["body"]))
        request["body"] = json.dumps(asked) if chance.random() < 0.9 else asked
    else:
        response["body"] = {"string": _other_reply(chance, response["body"]["string"])}
    return {"request": request, "response": response}


def _other_reply(chance: Random, body: str) -> str:
    if not body.startswith("event:") or chance.random() < 0.2:
        return mutate.mutated_bytes(chance, body.encode()).decode("utf-8", "replace")
    return "".join(mutated_events(chance, body.split("\n\n")[:-1]))


def mutated_events(chance: Random, events: list[str]) -> list[str]:
    """A stream's events with some dropped, doubled, moved or changed in a field."""
    for _ in mutate.many(chance):
        if not events:
            break
        at = chance.randrange(len(events))
        change = chance.randrange(5)
        if change == 0:
            del events[at]
        elif change == 1:
            events.insert(chance.randrange(len(events) + 1), events[at])
        elif change == 2:
            events.insert(at, events.pop(chance.randrange(len(events))))
        else:
            name, _, data = events[at].partition("\ndata: ")
            events[at] = f"{name}\ndata: {json.dumps(mutate.mutated_values(chance, _json(data)))}"
    return [f"{event}\n\n" for event in events]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _read(recordings: Recordings) -> Play:
    """Every function that reads a recording, and a replay of its case."""
    project = Project(recordings.root)
    jobs: dict[Path, Job] = {job.recording: job for job in plan(project, [SUITE])}
    prices = Prices()

    def evaluated(path: Path) -> str:
        found = asyncio.run(evaluate([jobs[path]], prices=prices))
        assert found.network == found.tools_executed == 0, "something was sent or executed"
        return next(case.status for suite in found.suites for case in suite.cases)

    doors: list[Callable[[Path], str]] = [
        lambda path: "read" if read(path, partial=True).interactions else "empty",
        lambda path: "read" if read_header(path) else "foreign",
        lambda path: "refused" if replay_line(path)["refused"] else "read",
        lambda path: f"{'read' if replay_runs(path) else 'empty'}",
        *(evaluated,) * 4,
    ]

    def play(chance: Random) -> str:
        path = recordings.changed(chance)
        try:
            return chance.choice(doors)(path)
        except CassetteError:
            return "refused"
        finally:
            recordings.restore(path)

    return play


def _shown(recordings: Recordings) -> Play:
    """Every command that reads a recording."""

    def play(chance: Random) -> str:
        path = recordings.changed(chance)
        file, case = path.relative_to(recordings.root).as_posix(), path.stem
        arguments = chance.choice((
            ("replay", file),
            ("replay", "--json", file),
            ("replay", f"{SUITE}/{case}"),
            ("eval", SUITE, "-k", case, "--json"),
            ("eval", SUITE, "-k", case),
            ("eval", SUITE, "-k", case, "--on-divergence", "stop"),
            ("eval", SUITE, "-k", case, "--match", "lenient"),
            ("cassettes", "show", file),
            ("cassettes", "status", SUITE),
            ("cassettes", "scan", file),
            ("score", file, "--suite", SUITE),
            ("eval", SUITE, "--estimate", "-k", case),
            ("diff", file, "cassettes/support/cancel-confirmed.yaml"),
            ("import", "--dry-run", "-s", "others", file),
        ))  # fmt: skip
        try:
            return f"exit {sound(command(recordings.root, arguments), arguments).code}"
        finally:
            recordings.restore(path)

    return play


def _hunted(make: Callable[[Recordings], Play], trial: Trial) -> Outcome:
    return hunt(trial, lambda folder: make(Recordings(folder))).outcome("recordings", "untyped errors, sockets, writes")


PARTS: Final = [
    Part(("B2", "F40"), "changed recordings, read and replayed", 600, 8_000, partial(_hunted, _read)),
    Part(("B2", "F40"), "changed recordings at commands", 100, 1_000, partial(_hunted, _shown)),
]
