"""One fault of the wire: what the server does, and what `agentctl run` must make of it; judged from outside only.

Whatever the fault: no traceback, no control character on a screen, no exit code that is not in the table, and an error
that says what to do.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from support import desk
from tests.torture.part import Outcome, Part, Trial
from tests.torture.raw import Act, Asked, Raw

KEY: Final = "sk-ant-api03-torture-0123456789"
CODES: Final = frozenset({0, 1, 2, 3, 4, 5, 6})
HOSTILE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a screen must not be sent; not even the return in a line end, since none of ours has one."""
MEGA: Final = 1024 * 1024
TOGETHER: Final = 4
"""Cases at a time: most of them wait."""

SHARE: Final = 4
"""Of the cases, a quick suite plays one in so many; which, its seed says."""

TOOLS = """
schema: 1
kind: tools
tools:
  - name: mark
    description: Marks an order.
    input_schema: {type: object, properties: {id: {type: string}}, required: [id]}
    handler: handlers.py:mark
"""
HANDLERS = """
from pathlib import Path

def mark(id, **more):
    with Path("ran.txt").open("a") as file:
        file.write(f"{id[:40]!r}\\n")
    return "marked"
"""
AGENT: Final[dict[str, Any]] = {
    "schema": 1,
    "kind": "agent",
    "model": "claude-sonnet-5-5",
    "tools": "wire-tools@1",
    "params": {"max_tokens": 1024},
    "limits": {"max_turns": 4, "max_seconds": 20},
    "retry": {"attempts": 3, "base": 0.001},
    "system": "Be brief.",
}


