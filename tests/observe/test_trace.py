"""A run on a screen."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from agentctl.agent.drive import drive
from agentctl.agent.events import (
    EVENT_TYPES,
    Approved,
    Delegated,
    Entry,
    Event,
    FellBack,
    GuardRuled,
    HandedOff,
    ModelAsked,
    ModelFailed,
    ModelReplied,
    Observed,
    Recalled,
    Resumed,
    RunEnded,
    RunStarted,
    Settled,
    ToolCalled,
    ToolReturned,
    UserSaid,
)
from agentctl.agent.run import Run
from agentctl.observe.trace import Trace
from support.scripted import ScriptedModel, ScriptedTools, agent, call, reply, says, text

HOSTILE = "a\x1b[2J\x9b31m\u202e\r\x07[bold red]b[/bold red][link=https://evil.example]c[/link]"
STARTED = RunStarted("support@2", "sha256:0", "claude-sonnet-5-5")


def console(width: int = 80, *, terminal: bool = False) -> Console:
    """A console that keeps what is written to it."""
    return Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None, legacy_windows=False)


def written(on: Console) -> str:
    """What was written to a console of `console`."""
    assert isinstance(on.file, io.StringIO)
    return on.file.getvalue()


def drawn(events: Sequence[Event], width: int = 80, *, terminal: bool = False, **options: Any) -> str:
    """The trace of these events, half a second apart."""
    on = console(width, terminal=terminal)
    trace = Trace(on, **options)
    for i, event in enumerate(events):
        trace(Entry(i, 1000 + i / 2, event))
    trace.close()
    return written(on)


def thinking(value: str) -> dict[str, Any]:
    """A thinking block."""
    return {"type": "thinking", "thinking": value, "signature": "sig"}


EXCHANGE: list[Event] = [
    STARTED,
    UserSaid("Where is ORD-1042?"),
    ModelAsked(1, "claude-sonnet-5-5"),
    reply(thinking("I should look."), text("Let me look."), call("get_order", "a", id="ORD-1042")),
    ToolCalled("a", "get_order", {"id": "ORD-1042"}),
    ToolReturned("a", "get_order", '{"status":"shipped"}'),
    ModelAsked(2, "claude-sonnet-5-5"),
    reply(text("It was shipped."), cache_read_input_tokens=1000, cache_creation_input_tokens=20),
    RunEnded("completed"),
]


def test_an_exchange_reads_from_top_to_bottom() -> None:
    """Who spoke, what was thought, called and returned, how long it took, what it used and cost."""
    assert drawn(EXCHANGE, price=lambda _model, _usage: Decimal("0.0034")) == (
        "support@2 · claude-sonnet-5-5\n"
        "\nyou\n"
        "  Where is ORD-1042?\n"
        "\nsupport@2\n"
        "  ┆ I should look.\n"
        "  Let me look.\n"
        "  turn 1 · 0.50 s · 10 in · 5 out · $0.0034\n"
        '  → get_order {"id":"ORD-1042"}\n'
        '  ← 0.50 s {"status":"shipped"}\n'
        "  It was shipped.\n"
        "  turn 2 · 0.50 s · 1,030 in (1,000 cached, 20 written) · 5 out · $0.0034 · total $0.0068\n"
        "\n2 turns · 1 tool call · 3.00 s · 1,040 in (1,000 cached, 20 written) · 10 out · $0.0068\n"
    )


THOUGHT = reply(thinking("Where is it?\n\nThe customer\tasks for an order."), text("Where is it, I ask."))


@pytest.mark.parametrize("terminal", [True, False])
def test_thinking_stands_behind_a_gutter(terminal: Any) -> None:
    """Every line of it, wrapped or blank, on a terminal and in a file: the answer is never taken for it."""
    screen = drawn([STARTED, ModelAsked(1, "m"), THOUGHT], 24, terminal=terminal)
    wrapped = "The customer    asks\n  ┆ for an order.\n" if terminal else "The customer    asks for an order.\n"
    assert f"\nsupport@2\n  ┆ Where is it?\n  ┆\n  ┆ {wrapped}  Where is it," in screen


def test_the_gutter_can_be_ascii() -> None:
    """Where the stream has no such character, a bar stands for it."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    trace = Trace(Console(file=stream, width=80))
    trace(Entry(0, 0.0, STARTED))
    trace(Entry(1, 0.0, THOUGHT))
    trace.close()
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    assert b"\n  | Where is it?\n  |\n  | The customer" in stream.buffer.getvalue()


