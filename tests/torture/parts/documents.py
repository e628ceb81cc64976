"""Documents nobody would write on purpose: shipped ones with changed bytes, lines or values, and YAML made to hurt."""

from __future__ import annotations

import codecs
import json
import shutil
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import yaml

from agentctl.config.project import Project
from agentctl.config.survey import survey
from agentctl.config.trees import WorkingTree
from agentctl.config.yamls import load_yaml
from agentctl.errors import ConfigError, Problem
from agentctl.evals.redaction import project_rules
from agentctl.evals.suite import load_suite
from agentctl.simulator.script import load_script
from tests.torture import mutate
from tests.torture.hunt import Play, hunt
from tests.torture.part import Outcome, Part, Trial

ROOT: Final = Path(__file__).resolve().parents[3]
STARTER: Final = ROOT / "agentctl/cli/starter"
SETTINGS: Final = """\
schema: 1
kind: project
redact:
  builtin: [secrets, -jwt]
  pii: true
  literals_from_env: [SHOP_LOGIN]
  patterns: [{name: customer, regex: 'CUST-\\d{6}'}]
"""
MOST_SECONDS: Final = 10.0
"""Of processor time, for any document: Python takes seconds to refuse a template with hundreds of signs in a row."""

BITS: Final = ("a: b\n", "- [x, {y: z}]\n", "'it''s'\n", '"\\x41\\u263a"\n', "|\n  text\n", ">-\n  folded\n\n  text\n")
NUMBERS: Final = ("0x" + "f" * 40, "0o" + "7" * 40, "1e999999", "-.inf", ".nan", "1" * 5_000, "1_0", "0b1")
ENCODINGS: Final = ("utf-16", "utf-32", "latin-1", "utf-8-sig", "utf-16-be", "utf-7", "cp1252")


def _bomb(chance: Random) -> bytes:
    """What is small and grows, nests, repeats or is no text at all."""
    width, depth = chance.randint(2, 9), chance.randint(2, 12)
    anchors = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * width)}]\n" for n in range(depth))
    deep = chance.choice((40, 49, 50, 51, 200, 5_000, 40_000))
    opening = chance.choice(("[", "{a: ", "- ", "? ", "[[", "{"))
    merged = "".join(f"b{n}: &b{n}\n  <<: *b{n - 1}\n  k: 1\n" if n else "b0: &b0 {k: 0}\n" for n in range(depth))
    text = chance.choice((
        anchors,
        opening * deep,
        opening * deep + "x" + "]" * deep,
        merged,
        "x: " + chance.choice("9a'\"[ #&*!|>%@`\x00é\t-") * chance.choice((100, 10_000, 900_000)),
        "\n".join(f"k{n % chance.randint(1, 5_000)}: {n}" for n in range(chance.choice((10, 1_000, 50_000)))),
        "- x\n" * chance.choice((100, 99_999, 100_001, 240_000)),
        chance.choice(BITS) * chance.randint(1, 20),
        f"--- !!python/object/apply:os.system ['true']\n{chance.choice(BITS)}",
        f"x: !!{chance.choice(('binary', 'set', 'omap', 'pairs', 'timestamp', 'python/name:os.system', 'js/x'))} y\n",
        f"x: {chance.choice(NUMBERS)}",
    ))  # fmt: skip
    if chance.random() < 0.3:
        return text.encode(chance.choice(ENCODINGS), "replace")
    return text.encode("utf-8", "surrogatepass")


def _changed(chance: Random, text: str, value: Any, others: list[bytes]) -> bytes:
    way = chance.random()
    if way < 0.35:
        return json.dumps(mutate.mutated_values(chance, value)).encode()
    if way < 0.6:
        return mutate.mutated_lines(chance, text).encode("utf-8", "surrogatepass")
    if way < 0.65:
        return text.replace("\n", chance.choice(("\r\n", "\r", "\n\n"))).encode(chance.choice(ENCODINGS), "replace")
    return mutate.mutated_bytes(chance, text.encode(), others)


class _Desk:
    """A project of the shipped documents, one of which is changed at a time."""

    def __init__(self, root: Path) -> None:
        for name in ("prompts", "evals"):
            shutil.copytree(ROOT / name, root / name)
            shutil.copytree(STARTER / name, root / name, dirs_exist_ok=True)
        (root / "agentctl.yaml").write_text(SETTINGS)
        (root / "cassettes").mkdir()
        self.project = Project(root.resolve())
        files = [root / "agentctl.yaml", *root.glob("prompts/*/*.yaml"), *root.glob("evals/*.yaml")]
        self.sound = {path: path.read_text() for path in sorted(files)}
        self.values = {path: yaml.load(text, yaml.CSafeLoader) for path, text in self.sound.items()}
        self.others = [text.encode() for text in self.sound.values()]
        # the small ones more often: what is large is slow and says the same again
        self._weights = [1 / (500 + len(text)) for text in self.sound.values()]

    def play(self, chance: Random) -> str:
        """Changes a document, and reads it as its kind is read."""
        path = chance.choices(list(self.sound), self._weights)[0]
        data = _changed(chance, self.sound[path], self.values[path], self.others)
        path.write_bytes(data)
        try:
            return _told(self._problems(path))
        finally:
            path.write_text(self.sound[path])

    def _problems(self, path: Path) -> tuple[Problem, ...]:
        try:
            if path.parent.name == "evals":
                load_suite(path, self.project)
            elif path.name == "simulator.yaml":
                load_script(path)
            elif path.name == "agentctl.yaml":
                project_rules(self.project)
            else:
                wanted = path.relative_to(self.project.root).as_posix()
                return survey(WorkingTree(self.project.root), lambda each: each == wanted).problems
        except ConfigError as error:
            return tuple(error.problems)
        return ()


def _told(problems: tuple[Problem, ...]) -> str:
    """The word for what was found; every problem has to name a place, in words that any terminal may show."""
    for problem in problems:
        for text in (problem.message, problem.hint):
            assert text.isprintable() or not text, f"a message with control characters: {text!r}"
        assert problem.line > 0 or problem.message, problem
        assert "pydantic" not in f"{problem.message} {problem.hint}", problem
    return "refused" if problems else "taken"


def _texts(_folder: Path) -> Play:
    seeds = [path.read_text() for path in sorted(ROOT.glob("prompts/*/v*.yaml"))]
    small = [text.encode() for text in (*seeds, *BITS, SETTINGS)]

    def play(chance: Random) -> str:
        data = _bomb(chance) if chance.random() < 0.02 else mutate.mutated_bytes(chance, chance.choice(small), small)
        if chance.random() < 0.02:
            data = codecs.BOM_UTF8 + data
        try:
            load_yaml(data, "any.yaml")
        except ConfigError as error:
            return _told(tuple(error.problems))
        return "taken"

    return play


def _hunted(make: Any, noun: str, trial: Trial) -> Outcome:
    return hunt(trial, make).outcome(noun, most=MOST_SECONDS)


PARTS: Final = [
    Part(("B1",), "YAML texts", 2_000, 60_000, partial(_hunted, _texts, "texts")),
    Part(("B1",), "changed documents", 1_000, 15_000, partial(_hunted, lambda root: _Desk(root).play, "documents")),
]
