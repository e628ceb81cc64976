"""Files of other versions, and recordings that are not what they should be: upgraded whole, or refused, never half."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Final

from agentctl.store.connection import SCHEMA, STEPS
from support.desk import agentctl, command, environment
from tests.torture.part import Outcome, Part, Trial
from tests.torture.shim import MODES, Fault, in_workers, logged

RUNS: Final = 12
"""In each store of an older version."""

SUMS: Final = 4
"""From this schema on, rows have a column for their checksum; older rows have none."""

ALONE: Final = ("unshare", "--net", "--map-root-user")
"""Starts a command that has no network at all, where the machine lets one."""


def _old_store(root: Path, schema: int) -> None:
    """A store as that version left it: so many runs of a user's word, a reply and an end."""
    (root / ".agentctl").mkdir(parents=True)
    (root / "prompts").mkdir()
    with closing(sqlite3.connect(root / ".agentctl/agentctl.db")) as store:
        store.execute("pragma journal_mode=wal")
        for step in STEPS[:schema]:
            store.executescript(step)
        none = (None,) if schema >= SUMS else ()
        for number in range(RUNS):
            run = (f"20260101-0000{number:02}-abcd", "desk@1", "b", 1e9 + number, None, "{}", *none)
            store.execute(f"insert into runs values ({','.join('?' * len(run))})", run)
            for seq, event in enumerate(_events(number)):
                entry = (run[0], seq, 1e9 + number, json.dumps(event), *none)
                store.execute(f"insert into entries values ({','.join('?' * len(entry))})", entry)
        store.execute(f"pragma user_version={schema}")
        store.commit()


def _events(number: int) -> list[dict[str, object]]:
    return [
        {"kind": "run_started", "agent": "desk@1", "bundle": "b", "model": "m", "components": {}, "parent": None},
        {"kind": "user_said", "content": f"Word {number} é"},
        {"kind": "run_ended", "reason": "completed", "message": ""},
    ]


def _whole(root: Path, what: str) -> list[str]:
    """What is wrong with a store that has to have all its runs, in today's schema, once it was opened."""
    done = agentctl(root, "runs", "list", "--json")
    if done.returncode:
        return [f"{what}: exit {done.returncode}: {done.stderr.strip()[-200:]}"]
    said = [run["said"] for run in json.loads(done.stdout)]
    wrong = [] if said == [f"Word {number} é" for number in reversed(range(RUNS))] else [f"{what}: holds {said}"]
    with closing(sqlite3.connect(root / ".agentctl/agentctl.db")) as store:
        version = store.execute("pragma user_version").fetchone()[0]
        sound = store.execute("pragma integrity_check").fetchone()[0]
    return wrong if (version, sound) == (SCHEMA, "ok") else [*wrong, f"{what}: schema {version}, {sound}"]


def _upgraded(root: Path, schema: int) -> list[str]:
    """By two commands at once; then each run is shown as it was."""
    _old_store(root, schema)
    both = [
        subprocess.Popen(command("runs", "list"), cwd=root, env=environment(), stdout=subprocess.DEVNULL)
        for _ in range(2)
    ]
    codes = [each.wait(60) for each in both]
    wrong = [] if codes == [0, 0] else [f"schema {schema}: two at once exit {codes}"]
    shown = agentctl(root, "runs", "show", "20260101-000003-abcd", "--json")
    found = [entry["event"].get("content") for entry in json.loads(shown.stdout or "[]")]
    wrong += [] if found == [None, "Word 3 é", None] else [f"schema {schema}: a run is shown as {found}"]
    return wrong + _whole(root, f"schema {schema}")


def _refused(root: Path) -> list[str]:
    """A store of a version to come is left as it is, by everything that would read or write it."""
    _old_store(root, SCHEMA - 1)
    path = root / ".agentctl/agentctl.db"
    with closing(sqlite3.connect(path)) as store:
        store.execute(f"pragma user_version={SCHEMA + 1}")
        store.execute("pragma wal_checkpoint(truncate)")
    before, wrong = path.read_bytes(), []
    for words in (("runs", "list"), ("runs", "show", "last"), ("resume", "--all"), ("cache", "show")):
        done = agentctl(root, *words)
        if done.returncode not in {2, 3} or "newer agentctl" not in done.stderr or "Traceback" in done.stderr:
            wrong.append(f"a newer store at {' '.join(words)}: exit {done.returncode}: {done.stderr.strip()[-200:]}")
    return wrong if path.read_bytes() == before else [*wrong, "a newer store was changed"]


