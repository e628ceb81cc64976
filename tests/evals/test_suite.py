"""Suites as documents: what they become, and that every flaw is named at its own line and column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentctl.config.project import Project
from agentctl.config.yamls import load_yaml
from agentctl.errors import ConfigError, UsageError
from agentctl.evals.case import Suite
from agentctl.evals.scorers import TYPES
from agentctl.evals.suite import load_suite, suite_paths

HEAD = "schema: 1\nkind: suite\nagent: desk@1\n"


def load(tmp_path: Path, text: str, name: str = "desk.yaml") -> Suite:
    """The suite with this text after the head."""
    path = tmp_path / name
    path.write_text(HEAD + text)
    return load_suite(path, Project(tmp_path))


def problems(tmp_path: Path, text: str, name: str = "desk.yaml") -> list[str]:
    """`line:column: message` of every problem; lines count from the first after the head."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, name)
    lines = HEAD.count("\n")
    return [f"{found.line - lines}:{found.column}: {found.message}" for found in caught.value.problems]


def test_a_suite_is_read(tmp_path: Path) -> None:
    """Defaults of the suite reach every case; what a case says itself goes before; lines are kept."""
    suite = load(
        tmp_path,
        """\
vars: {shop: North, thing: tea}
assert:
  - ended: completed
cases:
  - id: one
    input: "{{ thing }} at {{shop}}?"
    vars: {thing: cake}
    tags: [a, b]
    assert:
      - contains: "7"
      - {type: not-regex, value: "[0-9]{2}", weight: 2}
  - {id: two, input: [Hello, "Bye from {{ shop }}"], repeat: 3, threshold: 0.5, approve: true}
""",
    )
    one, two = suite.cases
    assert (suite.name, suite.agent) == ("desk", "desk@1")
    assert (one.id, one.input, one.tags, one.line) == ("one", ("cake at North?",), ("a", "b"), 8)
    assert [(each.type, each.weight, each.line) for each in one.asserts] == [
        ("ended", 1.0, 6),
        ("contains", 1.0, 13),
        ("not-regex", 2.0, 14),
    ]
    assert (two.input, two.repeat, two.threshold, two.approve) == (("Hello", "Bye from North"), 3, 0.5, True)
    assert [each.type for each in two.asserts] == ["ended"]


def test_variables_are_filled_into_the_input_only(tmp_path: Path) -> None:
    """What is looked for is data: braces in it stay braces."""
    suite = load(tmp_path, 'cases:\n  - {id: a, input: Hi, assert: [{contains: "{{ name }}"}]}\n')
    assert suite.cases[0].asserts[0].ready == "{{ name }}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cases:\n  - {id: a, input: Hi, asert: []}\n", "2:24: unknown key `asert` in `cases[0]`"),
        ("cases:\n  - {input: Hi}\n", "2:5: `id` is missing in `cases[0]`"),
        ("cases:\n  - {id: a}\n", "2:5: `input` is missing in `cases[0]`"),
        ("cases:\n  - {id: A b, input: Hi}\n", "2:10: A b cannot name a case"),
        ("cases:\n  - {id: ../x, input: Hi}\n", "2:10: ../x cannot name a case"),
        ("cases:\n  - {id: a, input: Hi}\n  - {id: a, input: Hi}\n", "3:10: duplicate id a; it is on line 5 already"),
        ("cases:\n  - {id: a, input: []}\n", "2:20: `input` must not be empty: the user says something"),
        ('cases:\n  - {id: a, input: ""}\n', "2:20: `input` must not be empty"),
        ('cases:\n  - {id: a, input: "{{ x }}"}\n', "2:20: the variable `x` has no value"),
        ("cases:\n  - id: a\n    input: |\n      Hi\n      {{ x }}\n", "5:1: the variable `x` has no value"),
        ("cases:\n  - {id: a, input: Hi, repeat: 0}\n", "2:32: `repeat` must be at least 1, not 0"),
        ("cases:\n  - {id: a, input: Hi, threshold: 2}\n", "2:35: `threshold` must be at most 1, not 2"),
        (
            "cases:\n  - {id: a, input: Hi, assert: [{contians: x}]}\n",
            "2:34: unknown assertion type 'contians'",
        ),
        ("cases:\n  - {id: a, input: Hi, assert: [{contains: 7}]}\n", "2:44: contains: takes text, not a number"),
        (
            "cases:\n  - {id: a, input: Hi, assert: [{regex: 'a('}]}\n",
            "2:41: regex: not a regular expression: missing ), unterminated subpattern at character 2 of the pattern",
        ),
        (
            "cases:\n  - id: a\n    input: Hi\n    assert:\n      - {type: contains, valeu: x}\n",
            "5:26: contains: unknown key 'valeu'",
        ),
        (
            "cases:\n  - id: a\n    input: Hi\n    assert:\n      - state: {database: x.db, query: q, rows: [1]}\n",
            "5:50: state: a row is a list or a mapping of columns, not a number",
        ),
        (
            "cases:\n  - {id: a, input: Hi, assert: [{python: 'no.py:f'}]}\n",
            "2:33: python: there is no file no.py beside the suite",
        ),
        ("assert:\n  - nope\ncases: []\n", "2:5: unknown assertion type 'nope'"),
        (
            "cases:\n  - id: a\n    input: Hi\n    assert:\n      - assert-set: {assert: [is-json, {contains: 7}]}\n",
            "5:51: assert-set: contains: takes text, not a number",
        ),
        (
            "cases:\n  - {id: a, input: [Hi, Bye], assert: [{contains: x, turn: -3}]}\n",
            "2:39: contains (line 5) is about turn -3; the user speaks 2 times",
        ),
        (
            "assert:\n  - {contains: x, turn: 2}\ncases:\n  - {id: a, input: Hi}\n",
            "4:20: contains (line 5) is about turn 2; the user speaks once",
        ),
    ],
)
def test_flaws_are_named_where_they_stand(tmp_path: Path, text: str, expected: str) -> None:
    """File, line and column of the very key or value."""
    assert problems(tmp_path, text) == [expected]


