r"""The simulator's script: rules on a conversation, in YAML. The same request always gets the same reply.

A script stands beside the agent it plays the model for, in `prompts/<agent>/simulator.yaml`:

    schema: 1
    kind: simulator
    rules:
      - name: look the order up
        when:
          said: '(?P<order>ORD-\d+)'               # a regular expression on what the user said last
          results: none                             # the user spoke just now: no tool has returned since
        reply:
          thinking: The order first.
          text: Let me look that up.
          tools:
            - get_order_details: {order_id: "{{ order }}"}

      - name: tell its status
        when:
          results: [get_order_details]              # these tools have returned, and nothing was said since
          failed: false
        reply:
          text: "Order {{ results.get_order_details.order_id }} is {{ results.get_order_details.status }}."

    default:
      text: I am afraid I did not understand that. Which order is it about?

Rules are tried from top to bottom; the first whose conditions all hold replies, else `default`.

Conditions of `when` (all optional; an empty `when` always holds):
  said         regular expression(s) that are all found in the user's last words; named groups become variables
  not_said     regular expression(s) of which none is found there
  recall       regular expression(s) found in anything the user said so far, the latest words first; named groups too
  not_recall   regular expression(s) found nowhere in what the user said so far
  results      `none`, or the names of the tools whose results came back last (exactly these, in any order)
  failed       whether one of those results is an error: true or false
  error        regular expression on the text of a failed result; named groups too
  called       names of tools that were called, with success, anywhere earlier in the conversation
  not_called   names of tools that were not
  where        an expression over the variables, for example `results.get_order_details.status == 'shipped'`; a variable
               that no condition set is null
  system       regular expression(s) found in the system prompt: different versions of an agent may behave differently
  not_system   regular expression(s) not found there
  turn         how many replies there were since the user spoke, from 0
  tools        names of tools that the request must offer

Regular expressions are case-insensitive, and `.` spans lines. `patterns` at the top names pieces of them, `order:
'(?P<order>ORD-\d+)'`, which any of them may then hold as `<order>`. A group that took no part in the match is null.
`macros` at the top is Jinja source that stands before every template, for `{% macro %}`s that rules share. Variables in
`where` and in `{{ }}`:
  the named groups; `said`; `results.TOOL` (its result, parsed when it is JSON, the last one if it was called twice);
  `all.TOOL` (a list of all its results since the user spoke); `earlier.TOOL` (its last result anywhere in the
  conversation); `failed` (texts of the failed results); `turn`; `system`.

What `reply` can hold (at least `text` or `tools`):
  text         a Jinja template (sandboxed; filters as usual, and `money`, which shows cents as `84.90 USD`)
  citations    what the text cites, as the API writes it: `{type: char_location, cited_text: ..., ...}`
  thinking     a template; sent as a thinking block when the request has thinking on, left out when not
  tools        calls, each `NAME: {input}`; strings inside are templates, and one that is a single `{{ expression }}`
               keeps the expression's type
  stop_reason  default `tool_use` with tools, `end_turn` without
  category     of a refusal (`stop_reason: refusal`), as in `cyber` or `bio`; default none
  usage        fields that replace those of the estimated usage
  delay        seconds before the first byte
  fault        what goes wrong with this reply, as in `529` or `eof,at=tool`; see `simulator.faults`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from agentctl.config.check import Many, Part, check
from agentctl.config.faulttext import FaultText
from agentctl.config.findings import Invalid
from agentctl.config.yamls import load_yaml, read_yaml
from agentctl.simulator.templates import Expression, Pattern, Template

ECHO: Final = """
schema: 1
kind: simulator
rules: []
default:
  text: "This is a simulated reply. You said: {{ said }}"
"""
"""What answers for an agent that has no script."""


def _pattern(text: str) -> str:
    Pattern.check(text)
    return text


def _template(text: str) -> str:
    Template.check(text)
    return text


def _expression(text: str) -> str:
    Expression.check(text)
    return text


PatternText = Annotated[str, AfterValidator(_pattern)]
TemplateText = Annotated[str, AfterValidator(_template)]
Patterns = PatternText | Many[PatternText] | None


class When(Part):
    """The conditions of a rule; all that are given must hold."""

    said: Patterns = None
    not_said: Patterns = None
    recall: Patterns = None
    not_recall: Patterns = None
    results: Literal["none"] | Many[str] | None = None
    failed: bool | None = None
    error: PatternText | None = None
    called: Many[str] = ()
    not_called: Many[str] = ()
    where: Annotated[str, AfterValidator(_expression)] | None = None
    system: Patterns = None
    not_system: Patterns = None
    turn: int | None = None
    tools: Many[str] = ()

    @property
    def patterns(self) -> list[str]:
        """Every regular expression in it."""
        fields = (self.said, self.not_said, self.recall, self.not_recall, self.error, self.system, self.not_system)
        return [text for field in fields for text in ((field,) if isinstance(field, str) else field or ())]


class Reply(Part):
    """What a rule answers."""

    text: TemplateText | None = None
    citations: Many[dict[str, Any]] = ()
    thinking: TemplateText | None = None
    tools: Many[dict[str, dict[str, Any]]] = ()
    stop_reason: str | None = None
    category: str | None = None
    usage: dict[str, int] = Field(default_factory=dict)
    delay: float = Field(default=0.0, ge=0)
    fault: FaultText | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Reply:
        if self.text is None and not self.tools:
            raise Invalid("a reply needs `text` or `tools`")
        if self.citations and self.text is None:
            raise Invalid("`citations` are those of a `text`")
        for call in self.tools:
            if len(call) != 1:
                raise Invalid("each entry of `tools` is one call, `NAME: {input}`")
            for text in _strings(next(iter(call.values()))):
                Template.check(text)
        return self


class Rule(Part):
    """Conditions and the reply given when they hold."""

    name: str = ""
    when: When = Field(default_factory=When)
    reply: Reply


class Script(Part):
    """A whole script."""

    schema_: Literal[1] = Field(alias="schema")
    kind: Literal["simulator"]
    description: str = ""
    patterns: dict[str, PatternText] = Field(default_factory=dict)
    macros: TemplateText = ""
    rules: Many[Rule] = ()
    default: Reply

    @model_validator(mode="after")
    def _expanded_patterns_compile(self) -> Script:
        for rule in self.rules:
            for text in rule.when.patterns:
                expanded = Pattern.expanded(text, self.patterns)
                try:
                    Pattern.check(expanded)
                except Invalid as error:
                    raise Invalid(f"{text!r} with its `patterns` written out is {error}") from None
        return self


def load_script(path: Path | None) -> Script:
    """The script at `path`, or the one that echoes.

    Raises:
        ConfigError: with file, line and column of everything that is wrong.
    """
    if path is None:
        return check(Script, load_yaml(ECHO, "the built-in script"))
    return check(Script, read_yaml(path, str(path)))


def _strings(value: Any) -> list[str]:
    """Every string inside a JSON value."""
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in items for text in _strings(item)]
