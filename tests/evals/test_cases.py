"""Many cases from few lines: files of them, matrices and scenarios, with ids that recordings can be kept under."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentctl.config.project import Project
from agentctl.config.refs import is_name
from agentctl.errors import ConfigError
from agentctl.evals.case import Suite
from agentctl.evals.cases.expected import expected
from agentctl.evals.schema import suite_schema
from agentctl.evals.suite import load_suite

HEAD = "schema: 1\nkind: suite\nagent: desk@1\n"


def load(tmp_path: Path, text: str, **files: str) -> Suite:
    """The suite with this text after the head, and files beside it, named with `_` for the dot."""
    for name, content in files.items():
        (tmp_path / name.replace("_", ".")).write_text(content)
    path = tmp_path / "desk.yaml"
    path.write_text(HEAD + text)
    return load_suite(path, Project(tmp_path))


def problem(tmp_path: Path, text: str, **files: str) -> str:
    """`file:line:column: message` of the first problem."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, **files)
    return str(caught.value.problems[0]).replace(f"{tmp_path}/", "")


def test_rows_are_variables_of_one_case(tmp_path: Path) -> None:
    """What is said and asked of all stands in the suite, what differs in the file; promptfoo's columns are known."""
    suite = load(
        tmp_path,
        """\
cases:
  - {id: first, input: Hi}
  - file: orders.csv
    input: "Where is {{ order }}?"
    tags: [lookup]
    assert: [{contains: order}]
""",
        orders_csv=(
            "id,order,__expected,__expected2,__metadata:tier,tags,repeat\n"
            'one,ORD-1,contains: shipped,"icontains-any: ups, dhl",gold,"a, b",2\n'
            '\n,ORD-2,It is lost.,levenshtein(3): lost,,,\n"two\nlines",x,,,,,\n'
        ).replace('"two\nlines",x,,,,,\n', ""),
    )
    first, one, other = suite.cases
    assert (first.id, one.id, other.id) == ("first", "one", "orders-2")
    assert (one.input, one.tags, one.repeat, one.metadata) == (
        ("Where is ORD-1?",),
        ("lookup", "a", "b"),
        2,
        {"tier": "gold"},
    )
    assert [(each.type, each.value, each.line) for each in one.asserts] == [
        ("contains", "order", 9),
        ("contains", "shipped", 2),
        ("icontains-any", ["ups", "dhl"], 2),
    ]
    assert [(each.type, each.value) for each in other.asserts][1:] == [
        ("equals", "It is lost."),
        ("levenshtein", "lost"),
    ]
    assert (first.line, one.line) == (5, 5)


@pytest.mark.parametrize(
    ("cell", "assertion"),
    [
        ("Paris", {"equals": "Paris"}),
        ("note: contains more", {"equals": "note: contains more"}),
        ("contains:Paris", {"type": "contains", "value": "Paris"}),
        ("not-icontains: a: b", {"type": "not-icontains", "value": "a: b"}),
        ("is-json", "is-json"),
        ("latency(1500)", {"type": "latency", "threshold": 1500}),
        ("max-turns: 3", {"type": "max-turns", "value": 3}),
        ("equals: 7", {"type": "equals", "value": "7"}),
        ('contains-all: ["a, b"]', {"type": "contains-all", "value": ["a, b"]}),
        ('label: {"key": "reward", "equals": 1}', {"type": "label", "value": {"key": "reward", "equals": 1}}),
    ],
)
def test_cells_that_are_assertions(cell: str, assertion: Any) -> None:
    """A type, a threshold in brackets, a value; anything else is a text to equal."""
    assert expected(cell) == assertion


def test_lines_lists_and_functions(tmp_path: Path) -> None:
    """The same cases, however they are written down; a whole suite may stand in a file."""
    rows = [{"id": "a", "input": "Hi", "assert": ["is-json"]}, {"input": ["Hi", "Bye"]}]
    suites = [
        load(tmp_path, "cases: more.jsonl\n", more_jsonl="\n".join(json.dumps(row) for row in rows)),
        load(tmp_path, "cases: [more.json]\n", more_json=json.dumps(rows)),
        load(tmp_path, "cases:\n  - file: more.yaml\n", more_yaml=json.dumps(rows)),
        load(tmp_path, "cases: [make.py:more]\n", make_py=f"def more():\n    yield from {rows!r}\n"),
    ]
    for suite in suites:
        first, other = suite.cases
        assert (first.id, other.id) == ("a", "more-2")
        assert (first.input, other.input, len(first.asserts)) == (("Hi",), ("Hi", "Bye"), 1)


