"""A person allows a tool call, or says why not. Everything the call would do is on the screen before they are asked."""

from __future__ import annotations

import asyncio
import json
from typing import Final

from rich.console import Console

from agentctl.agent.events import ToolCalled
from agentctl.agent.ports import Approve
from agentctl.observe.clean import clean
from agentctl.observe.page import Page

YES: Final = frozenset({"y", "yes"})
NO: Final = frozenset({"", "n", "no"})
DECLINED: Final = "the person declined"


async def allow(_call: ToolCalled) -> tuple[bool, str]:
    """Allows every call, as `--yes` asked for."""
    return True, "--yes"


def asking(console: Console) -> Approve:
    """An approver that shows the call on `console` and asks at the terminal; an answer beside y and n is a reason."""
    page = Page(console)

    async def approve(call: ToolCalled) -> tuple[bool, str]:
        page.write(("\n  ", ""), (clean(call.name), "bold yellow"), (" needs your approval:\n", "yellow"))
        page.block(clean(json.dumps(call.input, indent=2, ensure_ascii=False)))
        answer = await typed("  run it? [y/N, or why not] ")
        if answer.lower() in YES:
            return True, ""
        return False, DECLINED if answer.lower() in NO else answer

    return approve


async def typed(question: str) -> str:
    """What the person typed; Ctrl-D is nothing, Ctrl-C ends the turn."""
    from prompt_toolkit import PromptSession  # noqa: PLC0415  asked rarely
    from prompt_toolkit.output.defaults import create_output  # noqa: PLC0415

    prompt: PromptSession[str] = PromptSession(output=create_output(always_prefer_tty=True))
    try:
        return (await prompt.prompt_async(question, handle_sigint=False)).strip()
    except EOFError:
        return ""
    except KeyboardInterrupt:
        raise asyncio.CancelledError from None