def test_thinking_is_dim_where_there_is_colour() -> None:
    """The gutter comes on top of the style."""
    on = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard", no_color=False)
    trace = Trace(on)
    trace(Entry(0, 0.0, STARTED))
    trace(Entry(1, 0.0, THOUGHT))
    assert "\x1b[2;3m  ┆ Where\x1b[0m" in written(on)


def test_thinking_can_be_collapsed() -> None:
    """One dim line in the gutter says how much was thought."""
    screen = drawn(EXCHANGE, show_thinking=False)
    assert "I should look." not in screen
    assert "  ┆ thought for 14 chars\n  Let me look.\n" in screen


def test_without_details_only_what_was_said_and_what_went_wrong() -> None:
    """The answer, no tool, no figures; an error still shows."""
    events = [
        *EXCHANGE[:-1],
        UserSaid("again"),
        ModelFailed(1, "api_error", "boom", 500),
        RunEnded("model_error", "boom"),
    ]
    screen = drawn(events, details=False)
    assert "Let me look.\n  It was shipped.\n" in screen
    assert "api_error: boom" in screen
    assert "ended: model_error: boom" in screen
    assert not re.search(r"turn|get_order|→|thought", screen)


def test_an_unknown_price_is_never_zero() -> None:
    """Nothing is shown as $0 that was not free, and a sum with a gap is a lower bound."""
    prices = iter([Decimal("0.01"), None])
    screen = drawn(EXCHANGE, price=lambda _model, _usage: next(prices))
    assert "5 out · price unknown · total ≥ $0.0100" in screen
    assert "price unknown" in drawn(EXCHANGE, price=lambda _model, _usage: None)
    assert "$" not in drawn(EXCHANGE, price=lambda _model, _usage: None)


def test_without_prices_nothing_is_said_of_cost() -> None:
    """A caller who has no prices gets no claim about them."""
    assert "$" not in drawn(EXCHANGE)
    assert "price" not in drawn(EXCHANGE)


def test_failed_attempts_say_what_came_of_them() -> None:
    """An attempt that was repeated says so; the last one does not."""
    failed = ModelFailed(1, "overloaded_error", "Overloaded", 529, retryable=True, retry_after=2)
    start = [STARTED, UserSaid("hi"), ModelAsked(1, "m"), failed]
    line = "  attempt 1 failed: overloaded_error, told to wait 2 s: Overloaded\n"
    assert f"{line}  retrying\n  hello\n" in drawn([*start, reply(text("hello"))])
    assert f"{line}\nended: model_error" in drawn([*start, RunEnded("model_error", "Overloaded")])


def test_a_reply_that_broke_off_is_not_spliced() -> None:
    """What was shown of the failed attempt is declared void, and the next one begins on a line of its own."""
    on = console()
    trace = Trace(on)
    for i, event in enumerate([STARTED, UserSaid("hi"), ModelAsked(1, "m")]):
        trace(Entry(i, 0.0, event))
    trace.delta("text", "Hel")
    trace(Entry(3, 0.0, ModelFailed(1, "stream_truncated", "cut short", None, retryable=True)))
    trace.delta("restart", "")
    trace.delta("text", "Hello")
    trace(Entry(4, 0.0, reply(text("Hello"))))
    assert "  Hel\n  what it said last is void: the reply broke off\n  attempt 1 failed" in written(on)
    assert written(on).count("Hello") == 1


