"""Who approves in a case: the case, call by call, in the words of the person whose run it was."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agentctl.agent.events import Approved, Event, ModelReplied, ToolCalled, ToolReturned, UserSaid
from agentctl.agent.values import replace
from agentctl.evals.approvals import DENIED, Denials, as_document, decided, deciding
from agentctl.evals.from_run import obstacle
from agentctl.evals.plan import plan
from support.till import Canned, case_of, edit, lay_down, record, replay, text, use

CALLS = ["empty", "book", "empty", "empty"]


@pytest.mark.parametrize(
    ("approve", "deny", "expected"),
    [
        (True, {}, [True, True, True, True]),
        (False, {}, [DENIED, DENIED, DENIED, DENIED]),
        (True, {"empty": "Not now."}, ["Not now.", True, "Not now.", "Not now."]),
        (True, {"empty": (None, "Once only.")}, [True, True, "Once only.", True]),
        (False, {"empty": (None, "Once only.")}, [True, DENIED, "Once only.", DENIED]),
        (False, {"empty": ()}, [DENIED, DENIED, DENIED, DENIED]),
    ],
)
def test_each_call_is_decided(*, approve: bool, deny: Denials, expected: list[bool | str]) -> None:
    """What is denied is so in its words; beyond what is said of a tool, `approve` decides."""
    decide = deciding(approve=approve, deny=deny)

    async def body() -> list[bool | str]:
        answers = [await decide(ToolCalled(f"t{number}", name, {})) for number, name in enumerate(CALLS)]
        return [True if allowed else reason for allowed, reason in answers]

    assert asyncio.run(body()) == expected


def happened(*answers: tuple[str, str | None]) -> list[Event]:
    """The facts of calls and what a person said to each; None: yes."""
    blocks = [use(name, f"t{number}") for number, (name, _) in enumerate(answers)]
    replies: list[Event] = [ModelReplied("m", "x", blocks, "tool_use", {})]
    return replies + [
        Approved(f"t{number}", reason is None, reason=reason or "") for number, (_, reason) in enumerate(answers)
    ]


def test_what_a_person_decided_is_a_document() -> None:
    """All allowed says nothing more; always the same words are said once; what differs is a list."""
    assert decided(happened(("empty", None), ("book", None))) == (True, {})
    assert decided(happened(("empty", "No."), ("empty", "No."))) == (False, {"empty": "No."})
    approve, deny = decided(happened(("empty", None), ("empty", "No."), ("book", None)))
    assert (approve, as_document(deny)) == (True, {"empty": [None, "No."]})


SUITE = """\
schema: 1
kind: suite
agent: till
cases:
  - id: twice
    input: Empty it twice
    deny: {empty: [null, Once is enough.]}
    assert: [{contains: Once}]
"""
SAYS = {"Empty it twice": [[use("empty", "toolu_1")], [use("empty", "toolu_2")], [text("Once, then.")]]}


def test_a_case_allows_the_first_call_and_denies_the_second(tmp_path: Path) -> None:
    """The model is told the words; other words make the recording stale, as do none."""
    project = lay_down(tmp_path, SUITE)
    assert record(project, Canned(dict(SAYS))).cases[0].status == "pass"
    seen = case_of(replay(project), "twice")
    assert seen.outcome is not None
    returned = [event for event in seen.outcome.run.events if isinstance(event, ToolReturned)]
    assert [(event.content, event.error_type) for event in returned] == [
        ("emptied", None),
        ("not allowed: Once is enough.", "denied"),
    ]
    edit(tmp_path / "evals/till.yaml", "Once is enough.", "No.")
    assert case_of(replay(project), "twice").stale == ("case input",)


def test_what_is_no_text_is_named(tmp_path: Path) -> None:
    """A case says texts: a turn with an image is refused by its number and what it holds."""
    (job, *_) = plan(lay_down(tmp_path))
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
    said: list[Event] = [UserSaid("Hello"), UserSaid([image, text("What is this?")])]
    assert obstacle(replace(job), said).startswith(
        "in turn 2 the user sent blocks (1 image (image/png), 1 text), and a case says one text in each turn"
    )
