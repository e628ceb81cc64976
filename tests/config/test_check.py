"""Problems of documents: each at its key or value, in plain words, with what was probably meant."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field

from agentctl.config.check import Many, Part, check
from agentctl.config.documents import AgentDocument, ToolsDocument
from agentctl.config.yamls import load_yaml
from agentctl.errors import ConfigError

HEAD = "schema: 1\nkind: agent\nmodel: m\n"

AGENTS: list[tuple[str, str]] = [
    ("tols: x", "4:1 unknown key `tols` | did you mean `tools`?"),
    ("guards: []", "4:1 unknown key `guards`"),
    ("team: {}", "4:1 unknown key `team`"),
    ("degrade: {}", "4:10 `message` is missing in `degrade`"),
    ("cached_answers: yes", "4:17 "),
    ("cached_answers: {when: allways}", "4:24 `when` must be one of always, unavailable, not allways | did you mean"),
    ("cached_answers: {max_age: 1}", "4:18 unknown key `max_age` in `cached_answers` | did you mean `max_age_seconds`"),
    ("cached_answers: {max_age_seconds: 0}", "4:35 `max_age_seconds` must be more than 0, not 0"),
    ("cached_answers: {max_entries: 1.5}", "4:31 `max_entries` must be a whole number, not 1.5"),
    ("cached_answer: true", "4:1 unknown key `cached_answer` | did you mean `cached_answers`?"),
    ("degrad: {}", "4:1 unknown key `degrad`"),
    ("breaker: true", "4:10 "),
    ("breaker: {share: 2}", "4:18 "),
    ("fallbacks: [{model: claude-haiku-5, params: {temperature: 1}}]", "4:46 `temperature` is gone"),
    ("retry: {budget: 2}", "4:17 "),
    ("limits: {idle_seconds: 0}", "4:24 "),
    ("system: 3", '4:9 `system` must be text, not 3 | put it in quotes: "3"'),
    ("system: [a]", "4:9 `system` must be text, not a list"),
    ("cache: yes", "4:8 `cache` must be true or false, not text"),
    ("betas: a", "4:8 `betas` must be a list, not text"),
    ("betas: ['']", "4:9 `betas[0]` must not be empty"),
    ("vars: {a b: x}", "4:8 a b cannot name a variable | a name is letters, digits and _, and does not begin"),
    ("vars: {a: 1.5}", '4:11 `a` must be text or a whole number, not 1.5 | put it in quotes: "1.5"'),
    ("limits: {max_turns: 0}", "4:21 `max_turns` must be at least 1, not 0"),
    ("limits: {max_turn: 1}", "4:10 unknown key `max_turn` in `limits` | did you mean `max_turns`?"),
    ("limits: {max_seconds: 0}", "4:23 `max_seconds` must be more than 0, not 0"),
    ("limits:", "4:8 `limits` must be a mapping, not empty"),
    ("retry: {attempts: 1.5}", "4:19 `attempts` must be a whole number, not 1.5"),
    ("retry: {attempts: 100}", "4:19 `attempts` must be at most 20, not 100"),
    (
        "provider: {name: bedrok}",
        "4:18 `name` must be one of anthropic, bedrock, vertex, not bedrok | did you",
    ),
    ("provider: {base_url: ftp://x}", "4:22 ftp://x is no http(s) address"),
    ("provider: {api_key: x}", "4:12 unknown key `api_key` in `provider`"),
    ("params: {temperature: 1}", "4:10 `temperature` is gone from the Messages API: the model answers 400 to it"),
    ("params: {top_p: 1}", "4:10 `top_p` is gone from the Messages API"),
    ("params: {top_k: 1}", "4:10 `top_k` is gone from the Messages API"),
    ("params: {model: x}", "4:10 `model` does not belong in `params`: it has a key of its own, `model`"),
    ("params: {messages: []}", "4:10 `messages` does not belong in `params`: a run makes the messages"),
    ("params: {stream: true}", "4:10 `stream` does not belong in `params`: replies are always streamed"),
    ("params: {max_token: 1}", "4:10 unknown key `max_token` in `params` | did you mean `max_tokens`?"),
    ("params: {max_tokens: '1'}", "4:22 `max_tokens` must be a whole number, not text"),
    (
        "params: {effort: hihg}",
        "4:18 `effort` must be one of low, medium, high, xhigh, max, not hihg | did",
    ),
    ("params: {thinking: on}", "4:20 `thinking` must be a mapping, not text"),
    ("tools: 3", '4:8 `tools` must be text or a list, not 3 | put it in quotes: "3"'),
    ("tools: Desk", "4:8 Desk is no reference: Desk is no name"),
    ("tools: ../x", "4:8 ../x is no reference: it is a path, not a name"),
    ("tools: x@git:main", "4:8 a document cannot refer to a git revision (git:...)"),
    ("tools: [a, 3]", "4:12 `tools[1]` must be text or a mapping, not 3"),
    ("tools: [{name: x}]", "4:9 `type` is missing in `tools[0]`"),
    ("tools: [{type: bash_20250124, name: bash}]", "4:16 bash_20250124 is not run by the API but by its caller"),
]

TOOLS_HEAD = "schema: 1\nkind: tools\n"
TOOL = "tools:\n- {name: a, input_schema: {type: object}, handler: h.py:f"

TOOLS: list[tuple[str, str]] = [
    ("", "1:1 `tools` is missing"),
    ("tools: []", "3:8 `tools` must not be empty"),
    ("tools: [{}]", "3:9 `name` is missing in `tools[0]`"),
    ("extends: a@1\ntools: []", "3:1 unknown key `extends`"),
    (TOOL + ", efect: read}", "4:60 unknown key `efect` in `tools[0]` | did you mean `effect`?"),
    (TOOL + ", effect: raed}", "4:68 `effect` must be one of read, write, not raed | did you mean `read`?"),
    (TOOL + ", timeout: -1}", "4:69 `timeout` must be more than 0, not -1"),
    (TOOL.replace("name: a", "name: a b") + "}", "4:10 a b cannot name a tool"),
    (TOOL.replace("h.py:f", "../h.py:f") + "}", "4:52 ../h.py:f leads out of the document's folder"),
    (TOOL.replace("h.py:f", "a/../../h.py:f") + "}", "4:52 a/../../h.py:f leads out of the document's folder"),
    (TOOL.replace("h.py:f", "/h.py:f") + "}", "4:52 /h.py:f leads out of the document's folder"),
    (TOOL.replace("h.py:f", "h.py") + "}", "4:52 h.py is no function | write file.py:function"),
    (TOOL.replace("h.py:f", '"' + "h\\0.py:f" + '"') + "}", "4:52 h\\x00.py:f is no function"),
    (TOOL.replace("{type: object}", "{type: string}") + "}", "4:27 `input_schema` must have `type: object`"),
    (TOOL.replace("{type: object}", "[]") + "}", "4:27 `input_schema` must be a mapping, not a list"),
]


def findings(model: type[Part], text: str) -> list[str]:
    """The problems of a text, as `line:column message | hint`."""
    with pytest.raises(ConfigError) as caught:
        check(model, load_yaml(text, "f.yaml"))
    assert not any("pydantic" in str(problem) for problem in caught.value.problems)
    return [
        f"{problem.line}:{problem.column} {problem.message}" + (f" | {problem.hint}" if problem.hint else "")
        for problem in caught.value.problems
    ]


@pytest.mark.parametrize(("line", "expected"), AGENTS, ids=[row[0] for row in AGENTS])
def test_agent_findings(line: str, expected: str) -> None:
    """One mistake in an agent document is one finding, at its place."""
    found = findings(AgentDocument, HEAD + line)
    assert len(found) == 1
    assert found[0].startswith(expected)


@pytest.mark.parametrize(("lines", "expected"), TOOLS, ids=range(len(TOOLS)))
def test_tools_findings(lines: str, expected: str) -> None:
    """A mistake in a tools document is found at its place."""
    assert findings(ToolsDocument, TOOLS_HEAD + lines)[0].startswith(expected)


def test_every_mistake_is_found() -> None:
    """All mistakes of a document are reported together, in the order of the file."""
    found = findings(AgentDocument, "schema: 2\nkind: agnet\nparams: {top_k: 1, max_tokens: 0}\ncach: true\n")
    assert [line.split(" ")[0] for line in found] == ["1:1", "1:9", "2:7", "3:10", "3:32", "4:1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1 the document is empty"),
        ("[]", "1:1 the document must be a mapping, not a list"),
        ("text", "1:1 the document must be a mapping, not text"),
        ("kind: tools\ntools: []", "1:7 this is a document of kind tools, not agent"),
    ],
)
def test_whole_documents(text: str, expected: str) -> None:
    """What is no agent at all is one finding, not a list of everything it lacks."""
    assert findings(AgentDocument, text) == [expected]


class Circle(Part):
    """A shape with a radius."""

    type: Literal["circle"]
    radius: float


class Square(Part):
    """A shape with a side."""

    type: Literal["square"]
    side: Annotated[int, Field(le=9)]


class Drawing(Part):
    """Unions with and without a discriminator, nested in lists and mappings."""

    shapes: Many[Annotated[Circle | Square, Field(discriminator="type")]] = ()
    mixed: dict[str, str | Many[str | Square]] = Field(default={})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shapes: [{type: cirle}]", ["1:10 `shapes[0]` has the unknown kind cirle | did you mean `circle`?"]),
        ("shapes: [{radius: 1}]", ["1:10 `shapes[0]` has no key `type`"]),
        ("shapes: [{type: square, sid: 1, side: 2}]", ["1:25 unknown key `sid` in `shapes[0]` | did you mean `side`?"]),
        ("shapes: [{type: square, side: 10}]", ["1:31 `side` must be at most 9, not 10"]),
        ("mixed: {a: 1}", ['1:12 `a` must be text or a list, not 1 | put it in quotes: "1"']),
        ("mixed: {a: [b, [c]]}", ["1:16 `a[1]` must be text or a mapping, not a list"]),
        ("mixed: {a: [{type: square}]}", ["1:13 `side` is missing in `a[0]`"]),
        ("mixed: {str: [{type: square}]}", ["1:15 `side` is missing in `str[0]`"]),
    ],
)
def test_unions(text: str, expected: list[str]) -> None:
    """Only what the branch that was meant has against a value is reported."""
    assert findings(Drawing, text) == expected
