"""Words of every script, in every locale and encoding: never a traceback, and what is kept is what was said."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from support.desk import agentctl, command, environment
from tests.torture.part import Outcome, Part, Trial

WORDS: Final = "Zoë İ\u0131Ii straße 東京 🧵 مرحبا e\u0301 \u202e✓"
"""Accents, both Turkish i's, CJK, what is no part of the first plane, right to left, a combining mark, an override."""

PLACES: Final = {
    "C": {"LC_ALL": "C"},
    "C, no UTF-8 mode": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "POSIX, ASCII": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    "ASCII, strict": {"PYTHONIOENCODING": "ascii:strict"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "latin-1": {"PYTHONIOENCODING": "latin-1:strict", "PYTHONUTF8": "0"},
    "cp437": {"PYTHONIOENCODING": "cp437"},
    "shift-jis": {"PYTHONIOENCODING": "shift_jis"},
    "Turkish": {"LC_ALL": "tr_TR.UTF-8", "LANGUAGE": "tr"},
    "no locale at all": {"LC_ALL": "", "LANG": ""},
    "one that is not there": {"LC_ALL": "xx_YY.UTF-16"},
}
UTF8: Final = {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}

AGENT: Final = """schema: 1
kind: agent
model: claude-sonnet-5-5
tools: echo-tools@1
retry: {attempts: 1}
system: Sois bref, İyi günler, 東京.
"""
TOOLS: Final = """schema: 1
kind: tools
tools:
  - name: echo
    description: Says it again. Répète 東京.
    input_schema: {type: object, properties: {words: {type: string}}, required: [words]}
    handler: handlers.py:echo
"""
SCRIPT: Final = f"""schema: 1
kind: simulator
rules:
  - when: {{results: none}}
    reply: {{text: "Önce", tools: [{{echo: {{words: "{WORDS}"}}}}]}}
default: {{text: "Bitti {WORDS}"}}
"""
SUITE: Final = f"""schema: 1
kind: suite
agent: echo
cases:
  - id: says-it
    input: "{WORDS}"
    assert:
      - {{type: contains, value: "{WORDS}"}}
      - {{type: icontains, value: "BITTI"}}
"""


def _lay_down(root: Path, way: str) -> None:
    """The same project with Unix line ends, with those of Windows, or with those, a mark at the start and no end."""
    files = {
        "prompts/echo/v1.yaml": AGENT,
        "prompts/echo/simulator.yaml": SCRIPT,
        "prompts/echo-tools/v1.yaml": TOOLS,
        "prompts/echo-tools/handlers.py": "def echo(words):\n    return words\n",
        "evals/words.yaml": SUITE,
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text.replace("\n", "\r\n") if way != "lf" else text
        if way == "mark" and name.endswith(".yaml"):
            data = f"\ufeff{data.rstrip()}"
        path.write_bytes(data.encode())


def _locales(trial: Trial) -> Outcome:
    forms = itertools.cycle(["NFC", "NFD"])
    roots = []
    for way in ("lf", "crlf", "mark"):
        root = trial.folder / unicodedata.normalize(next(forms), f"Projekt für é 東京 {way}")
        _lay_down(root, way)
        roots.append(root)
    recorded = agentctl(roots[0], "eval", "--record-mode", "all", "--simulate")
    wrong = [] if recorded.returncode == 0 else [f"recording: exit {recorded.returncode}: {recorded.stderr[-200:]}"]
    for root in roots[1:]:  # what was recorded with one kind of line ends is fresh with the others
        (root / "cassettes").symlink_to(roots[0] / "cassettes", target_is_directory=True)
    pairs = list(itertools.islice(zip(itertools.cycle(PLACES), itertools.cycle(roots), strict=False), trial.rounds))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(_one, *zip(*pairs, strict=True), range(trial.rounds)):
            wrong += found
    figures = f"{trial.rounds} rounds of 8 commands in {min(trial.rounds, len(PLACES))} locales: {len(wrong)} wrong"
    return Outcome(not wrong, figures, tuple(wrong))


def _one(place: str, root: Path, number: int) -> list[str]:
    """Eight commands there; what went wrong."""
    said = f"{WORDS} {number}"
    wrong: list[str] = []

    def run(*arguments: str, stdin: str = "", codes: tuple[int, ...] = (0,), **more: str) -> str:
        done = subprocess.run(
            command(*arguments), cwd=root, env={**environment(**PLACES[place]), **more}, input=stdin.encode(),
            capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        told = done.stderr.decode(errors="replace")
        if done.returncode not in codes or "Traceback" in told or "UnicodeEncodeError" in told:
            wrong.append(f"{place}, {root.name}: {arguments[0]}: exit {done.returncode}: {told.strip()[-200:]}")
        return done.stdout.decode(errors="replace")

    run("run", "echo", said, "--simulate")
    run("validate")
    run("eval")
    run("runs", "list")
    run("runs", "show", "last")
    run("diff", "echo@1", "echo@1")
    run("replay", "cassettes/words/says-it.yaml")
    kept = run("runs", "list", "--json", **UTF8)
    heard = [each["said"] for each in json.loads(kept or "[]")]
    if said not in heard:
        wrong.append(f"{place}, {root.name}: {said!r} is kept as {heard[:1]}")
    return wrong


PARTS: Final = [Part(("F38",), "locales, encodings, line ends, names in two forms", 3, 22, _locales)]
