"""Which rule replies to a conversation, and with which variables. Pure: the request is all there is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agentctl.simulator.conversation import Conversation
from agentctl.simulator.script import Patterns, Reply, Script, When
from agentctl.simulator.templates import Expression, Pattern


def choose(script: Script, conversation: Conversation) -> tuple[Reply, dict[str, Any]]:
    """The reply of the first rule that holds, and the variables for its templates.

    Raises:
        ScriptFault: a `where` fails on this conversation.
    """
    for rule in script.rules:
        variables = _holds(rule.when, conversation, script.patterns)
        if variables is not None:
            return rule.reply, variables
    return script.default, variables_of(conversation)


def variables_of(conversation: Conversation) -> dict[str, Any]:
    """The variables that every rule has."""
    collected: dict[str, list[Any]] = {}
    for result in conversation.since:
        if not result.failed:
            collected.setdefault(result.tool, []).append(result.value)
    return {
        "said": conversation.said,
        "results": {result.tool: result.value for result in conversation.latest if not result.failed},
        "all": collected,
        "earlier": {result.tool: result.value for result in conversation.results if not result.failed},
        "failed": [result.text for result in conversation.latest if result.failed],
        "turn": conversation.turn,
        "system": conversation.system,
    }


def _holds(when: When, conversation: Conversation, named: Mapping[str, str]) -> dict[str, Any] | None:
    """The variables, when every condition holds; None when one does not. Cheap conditions come first."""
    if not (_turn_holds(when, conversation) and _tools_hold(when, conversation)):
        return None
    if not _texts_hold(when, conversation, named):
        return None
    captured: dict[str, Any] = {}
    for patterns, texts in (
        (when.recall, tuple(reversed(conversation.sayings))),
        (when.said, (conversation.said,)),
        (when.error, tuple(result.text for result in conversation.latest if result.failed)),
    ):
        found = _captures(patterns, texts, named)
        if found is None:
            return None
        captured |= found
    variables = {**variables_of(conversation), **captured}
    if when.where is not None and not Expression.holds(when.where, variables):
        return None
    return variables


def _turn_holds(when: When, conversation: Conversation) -> bool:
    if when.turn is not None and when.turn != conversation.turn:
        return False
    if when.results == "none" and not conversation.spoke_last:
        return False
    returned = {result.tool for result in conversation.latest}
    if isinstance(when.results, tuple) and (conversation.spoke_last or {*when.results} != returned):
        return False
    return when.failed is None or when.failed is any(result.failed for result in conversation.latest)


def _tools_hold(when: When, conversation: Conversation) -> bool:
    done = {result.tool for result in conversation.results if not result.failed}
    return {*when.tools} <= {*conversation.tools} and {*when.called} <= done and not done & {*when.not_called}


def _texts_hold(when: When, conversation: Conversation, named: Mapping[str, str]) -> bool:
    said, system, sayings = (conversation.said,), (conversation.system,), conversation.sayings
    forbidden = ((when.not_said, said), (when.not_system, system), (when.not_recall, sayings))
    if any(_any_found(patterns, texts, named) for patterns, texts in forbidden):
        return False
    return _captures(when.system, system, named) is not None


def _any_found(patterns: Patterns, texts: tuple[str, ...], named: Mapping[str, str]) -> bool:
    return any(pattern.search(text) for pattern in _each(patterns, named) for text in texts)


def _captures(patterns: Patterns, texts: tuple[str, ...], named: Mapping[str, str]) -> dict[str, str | None] | None:
    """The named groups of all patterns, each in the first text that has it; None when one is found nowhere."""
    captured: dict[str, str | None] = {}
    for pattern in _each(patterns, named):
        found = next(filter(None, (pattern.search(text) for text in texts)), None)
        if found is None:
            return None
        captured |= found.groupdict()
    return captured


def _each(patterns: Patterns, named: Mapping[str, str]) -> list[re.Pattern[str]]:
    texts = () if patterns is None else (patterns,) if isinstance(patterns, str) else patterns
    return [Pattern.compiled(Pattern.expanded(text, named)) for text in texts]