@dataclass(frozen=True, slots=True)
class Case:
    """`acts`: what the server does, request by request, the last for all others. `requests`: how many it may see.

    `kind`: the error's type, "" for an answer, "*" for any. `code`: -1 where an answer and an error are both right.
    `says`: a pattern for what is printed; `answer`: the text of the answer. `ran`: how often the tool ran. `seconds`:
    the longest it may take, `least` the shortest.
    """

    name: str
    acts: tuple[Act, ...]
    kind: str = ""
    code: int = 3
    requests: int | range = 1
    says: str = ""
    never: str = ""
    answer: str | None = None
    ran: int = 0
    seconds: float = 15.0
    least: float = 0.0
    agent: dict[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    said: str = ""
    """What the user says on standard input, where it is too long for an argument."""
    hasty: bool = False
    """Whether the server acts before it has read the request."""
    screen: bool = False
    """Judged by what a person sees, not by the JSON document."""
    memory: int | None = None
    """MiB; it is measured then."""
    env: dict[str, str] = field(default_factory=dict)
    hint: bool = True
    """Whether an error has to say what to do."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run did."""

    code: int
    out: str
    err: str
    took: float
    ran: int
    asked: Sequence[Asked]
    broken: Sequence[str]
    rss: int = 0

    @property
    def document(self) -> dict[str, Any]:
        """The JSON on standard output; empty when there is none."""
        try:
            found: dict[str, Any] = json.loads(self.out)
        except ValueError:
            return {}
        return found


def project(root: Path, changes: dict[str, Any]) -> Path:
    """A project whose one tool leaves a line in `ran.txt` of its workspace whenever it runs."""
    agent = {**AGENT, **changes}
    for name, content in {
        "prompts/wire/v1.yaml": json.dumps(agent),
        "prompts/wire-tools/v1.yaml": TOOLS,
        "prompts/wire-tools/handlers.py": HANDLERS.replace("ran.txt", str(root / "ran.txt")),
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def play(case: Case, folder: Path) -> Seen:
    """Runs the case in a project of its own."""
    root = project(folder, case.agent)
    with Raw(case.acts, hasty=case.hasty) as server:
        env = {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": KEY, **case.env}
        env = {name: value.replace("{port}", str(server.port)) for name, value in env.items()}
        arguments = ["run", "wire", "-" if case.said else "hello", *([] if case.screen else ["--json"]), *case.flags]
        began = time.monotonic()
        if case.memory is None:
            done, rss = desk.agentctl(root, *arguments, stdin=case.said, **env), 0
        else:
            done, rss = _measured(root, arguments, env)
        took = time.monotonic() - began
    marks = root / "ran.txt"
    ran = len(marks.read_text().splitlines()) if marks.exists() else 0
    return Seen(done.returncode, done.stdout, done.stderr, took, ran, server.asked, server.broken, rss)


def _measured(
    root: Path, arguments: Sequence[str], env: dict[str, str]
) -> tuple[subprocess.CompletedProcess[str], int]:
    """In a process of its own, with the most memory it held, in MiB."""
    with (root / "out").open("w+b") as out, (root / "err").open("w+b") as err:
        process = subprocess.Popen(
            desk.command(*arguments),
            cwd=root,
            env=desk.environment(**env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
    done = subprocess.CompletedProcess(list(arguments), process.returncode, *texts)
    return done, usage.ru_maxrss // 1024


def _fits(kind: str, case: Case, seen: Seen) -> bool:
    """Whether the error is the one that was wanted; `*` is any that has a type and is no accident of ours."""
    return kind == case.kind or (case.kind == "*" and (seen.code == 0 or kind not in {"", "error"}))


def faults(case: Case, seen: Seen) -> list[str]:
    """What is wrong with what was seen."""
    kind = ((seen.document.get("error") or {}).get("type") or "") if not case.screen else ""
    wanted = case.requests if isinstance(case.requests, range) else range(case.requests, case.requests + 1)
    shown = seen.err if not case.screen else seen.out + seen.err
    drawn = seen.out + seen.err if case.screen else seen.err
    checks = {
        f"the act broke: {seen.broken}": bool(seen.broken),
        f"exit {seen.code}, not {case.code}": seen.code != case.code if case.code >= 0 else seen.code not in {0, 3, 6},
        "a traceback": "Traceback" in seen.err or "Traceback" in seen.out,
        f"a control character: {HOSTILE.findall(drawn)[:3]!r}": bool(HOSTILE.search(drawn)),
        "a line in our name": "\nended: completed" in drawn or "\nspoof" in drawn,
        "the key": KEY in seen.out + seen.err,
        f"error {kind!r}, not {case.kind!r}": not case.screen and seen.code != 2 and not _fits(kind, case, seen),
        f"{len(seen.asked)} requests, not {case.requests}": len(seen.asked) not in wanted,
        f"the tool ran {seen.ran} times, not {case.ran}": seen.ran != case.ran,
        f"took {seen.took:.1f} s, not {case.least:g} to {case.seconds:g}": not case.least <= seen.took <= case.seconds,
        f"{seen.rss} MiB": case.memory is not None and seen.rss > case.memory,
        f"no {case.says!r}": bool(case.says) and not re.search(case.says, seen.err + seen.out, re.IGNORECASE),
        f"{case.never!r}": bool(case.never) and bool(re.search(case.never, seen.err + seen.out)),
        "no fix": case.hint and seen.code != 0 and "\nhint: " not in shown,
        f"answer {seen.document.get('text')!r:.80}": case.answer is not None
        and not case.screen
        and seen.document.get("text") != case.answer,
    }
    return [what for what, wrong in checks.items() if wrong]


def played(cases: Sequence[Case], trial: Trial, share: int = SHARE) -> Outcome:
    """Every case once, or in a quick suite one in `share`; a line for each that broke."""
    chosen = [each for number, each in enumerate(cases) if trial.full or number % share == trial.seed % share]
    with ThreadPoolExecutor(TOGETHER) as pool:
        seen = list(pool.map(lambda each: play(each[1], trial.folder / str(each[0])), enumerate(chosen)))
    failures = []
    for case, what in zip(chosen, seen, strict=True):
        found = faults(case, what)
        if found:
            last = " | ".join(what.err.strip().splitlines()[-3:])
            failures.append(f"{case.name}: {'; '.join(found)} [{last:.300}]")
    figures = f"{len(chosen) - len(failures)} of {len(chosen)} faults survived"
    return Outcome(not failures, figures, tuple(failures))


def part(row: str, name: str, cases: Callable[[], Sequence[Case]], *more: str, share: int = SHARE) -> Part:
    """A part of the table that plays all these cases."""

    def play(trial: Trial) -> Outcome:
        return played(cases(), trial, share)

    return Part((row, *more), name, 1, 1, play)
