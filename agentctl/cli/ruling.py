"""A person says what became of a call that was interrupted: by a flag, or when they are asked at the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rich.console import Console

from agentctl.agent.events import ToolCalled
from agentctl.agent.settle import ABANDONED, HAPPENED, REPEAT, Decide, Ruling
from agentctl.cli.approval import typed
from agentctl.observe.clean import clean
from agentctl.observe.page import Page

QUESTION = "  did it take effect? [y: yes, n: no, run it; a: leave it; or what it answered] "
WORDS = {"y": HAPPENED, "yes": HAPPENED, "n": REPEAT, "no": REPEAT, "a": ABANDONED, "abandon": ABANDONED}


def asking_rulings(given: Mapping[str, Ruling], console: Console | None) -> Decide:
    """What the flags say of a call, else what is typed on `console`; None when neither says anything."""

    async def decide(call: ToolCalled) -> Ruling | None:
        if call.call_id in given:
            return given[call.call_id]
        if console is None:
            return None
        page = Page(console)
        page.write(("\n  ", ""), (clean(call.name), "bold yellow"), (" was begun and did not answer:\n", "yellow"))
        page.block(clean(json.dumps(call.input, indent=2, ensure_ascii=False)))
        answer = await typed(QUESTION)
        if not answer:
            return None
        verdict = WORDS.get(answer.lower())
        return Ruling(verdict) if verdict is not None else Ruling(HAPPENED, answer)

    return decide