def _killed(job: tuple[Path, int, int, str]) -> list[str]:
    """An upgrade that is killed at a call of the disk is made by the next command, or was made."""
    root, schema, at, mode = job
    _old_store(root, schema)
    agentctl(root, "runs", "list", **Fault(root / ".agentctl", at, mode).environment())
    return _whole(root, f"schema {schema}, {mode} at call {at}")


def _calls(root: Path) -> int:
    """Of the disk, in an upgrade from the first version."""
    _old_store(root, 1)
    agentctl(root, "runs", "list", **Fault(root / ".agentctl", log=root / "log").environment())
    return len(logged(root / "log"))


def _stores(trial: Trial) -> Outcome:
    wrong = [each for schema in range(1, SCHEMA) for each in _upgraded(trial.folder / f"schema-{schema}", schema)]
    wrong += _refused(trial.folder / "newer")
    calls = next(in_workers(_calls, [trial.folder / "counted"]))
    points = [(at, mode) for at in range(1, calls + 1) for mode in MODES]
    chosen = Random(trial.seed).sample(points, min(trial.rounds, len(points)))
    jobs = [(trial.folder / f"{at}-{mode}", 1 + at % (SCHEMA - 1), at, mode) for at, mode in chosen]
    for found in in_workers(_killed, jobs):
        wrong += found
    figures = f"{SCHEMA - 1} older versions of a store, 1 newer, {len(jobs)} upgrades killed: {len(wrong)} half or lost"
    return Outcome(not wrong and calls > 0, figures, tuple(wrong))


def _damages(sound: bytes, other: bytes, cuts: int, chance: Random) -> dict[str, tuple[bytes | None, int]]:
    """What may stand in a recording's place (None: nothing), and the exit code that says so."""
    text = sound.decode()
    headed = '"schema": 2'
    assert headed in text, "a recording has another schema than this part knows"
    ways: dict[str, tuple[bytes | None, int]] = {"missing": (None, 4), "empty": (b"", 3), "another case's": (other, 4)}
    for schema in ("3", "99", "0", "-1", '"2"', "null", "2.5"):
        ways[f"of schema {schema}"] = text.replace(headed, f'"schema": {schema}', 1).encode(), 3
    for _ in range(cuts):
        at = chance.randrange(1, len(sound) - 2)
        ways[f"cut at byte {at}"] = sound[:at], 3
    return ways


def _recordings(trial: Trial) -> Outcome:
    root = trial.folder / "project"
    agentctl(trial.folder, "init", str(root))
    (root / "evals/resilience.yaml").unlink()
    path = root / "cassettes/oncall/healthy-service.yaml"
    sound = path.read_bytes()
    other = (root / "cassettes/oncall/unknown-service.yaml").read_bytes()
    alone = ALONE if shutil.which(ALONE[0]) and not subprocess.call([*ALONE, "true"], stderr=subprocess.DEVNULL) else ()
    ways = _damages(sound, other, trial.rounds, Random(trial.seed))
    wrong = [each for way, (data, code) in ways.items() for each in _told(root, path, way, data, code)]
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(sound)
    wrong += _told(root, path, "partial", None, 4)
    partial.unlink()
    path.write_bytes(sound)
    done = subprocess.run(
        [*alone, *command("eval")], cwd=root, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode or "network 0, tools executed 0" not in done.stdout + done.stderr:
        wrong.append(f"whole recordings, no network: exit {done.returncode}: {done.stderr.strip()[-200:]}")
    without = "without a network" if alone else "with the network of this machine"
    figures = f"{len(ways) + 1} recordings that are none, sound ones {without}: {len(wrong)} played, changed or untold"
    return Outcome(not wrong, figures, tuple(wrong))


def _told(root: Path, path: Path, way: str, data: bytes | None, code: int) -> list[str]:
    """What is wrong with the way a recording like this is told."""
    path.unlink(missing_ok=True)
    if data is not None:
        path.write_bytes(data)
    done = agentctl(root, "eval", ANTHROPIC_API_KEY="sk-ant-of-nobody", HTTPS_PROXY="http://127.0.0.1:9")
    said = done.stdout + done.stderr
    wrong = [] if done.returncode == code else [f"{way}: exit {done.returncode} and not {code}"]
    wrong += [f"{way}: {lack} is not said" for lack in (path.stem, "network 0, tools executed 0") if lack not in said]
    wrong += [f"{way}: a traceback"] if "Traceback" in said else []
    left = path.read_bytes() if path.exists() else None
    return wrong if left == data else [*wrong, f"{way}: the file was changed"]


PARTS: Final = [
    Part(("F43",), "stores of older and newer versions", 10, 100, _stores),
    Part(("F40",), "recordings that are none, no network", 8, 120, _recordings),
]
