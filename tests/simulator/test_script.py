"""The script language: which rule replies, with what, always the same."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

import agentctl.simulator.script as language
from agentctl.config.check import check
from agentctl.config.yamls import load_yaml
from agentctl.errors import ConfigError
from agentctl.simulator.compose import chosen, compose
from agentctl.simulator.script import Script, load_script
from agentctl.simulator.templates import ScriptFault
from agentctl.simulator.tokens import PromptCache


def script(rules: str, default: str = "text: default") -> Script:
    """A script with these rules."""
    head = "schema: 1\nkind: simulator\nrules:\n"
    source = head + textwrap.indent(textwrap.dedent(rules), "  ") + f"\ndefault: {{{default}}}\n"
    return check(Script, load_yaml(source, "script.yaml"))


def reply(on: Script, *messages: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    """The content of the reply to this conversation."""
    body = {"model": "claude-x", "max_tokens": 500, "messages": list(messages), **fields}
    return compose(on, body, chosen(on, body), PromptCache())["content"]


def user(text: str) -> dict[str, Any]:
    """The user says something."""
    return {"role": "user", "content": text}


def called(name: str, call_id: str = "t1") -> dict[str, Any]:
    """The assistant called a tool."""
    return {"role": "assistant", "content": [{"type": "tool_use", "id": call_id, "name": name, "input": {}}]}


def returned(content: str, call_id: str = "t1", *, is_error: bool = False) -> dict[str, Any]:
    """The tool returned."""
    block = {"type": "tool_result", "tool_use_id": call_id, "content": content, "is_error": is_error}
    return {"role": "user", "content": [block]}


def text(content: list[dict[str, Any]]) -> str:
    """The text of a reply."""
    return "".join(block.get("text", "") for block in content)


def test_the_example_in_the_reference_works() -> None:
    """The script in the module's docstring is a valid one and does what it says."""
    doc = language.__doc__ or ""
    source = textwrap.dedent(doc[doc.index("    schema: 1") : doc.index("Rules are tried")])
    example = check(Script, load_yaml(source, "example"))
    first = reply(example, user("Where is ord-1042?"))
    assert first[-1]["input"] == {"order_id": "ord-1042"}
    told = reply(
        example, user("ORD-1042?"), called("get_order_details"), returned('{"order_id": "ORD-1042", "status": "late"}')
    )
    assert text(told) == "Order ORD-1042 is late."
    assert "which order" in text(reply(example, user("hm"))).lower()


CONDITIONS: list[tuple[str, list[dict[str, Any]], bool]] = [
    ("said: he(l+)o", [user("Hello")], True),
    ("said: [hello, world]", [user("Hello")], False),
    ("not_said: world", [user("Hello world")], False),
    ("recall: first", [user("First"), {"role": "assistant", "content": "a"}, user("Second")], True),
    ("not_recall: first", [user("First"), {"role": "assistant", "content": "a"}, user("Second")], False),
    ("results: none", [user("x")], True),
    ("results: none", [user("x"), called("look"), returned("1")], False),
    ("results: [look]", [user("x"), called("look"), returned("1")], True),
    ("results: [other]", [user("x"), called("look"), returned("1")], False),
    ("failed: true", [user("x"), called("look"), returned("bad", is_error=True)], True),
    ("failed: false", [user("x"), called("look"), returned("bad", is_error=True)], False),
    ("error: 'no (?P<what>\\w+)'", [user("x"), called("look"), returned("no order", is_error=True)], True),
    ("called: [look]", [user("x"), called("look"), returned("1"), user("y")], True),
    ("not_called: [look]", [user("x"), called("look"), returned("1"), user("y")], False),
    ("turn: 1", [user("x"), called("look"), returned("1")], True),
    ("turn: 0", [user("x"), called("look"), returned("1")], False),
    ("where: results.look.n > 2", [user("x"), called("look"), returned('{"n": 3}')], True),
    ("where: results.look.n > 2", [user("x"), called("look"), returned('{"n": 1}')], False),
    ("where: earlier.look.n == 1", [user("x"), called("look"), returned('{"n": 1}'), user("y")], True),
    ("where: results.look", [user("x")], False),
    ("system: verify", [user("x")], True),
    ("not_system: verify", [user("x")], False),
    ("tools: [look]", [user("x")], True),
    ("tools: [missing]", [user("x")], False),
]


@pytest.mark.parametrize(("condition", "messages", "holds"), CONDITIONS, ids=[row[0] for row in CONDITIONS])
def test_conditions(condition: str, messages: list[dict[str, Any]], *, holds: bool) -> None:
    """Each condition holds when it should and not otherwise."""
    on = script(f"- when: {{{condition}}}\n  reply: {{text: matched}}")
    said = text(reply(on, *messages, system="Always verify.", tools=[{"name": "look", "input_schema": {}}]))
    assert (said == "matched") is holds