def test_errors_of_tools_name_their_type() -> None:
    """The model is told what went wrong, and so is the person."""
    screen = drawn([STARTED, ToolCalled("a", "pay", {}), ToolReturned("a", "pay", "no such order", "reported")])
    assert "  ✗ reported 0.50 s: no such order\n" in screen


def test_parallel_calls_name_their_results() -> None:
    """With two calls on the way, a result says whose it is."""
    events = [
        STARTED,
        reply(call("one", "a"), call("two", "b")),
        ToolCalled("a", "one", {}),
        ToolCalled("b", "two", {}),
        ToolReturned("a", "one", "1"),
        ToolReturned("b", "two", "2"),
    ]
    screen = drawn(events)
    assert "← one 1.00 s 1\n" in screen
    assert "← two 1.00 s 2\n" in screen


def test_tools_that_the_api_ran_stand_in_the_reply() -> None:
    """Server tools have no events of their own; they are read from the blocks."""
    screen = drawn(
        [
            STARTED,
            reply(
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "tents"}},
                {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "web_search_result"}]},
                {"type": "redacted_thinking", "data": "x"},
                text("Found."),
                stop="end_turn",
            ),
        ]
    )
    assert '→ web_search {"query":"tents"} · run by the API' in screen
    assert "← " in screen
    assert "  ┆ thought; the text is withheld\n" in screen


def test_every_kind_of_event_is_drawn() -> None:
    """A new kind of event needs a line here, or this fails."""
    events: list[Event] = [
        *EXCHANGE,
        ModelFailed(1, "api_error", "boom"),
        FellBack("claude-haiku-5", "api_error"),
        Recalled("run-1", "claude-sonnet-5-5", [text("It was shipped.")], "end_turn", 725.0),
        GuardRuled("pii", "input", "block", "an IBAN"),
        Approved("a", approved=True),
        Settled("a", "repeat", "rule", "it only reads"),
        Resumed("agentctl 0.1.0"),
        Delegated("a", "worker@1", "run-2"),
        HandedOff("billing@1", "sha256:1", "claude-opus-5"),
        Observed("orders", [["shipped"]]),
    ]
    assert {type(event) for event in events} == set(EVENT_TYPES.values())
    screen = drawn(events)
    for line in (
        "api_error: claude-haiku-5 is asked instead",
        "It was shipped.",
        "cached answer, 12 min old · from run run-1 · claude-sonnet-5-5",
        "guard pii on input: block: an IBAN",
        "get_order allowed by person",
        "get_order was interrupted and is run again, says a rule: it only reads",
        "resumed by agentctl 0.1.0",
        "→ worker@1 · run run-2",
        "from here on billing@1 · claude-opus-5 answers",
        'seen afterwards: orders = [["shipped"]]',
    ):
        assert line in screen