def test_every_flaw_is_found_at_once(tmp_path: Path) -> None:
    """One load names them all, in the order of the file."""
    found = problems(
        tmp_path,
        "cases:\n  - {id: B, input: '{{ x }}', assert: [{contains: 1}]}\n  - {id: b, input: Hi, assert: [nope, 7]}\n",
    )
    assert [line.partition(":")[0] for line in found] == ["2", "2", "2", "3", "3", "3"]


def test_a_suite_must_have_a_name_for_its_recordings(tmp_path: Path) -> None:
    """The file's name is the folder of the recordings."""
    assert problems(tmp_path, "cases: []\n", "My Suite.yaml") == [
        "-2:1: My Suite.yaml cannot name a suite: recordings are kept under it"
    ]


def test_suites_are_found_by_name_and_by_path(tmp_path: Path) -> None:
    """Without names all of them, sorted; with names those, each once; a near miss is suggested."""
    evals = tmp_path / "evals"
    evals.mkdir()
    for name in ("b", "a"):
        (evals / f"{name}.yaml").write_text("")
    (evals / "checks.py").write_text("")
    (tmp_path / "other.yaml").write_text("")
    project = Project(tmp_path)
    assert [path.stem for path in suite_paths(project)] == ["a", "b"]
    assert [path.stem for path in suite_paths(project, ["b", "b", str(tmp_path / "other.yaml")])] == ["b", "other"]
    with pytest.raises(UsageError, match="there is no suite c") as caught:
        suite_paths(project, ["c"])
    assert caught.value.hint == "the suites are: a, b"


scalars = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4) | st.sampled_from([*TYPES, "type", "value"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*TYPES, "type", "value", "name", "mode", "rows", "query"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.dictionaries(st.sampled_from(["id", "input", "vars", "tags", "repeat", "threshold", "assert"]), values))
def test_any_case_is_a_case_or_named_problems(tmp_path: Path, case: dict[str, Any]) -> None:
    """No document makes the loader stumble, and each problem names a line of the file."""
    text = HEAD + "cases: [" + orjson.dumps(case).decode() + "]\n"
    try:
        load_yaml(text, "x")
    except ConfigError:
        return
    path = tmp_path / "any.yaml"
    path.write_text(text)
    try:
        load_suite(path, Project(tmp_path))
    except ConfigError as error:
        assert all(problem.line == 4 for problem in error.problems)  # noqa: PT017