def test_first_rule_wins_and_values_keep_their_type() -> None:
    """Rules are tried in order; a single expression in a tool's input is not turned into text."""
    on = script(
        """
        - when: {said: '(?P<n>\\d+)'}
          reply: {tools: [{look: {n: "{{ n | int }}", s: "no {{ n }}", deep: [{x: "{{ turn }}"}]}}]}
        - when: {}
          reply: {text: second}
        """
    )
    assert reply(on, user("number 7"))[0]["input"] == {"n": 7, "s": "no 7", "deep": [{"x": 0}]}


def test_thinking_only_where_the_request_thinks() -> None:
    """A scripted thought is sent, signed, when thinking is on, and left out when not."""
    on = script("- when: {}\n  reply: {thinking: hm, text: yes}".replace("yes", "'yes'"))
    assert [block["type"] for block in reply(on, user("x"))] == ["text"]
    thought, _ = reply(on, user("x"), thinking={"type": "adaptive"})
    assert thought["type"] == "thinking"
    assert thought["signature"]


def test_data_is_never_a_template() -> None:
    """What the user says is filled in, not evaluated."""
    assert text(reply(load_script(None), user("{{ 7 * 7 }} {% raw %}"))).endswith("{{ 7 * 7 }} {% raw %}")


@pytest.mark.parametrize("attack", ["{{ ''.__class__.__mro__ }}", "{{ said.__init__.__globals__ }}"])
def test_templates_are_sandboxed(attack: str) -> None:
    """A template does not reach Python's insides."""
    on = script(f'- when: {{}}\n  reply: {{text: "{attack}"}}')
    with pytest.raises(ScriptFault):
        reply(on, user("x"))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("- when: {said: '('}\n  reply: {text: x}", "not a regular expression"),
        ('- when: {}\n  reply: {text: "{{ x"}', "not a template"),
        ("- when: {where: 'a +'}\n  reply: {text: x}", "not an expression"),
        ("- when: {}\n  reply: {}", "needs `text` or `tools`"),
        ("- when: {sayd: x}\n  reply: {text: x}", "sayd"),
        ("- reply: {tools: [{a: {}, b: {}}]}", "one call"),
        ('- reply: {tools: [{a: {x: "{{ y"}}]}', "not a template"),
    ],
)
def test_bad_scripts_name_the_place(rule: str, words: str) -> None:
    """A wrong script is a ConfigError with file, line and column."""
    with pytest.raises(ConfigError) as error:
        script(rule)
    problem = error.value.problems[0]
    assert words in problem.message
    assert problem.file == "script.yaml"
    assert problem.line >= 4


def test_the_same_request_gets_the_same_reply() -> None:
    """Ids follow from the request; how the reply travels does not matter."""
    on = script("- when: {}\n  reply: {text: hi, tools: [{look: {}}, {look: {}}]}")
    once = reply(on, user("x"), stream=True)
    assert once == reply(on, user("x"))
    assert once != reply(on, user("y"))
    assert len({block["id"] for block in once[1:]}) == 2


def test_cache_usage_follows_the_marked_prefix() -> None:
    """The first request writes the marked prefix, the next ones read it, short ones are not cached at all."""
    cache, on = PromptCache(), load_script(None)
    long = [{"type": "text", "text": "policy " * 2000, "cache_control": {"type": "ephemeral"}}]

    def usage(*messages: dict[str, Any], system: Any = long) -> dict[str, Any]:
        body = {"model": "claude-x", "max_tokens": 500, "system": system, "messages": list(messages)}
        return compose(on, body, chosen(on, body), cache)["usage"]

    first, second = usage(user("a")), usage(user("b"))
    assert first["cache_creation_input_tokens"] > 1024
    assert first["cache_read_input_tokens"] == 0
    assert second["cache_read_input_tokens"] == first["cache_creation_input_tokens"]
    assert second["cache_creation_input_tokens"] == 0
    short = usage(user("a"), system=[{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}])
    assert short["cache_creation_input_tokens"] == short["cache_read_input_tokens"] == 0


def test_named_patterns_and_macros() -> None:
    """Patterns are named once and used in any rule, macros serve every template, unmatched groups are null."""
    source = r"""
schema: 1
kind: simulator
patterns: {order: '(?P<order>ORD-\d+)'}
macros: "{% macro line(x) %}<{{ x }}>{% endmacro %}"
rules:
  - when: {said: 'where is <order>(?P<more> and .*)?', where: not more and not nobody}
    reply: {text: "{{ line(order) }}"}
default: {text: no}
""".replace("text: no", "text: 'no'")
    on = check(Script, load_yaml(source, "script.yaml"))
    assert text(reply(on, user("Where is ORD-7?"))) == "<ORD-7>"
    assert text(reply(on, user("Where is ORD-7 and my money?"))) == "no"
