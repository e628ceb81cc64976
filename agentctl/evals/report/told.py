"""A result as reports read it: its document, whose cases come one at a time and from the start as often as wanted.

It is the same whether it is told of an evaluation that just ended or of a document that was read back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agentctl.agent.events import JsonObject
from agentctl.evals.result import Evaluation


@dataclass(frozen=True, slots=True)
class Told:
    """The document in two parts. Keys are those of `eval --json`."""

    head: JsonObject
    """All of it but the cases: those of its `suites` are empty lists."""
    cases: Callable[[], Iterator[tuple[JsonObject, JsonObject]]]
    """Every case with its suite (without cases), in order."""

    @property
    def document(self) -> JsonObject:
        """The whole document at once."""
        suites = [{**suite, "cases": []} for suite in self.head["suites"]]
        at = {id(suite): whole for suite, whole in zip(self.head["suites"], suites, strict=True)}
        for suite, case in self.cases():
            at[id(suite)]["cases"].append(case)
        return {**self.head, "suites": suites}


def told_of(evaluation: Evaluation, exit_code: int) -> Told:
    """An evaluation that exits with this code; each case is put into words when it is asked for."""
    head = evaluation.head_json(exit_code)

    def cases() -> Iterator[tuple[JsonObject, JsonObject]]:
        for suite, told in zip(evaluation.suites, head["suites"], strict=True):
            for case in suite.cases:
                yield told, case.to_json()

    return Told(head, cases)


def told(document: JsonObject) -> Told:
    """A document that was read back."""
    suites = [{**suite, "cases": []} for suite in document["suites"]]

    def cases() -> Iterator[tuple[JsonObject, JsonObject]]:
        for whole, suite in zip(document["suites"], suites, strict=True):
            for case in whole["cases"]:
                yield suite, case

    return Told({**document, "suites": suites}, cases)