def test_a_matrix_is_every_combination(tmp_path: Path) -> None:
    """Named after the values; each with its variables filled in, and with a recording of its own."""
    suite = load(
        tmp_path,
        """\
vars: {shop: North}
cases:
  - id: greet
    input: "{{ greeting }} from {{ city }} at {{ shop }}"
    vars: {greeting: none}
    matrix: {city: [Oslo, "New York"], greeting: [Hi, 7]}
    assert: [refusal]
""",
    )
    assert [each.id for each in suite.cases] == [
        "greet-oslo-hi",
        "greet-oslo-7",
        "greet-new-york-hi",
        "greet-new-york-7",
    ]
    assert suite.cases[3].input == ("7 from New York at North",)
    assert all(each.line == 6 and len(each.asserts) == 1 for each in suite.cases)


def test_scenarios_in_promptfoos_words(tmp_path: Path) -> None:
    """Every test with every set of variables; what a set asserts is asked with that set only."""
    suite = load(
        tmp_path,
        """\
scenarios:
  - description: Languages
    config:
      - vars: {language: Spanish}
        assert: [{contains: Hola}]
        tags: [es]
      - {id: fr, vars: {language: French}}
    tests:
      - {id: hello, input: "Hello in {{ language }}", tags: [t], assert: [{not-contains: Hello}]}
      - {id: bye, input: "Bye in {{ language }}", vars: {language: Latin}}
""",
    )
    assert [each.id for each in suite.cases] == ["hello-spanish", "hello-fr", "bye-spanish", "bye-fr"]
    assert [each.input[0] for each in suite.cases] == [
        "Hello in Spanish",
        "Hello in French",
        "Bye in Latin",
        "Bye in Latin",
    ]
    assert [[one.type for one in each.asserts] for each in suite.cases] == [
        ["contains", "not-contains"],
        ["not-contains"],
        ["contains"],
        [],
    ]
    assert suite.cases[0].tags == ("es", "t")


values = st.lists(st.text("aB9 -._/ß€", max_size=6) | st.integers(-9, 9), min_size=1, max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), values, min_size=1))
def test_any_matrix_has_its_size_and_names_of_its_own(tmp_path: Path, matrix: dict[str, Any]) -> None:
    """For all values, equal ones and such as no file could be named after: as many cases, each with its own id."""
    text = json.dumps({"schema": 1, "kind": "suite", "agent": "desk@1"})[:-1]
    path = tmp_path / "desk.yaml"
    path.write_text(f'{text}, "cases": [{json.dumps({"id": "x", "input": "Hi", "matrix": matrix})}]}}')
    suite = load_suite(path, Project(tmp_path))
    assert len(suite.cases) == prod(map(len, matrix.values()))
    ids = [each.id for each in suite.cases]
    assert len({each.casefold() for each in ids}) == len(ids)
    assert all(is_name(each) for each in ids)
    assert [dict(each.vars) for each in suite.cases][-1] == {name: each[-1] for name, each in matrix.items()}