@pytest.mark.parametrize("width", [40, 80, 200])
def test_nothing_from_outside_acts_on_the_terminal(width: int) -> None:
    """Control sequences and markup in every field of every event come out as text."""
    events: list[Event] = [
        RunStarted(HOSTILE, HOSTILE, HOSTILE, parent=HOSTILE),
        UserSaid(HOSTILE),
        GuardRuled(HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        ModelAsked(1, HOSTILE),
        ModelFailed(1, HOSTILE, HOSTILE),
        reply(thinking(HOSTILE), text(HOSTILE), call(HOSTILE, HOSTILE, **{HOSTILE: HOSTILE})),
        Approved(HOSTILE, approved=False, by=HOSTILE, reason=HOSTILE),
        ToolCalled(HOSTILE, HOSTILE, {HOSTILE: HOSTILE}),
        ToolReturned(HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        ToolReturned(HOSTILE, HOSTILE, [text(HOSTILE), {"type": HOSTILE}]),
        reply({"type": "server_tool_use", "name": HOSTILE, "input": {HOSTILE: HOSTILE}}, stop="pause_turn"),
        Delegated(HOSTILE, HOSTILE, HOSTILE),
        HandedOff(HOSTILE, HOSTILE, HOSTILE),
        Observed(HOSTILE, HOSTILE),
        RunEnded(HOSTILE, HOSTILE),
    ]
    screen = drawn(events, width, terminal=True)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", screen)
    assert "[bold" in screen
    assert "[link=" in drawn(events, 200)


@pytest.mark.parametrize("width", [20, 40, 80])
def test_every_line_fits_the_window(width: int) -> None:
    """Long arguments, results and figures are cut or wrapped; only a word can be longer than the window."""
    long = {"text": "word " * 100}
    events = [
        *EXCHANGE,
        ToolCalled("b", "a_tool_with_a_rather_long_name", long),
        ToolReturned("b", "a_tool_with_a_rather_long_name", "result " * 100, "raised"),
        ModelFailed(1, "overloaded_error", "message " * 100),
    ]
    for line in drawn(events, width, terminal=True).splitlines():
        assert len(line) <= width or len(line.split()) == 1, line


def test_output_without_unicode_stays_readable() -> None:
    """An ASCII stream gets ASCII marks, and nothing raises."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    trace = Trace(Console(file=stream, width=80))
    for i, event in enumerate([*EXCHANGE, UserSaid("Grüße 👋")]):
        trace(Entry(i, 0.0, event))
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    screen = stream.buffer.getvalue().decode("ascii")
    assert "-> get_order" in screen
    assert "Gr??e ?" in screen


def test_a_muted_trace_counts() -> None:
    """What happened before a conversation was taken up again is in the totals, not on the screen."""
    on = console()
    trace = Trace(on)
    trace.muted = True
    for i, event in enumerate(EXCHANGE):
        trace(Entry(i, 0.0, event))
    assert written(on) == ""
    assert trace.totals.turns == 2


def test_a_live_run_draws_what_the_stored_run_draws() -> None:
    """Streaming through `drive` and reading the entries back put the same characters on the screen."""

    async def streamed(answer: ModelReplied) -> ModelReplied:
        for block in answer.content:
            for piece in re.findall(r"(?s).{1,3}", block.get("text", "") + block.get("thinking", "")):
                live.delta(block["type"], piece)
        return answer

    answers = [
        reply(thinking("Let me think about it."), text("I look it up."), call("look")),
        reply(text("It is\n\n- here\n- there\n")),
    ]
    on = console(40, terminal=True)
    live = Trace(on)
    model = ScriptedModel(*(lambda _request, each=each: streamed(each) for each in answers))
    run = asyncio.run(drive(agent(), Run(), model=model, tools=ScriptedTools(), hear=says("where?"), sinks=[live]))
    stored = console(40, terminal=True)
    again = Trace(stored)
    for entry in run.entries:
        again(entry)
    assert written(on) == written(stored)
    assert "  It is\n\n  - here\n  - there\n" in written(on)


PIECES = st.lists(st.text(st.sampled_from("ab \n\x1b[0m") | st.characters(), max_size=12), max_size=6)


@given(PIECES, PIECES, st.sampled_from([True, False]), st.integers(20, 60))
def test_streamed_is_stored_for_any_reply(thought: list[str], said: list[str], show: Any, width: int) -> None:
    """For all texts and cuts: the deltas change when something is drawn, never what."""
    blocks = [thinking("".join(thought)), text("".join(said))]
    screens = []
    for streams in (True, False):
        on = console(width, terminal=True)
        trace = Trace(on, show_thinking=show)
        trace(Entry(0, 0.0, STARTED))
        trace(Entry(1, 0.0, ModelAsked(1, "m")))
        if streams:
            for kind, pieces in (("thinking", thought), ("text", said)):
                for piece in pieces:
                    trace.delta(kind, piece)
        trace(Entry(2, 0.0, reply(*blocks)))
        screens.append(written(on))
    assert screens[0] == screens[1]
