"""The changed lines of a definition that are nearest to where two runs part."""

from __future__ import annotations

from agentctl.agent.spec import Agent, ToolSpec
from agentctl.diffing.causes import Cause, nearest_lines
from agentctl.diffing.definitions import diff
from agentctl.diffing.runs import Divergence
from agentctl.diffing.texts import Line

OLD = "Be brief.\nGreet the customer by name.\nOffer a refund when a parcel is late.\nSpeak English."
NEW = "Be brief and kind.\nGreet the customer by name.\nNever offer a refund without a receipt.\nSpeak English, always."


def agent(system: str, *, limit: int = 5) -> Agent:
    """An agent with one tool."""
    schema = {"type": "object", "properties": {"limit": {"type": "integer", "maximum": limit}}}
    definition = {"name": "search", "description": "Searches.", "input_schema": schema}
    return Agent("desk", "1", "claude-sonnet-5-5", system, {"max_tokens": 9}, (ToolSpec("search", definition),))


def parting(old: str, new: str) -> Divergence:
    """Two replies."""
    return Divergence(1, "model_replied", "content[0].text", old, new, 3, 3)


def test_the_line_that_shares_the_rare_words_comes_first() -> None:
    """Of all that changed, what speaks of the same thing as the answers that differ."""
    found = nearest_lines(
        parting("I will refund you at once.", "Please send me the receipt."), diff(agent(OLD), agent(NEW)), most=2
    )
    assert [str(cause.line) for cause in found] == [
        "-Offer a refund when a parcel is late.",
        "+Never offer a refund without a receipt.",
    ]


def test_a_tool_may_be_why() -> None:
    """A change of its schema is a line of its own, under the tool's name."""
    change = diff(agent(OLD), agent(OLD, limit=9))
    (gone, come) = nearest_lines(parting("search with limit", "search with a maximum"), change)
    assert (gone.component, come.component) == ("tool search", "tool search")
    assert (gone.line.sign, come.line.sign) == ("-", "+")


def test_nothing_near_is_nothing() -> None:
    """Lines that share no word with the divergence are not offered, and an unchanged definition has none."""
    assert nearest_lines(parting("xyzzy", "plugh"), diff(agent(OLD), agent(NEW))) == ()
    assert nearest_lines(parting("refund", "receipt"), diff(agent(OLD), agent(OLD))) == ()


def test_as_json() -> None:
    """The line as a unified diff has it."""
    assert Cause("system prompt", Line("+", "Be kind.")).to_json() == {
        "component": "system prompt",
        "line": "+Be kind.",
    }