@pytest.mark.parametrize(
    ("text", "files", "told"),
    [
        ("cases: mroe.csv\n", {"more_csv": "id\n"}, "desk.yaml:4:8: there is no file mroe.csv beside the suite"),
        (f"cases: {'é' * 200}.csv\n", {}, "desk.yaml:4:8: there is no file é"),
        ("cases: [{file: 7}]\n", {}, "desk.yaml:4:16: a file of cases is named by its path"),
        ("cases: ../x.csv\n", {}, "desk.yaml:4:8: ../x.csv is outside the suite's folder"),
        ("cases: x.txt\n", {"x_txt": ""}, "desk.yaml:4:8: x.txt: cases are not read from such a file"),
        ("cases: x.csv\n", {"x_csv": "id,input\na,Hi\nb,Hi,there\n"}, "x.csv:3:1: has 3 cells for 2 columns"),
        ("cases: x.csv\n", {"x_csv": "id,id\n"}, "x.csv:1:1: has the column id twice"),
        ("cases: x.csv\n", {"x_csv": "id,__expcted\na,b\n"}, "x.csv:1:1: the column __expcted is not known here"),
        ("cases: x.csv\n", {"x_csv": 'id,input\na,"Hi\n'}, "x.csv:2:1: is no CSV: unexpected end of data"),
        (
            "cases: x.csv\n",
            {"x_csv": "id,input,__expected\na,Hi,\nb,Hi,regex: (\n"},
            "x.csv:3:1: regex: not a regular expression: missing )",
        ),
        (
            "cases: x.csv\n",
            {"x_csv": "id,input,__expected\na,Hi,contians: x\n"},
            "x.csv:2:1: unknown assertion type 'contians'",
        ),
        ("cases: x.csv\n", {"x_csv": "id,repeat\na,many\n"}, "x.csv:2:1: repeat cannot be many"),
        ("cases: x.jsonl\n", {"x_jsonl": '{"id": "a", "input": "Hi"}\n{"id"\n'}, "x.jsonl:2:6: is no JSON"),
        (
            "cases: x.jsonl\n",
            {"x_jsonl": '\n{"id": "a", "inptu": "Hi"}\n'},
            "x.jsonl:2:1: unknown key `inptu` in `cases[0]`",
        ),
        ("cases: x.yaml\n", {"x_yaml": "- id: a\n  input: Hi\n  asert: []\n"}, "x.yaml:3:3: unknown key `asert`"),
        ("cases: x.yaml\n", {"x_yaml": "id: a\n"}, "x.yaml:1:1: a file of cases is a list of cases"),
        (
            "cases: x.jsonl\n",
            {"x_jsonl": '{"id": "a", "input": "Hi"}\n{"id": "a", "input": "Hi"}\n'},
            "x.jsonl:2:1: duplicate id a",
        ),
        ("cases: bad.py:make\n", {"bad_py": "def make():\n    return 1 / 0\n"}, "desk.yaml:4:8: bad.py:make: ZeroDiv"),
        ("cases: none.py:make\n", {"none_py": "x = 1\n"}, "desk.yaml:4:8: none.py:make: UsageError"),
        (
            "cases: keys.py:make\n",
            {"keys_py": "def make():\n    return [{'input': 'Hi', 'x': 1}]\n"},
            "keys.py:make, case 1: unknown key `x`",
        ),
        ("cases: [{id: a, input: Hi, matrix: {}}]\n", {}, "desk.yaml:4:36: matrix names variables"),
        ("cases: [{id: a, input: Hi, matrix: {x: 1}}]\n", {}, "desk.yaml:4:40: matrix.x is a list of values"),
        ("cases: [{id: a, input: Hi, matrix: {x: [1.5]}}]\n", {}, "desk.yaml:4:41: `x` must be text or a whole number"),
        ("cases: [{id: a, input: '{{ y }}', matrix: {x: [1]}}]\n", {}, "desk.yaml:4:24: the variable `y` has no value"),
        ("scenarios: [{config: [{vars: {x: 1}}]}]\n", {}, "desk.yaml:4:13: `tests` is missing in the scenario"),
        ("scenarios: [{conifg: []}]\n", {}, "desk.yaml:4:14: unknown key `conifg` in a scenario"),
        (
            "scenarios: [{config: [{vars: {x: 1}}], tests: [{id: a, input: Hi, assert: [nope]}]}]\n",
            {},
            "desk.yaml:4:76: unknown assertion type 'nope'",
        ),
    ],
)
def test_what_is_wrong_is_named_where_it_was_written(tmp_path: Path, text: str, files: Any, told: str) -> None:
    """The file, the line, and the column where there is one: of the suite, or of the row."""
    assert problem(tmp_path, text, **files).startswith(told)


def test_too_many_are_refused(tmp_path: Path) -> None:
    """Before they are made."""
    numbers = list(range(101))
    text = f"cases: [{{id: a, input: Hi, matrix: {{x: {numbers}, y: {numbers}}}}}]\n"
    assert "10,201 combinations; 10,000 is the most" in problem(tmp_path, text)


@pytest.mark.parametrize(
    "document",
    [
        {"cases": "x.csv"},
        {"cases": ["make.py:more", {"file": "x.csv", "input": "{{ y }}", "assert": ["is-json"]}]},
        {"cases": [{"id": "a", "input": "Hi", "matrix": {"x": ["a", 1]}}]},
        {"scenarios": [{"config": [{"vars": {"x": 1}}], "tests": [{"id": "a", "input": "Hi"}]}]},
    ],
)
def test_editors_know_the_short_forms(document: dict[str, Any]) -> None:
    """All of them are in the schema; a misspelt key is not."""
    head = {"schema": 1, "kind": "suite", "agent": "desk@1"}
    assert jsonschema_rs.is_valid(suite_schema(), {**head, **document})
    assert not jsonschema_rs.is_valid(suite_schema(), {**head, "cases": [{"flie": "x.csv"}]})
    assert not jsonschema_rs.is_valid(suite_schema(), head)
