"""Documents nobody would write on purpose: whatever is in a file, the answer is a document or problems with places."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentctl.config.load import load_agent
from agentctl.config.project import Project
from agentctl.config.survey import survey
from agentctl.config.trees import WorkingTree
from agentctl.errors import ConfigError
from agentctl.evals.suite import load_suite
from support.desk import agentctl

Make = Callable[..., Project]

SUITE = """\
schema: 1
kind: suite
agent: desk@1
vars: {order: ORD-1}
cases:
  - id: first
    input: "Where is {{ order }}?"
    tags: [a, b]
    assert:
      - contains: shipped
      - {type: "trajectory:tool-used", value: look_up}
"""

FILES = {
    "agent": "prompts/desk/v1.yaml",
    "tools": "prompts/desk-tools/v1.yaml",
    "suite": "evals/desk.yaml",
}

ANYTHING: list[Any] = [
    *(None, True, 0, -1, 10**30, 1.5, "", "x", "../x", "a@git:b", "{{ y }}", "{% if %}", "\x1b[31m", "é" * 300),
    *([], [None], [[]], ["x", 3], {}, {"x": None}, {"a": {"b": {"c": []}}}, "!!python/object:os.system x"),
]

RAW = [
    *("a: &x [1]\nb: *x\n", "<<: {a: 1}\n", "a: !!python/object/apply:os.system ['true']\n", "? [a]\n: b\n", "@"),
    *('a: "x\n', "\tx: 1\n", "- a\nb: c\n", "x: 1\nx: 2\n", "a: b: c\n", "%YAML 9.9\n---\n", "--- a\n--- b\n"),
    *("[" * 4000, "- " * 4000, "a: " + "9" * 5000, "a: .nan", "\ufeffa: 1", "a: \x00", "1: 2", "null: 1", "`", "%"),
    *("{{ x }}", "a: [1, 2\n"),
]

BREAKS = (b" ", b": : ", b": [", b": {", b": '", b": &a *a")


@pytest.fixture
def project(make: Make) -> Project:
    """A project of an agent, tools and a suite that are all sound; tests write one file of it anew."""
    made = make({FILES["suite"]: SUITE})
    assert survey(WorkingTree(made.root)).problems == ()
    return made


def problems_with(project: Project, kind: str, data: bytes) -> list[Any]:
    """What is wrong when the file of that kind holds `data`; the file is sound again afterwards."""
    file = project.root / FILES[kind]
    sound = file.read_bytes()
    file.write_bytes(data)
    try:
        load_suite(file, project) if kind == "suite" else load_agent("desk", project)
    except ConfigError as error:
        return error.problems
    finally:
        file.write_bytes(sound)
    return []


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every value in a document."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def changed(value: Any, path: tuple[str | int, ...], change: Callable[[Any, str | int], None]) -> Any:
    """A copy of a document with a change made in the container of `path`."""
    copy = yaml.safe_load(yaml.safe_dump(value))
    parent = copy
    for step in path[:-1]:
        parent = parent[step]
    change(parent, path[-1])
    return copy


def generated(kind: str, text: str, chance: random.Random) -> Iterator[bytes]:
    """Documents with one mistake each: a key misspelt, a value replaced, a key taken out or added."""
    value = yaml.safe_load(text)
    for path in (each for each in places(value) if each and "input_schema" not in each and "vars" not in each):
        if isinstance(path[-1], str):
            yield _dumped(changed(value, path, lambda parent, key: parent.update({f"{key}x": parent.pop(key)})))
            yield _dumped(changed(value, path, lambda parent, key: parent.update({f"extra_{key}": 1})))
        for wrong in chance.sample(ANYTHING, 3):
            yield _dumped(changed(value, path, lambda parent, key, wrong=wrong: parent.__setitem__(key, wrong)))
    yield from (raw.encode() for raw in RAW)
    yield from (
        text.encode().replace(b": ", broken, 1) for broken in (b" ", b": : ", b": [", b": {", b": '", b": &a *a")
    )
    yield text.encode("utf-16")
    yield text.encode() + b"\xff"
    yield text.encode() * 2


def _dumped(value: Any) -> bytes:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True).encode()


def test_two_hundred_bad_documents(project: Project) -> None:
    """Every generated bad document is answered with problems that each name file and line, never with a traceback."""
    chance = random.Random(7)
    bad = 0
    for kind, path in FILES.items():
        for data in generated(kind, (project.root / path).read_text(), chance):
            for problem in (found := problems_with(project, kind, data)):
                assert problem.file.endswith(path), (data, problem)
                assert problem.line > 0, (data, problem)
                assert problem.column > 0, (data, problem)
                assert problem.message.isprintable(), (data, problem)
                assert "pydantic" not in f"{problem.message} {problem.hint}"
            bad += bool(found)
    assert bad >= 200


def test_validate_names_file_and_line_of_every_bad_document(project: Project) -> None:
    """Hundreds of bad documents in one project, as a person meets them: each is named with a line, nothing breaks."""
    chance = random.Random(11)
    written = set()
    for kind, path in FILES.items():
        sound = (project.root / path).read_text()
        for number, data in enumerate(generated(kind, sound, chance)):
            place = path.replace("/desk", f"/bad-{number}") if kind != "tools" else f"prompts/tools-{number}/v1.yaml"
            (project.root / place).parent.mkdir(exist_ok=True)
            (project.root / place).write_bytes(data)
            written.add(place)
    done = agentctl(project.root, "validate")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith(("hint: ", "warning: "))]
    named = [re.match(r"error: ([\w./-]+):(\d+):(\d+): .", line) for line in lines]
    assert [line for line, match in zip(lines, named, strict=True) if match is None] == []
    bad = {match[1] for match in named if match is not None}
    assert len(bad & written) >= 200
    for start in ("prompts/bad-", "prompts/tools-", "evals/bad-"):
        assert sum(place.startswith(start) for place in bad) >= 50


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_mutated_documents(project: Project, data: st.DataObject) -> None:
    """Bytes cut, doubled, swapped or put in anywhere: a document or problems in this very file."""
    kind = data.draw(st.sampled_from(sorted(FILES)))
    text = bytearray((project.root / FILES[kind]).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(at, min(len(text), at + 30)))
        text[at:end] = data.draw(st.sampled_from([b"", bytes(text[at:end]) * 2, b"\n", b": ", b"'", b"[", b"- "]))
        text[at:at] = data.draw(st.binary(max_size=3) | st.sampled_from([b"&a", b"*a", b"!", b"{{", b"|", b"#", b"?"]))
    for problem in problems_with(project, kind, bytes(text)):
        assert problem.file.endswith(FILES[kind])
        assert problem.line > 0
