"""The answers of the store's file, under the key of the config room, for one run: the core sees none of the three.

An answer in which a secret would be redacted is not kept at all: without it, it would be another answer.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from agentctl.agent.answers import text_blocks
from agentctl.agent.events import ModelReplied, Recalled
from agentctl.agent.ports import Request
from agentctl.agent.spec import Agent, CachedAnswers
from agentctl.cli.wiring import LiveWire, address
from agentctl.config.answer_key import answer_key
from agentctl.config.canonical import digest
from agentctl.config.project import Project
from agentctl.errors import AgentctlError
from agentctl.store.answers import Answers

NO_SCRIPT: Final = "echo"


@dataclass(frozen=True, slots=True)
class RunAnswers:
    """What the core asks of them; see `agent.ports.Answers`."""

    kept: Answers
    rules: CachedAnswers
    agent: Agent
    project: Project
    place: str
    """Whose answers these are; see `place_of`."""
    run: str
    """The id under which this run is stored."""

    def recall(self, request: Request) -> Recalled | None:
        """The answer to the same request of the same agent, at the same place."""
        key = answer_key(self.agent, request, self.place)
        return None if key is None else self.kept.recall(key, self.rules)

    def keep(self, request: Request, reply: ModelReplied) -> None:
        """Keeps the reply, where there is nothing in it to redact."""
        key = answer_key(self.agent, request, self.place)
        if key is not None and self._is_clean(reply):
            self.kept.keep(key, self.agent, self.run, reply, self.rules)

    def _is_clean(self, reply: ModelReplied) -> bool:
        from agentctl.evals.redaction import project_rules  # noqa: PLC0415  only where an answer is kept

        try:
            redactor = project_rules(self.project).for_recording(os.environ)
            blocks = text_blocks(reply.content)
            return redactor.value(blocks) is blocks
        except (AgentctlError, OSError):  # rules that cannot be read let nothing pass
            return False


def place_of(agent: Agent, live: LiveWire) -> str:
    """Where the answers come from: the address that is asked, or the simulator with the script it answers from.

    A scripted answer can so never be given to a run that asks a model, nor one of another script.
    """
    if not live.simulated:
        return f"model at {address(agent.provider)}"
    try:
        script = NO_SCRIPT if live.script is None else digest(live.script.read_bytes().hex())
    except OSError:
        script = str(live.script)
    return f"{live.source} {script}"
