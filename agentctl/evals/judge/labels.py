"""Answers that people have judged: a file of JSON lines or CSV, each with an output and what a person said of it.

All labels of a file are of one kind, pass or fail or a score on the rubric's scale; a mix would be no measure.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import orjson

from agentctl.config.rubrics import Rubric
from agentctl.errors import NothingSelected, UsageError
from agentctl.evals.judge.brief import Part

WORDS: Final = {"pass": True, "fail": False, "true": True, "false": False, "yes": True, "no": False}
NEEDED: Final = ("output", "label")

Label: TypeAlias = bool | int


@dataclass(frozen=True, slots=True)
class Labelled:
    """One answer and its label; `line` is where it stands, from 1."""

    line: int
    parts: tuple[Part, ...]
    label: Label
    variables: dict[str, str | int]

    @property
    def output(self) -> str:
        """The answer."""
        return self.parts[-1][1]


def read_labels(path: Path, rubric: Rubric) -> list[Labelled]:
    """The answers in the file, for this rubric: columns named after its slots fill them.

    Raises:
        UsageError: it cannot be read, a line is wrong, or labels do not fit the rubric or each other.
        NothingSelected: it holds none.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8"
        raise UsageError(f"{path}: cannot be read ({reason})") from None
    rows = _csv(text) if path.suffix.lower() == ".csv" else _lines(text, path)
    found = [_labelled(row, line, path, rubric) for line, row in rows]
    if not found:
        raise NothingSelected(f"{path} holds no labelled answer", hint=_hint(rubric))
    kinds = {type(each.label) for each in found}
    if len(kinds) > 1:
        other = next(each for each in found if type(each.label) is not type(found[0].label))
        raise UsageError(f"{path}:{other.line}: labels are pass or fail, or scores, and not both in one file")
    return found


def _lines(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise UsageError(f"{path}:{number}: is no JSON ({error})") from None
        if not isinstance(row, dict):
            raise UsageError(f"{path}:{number}: is no object")
        yield number, row


def _csv(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text))
    for row in reader:
        yield reader.line_num, {str(name): value for name, value in row.items() if value is not None}


def _labelled(row: dict[str, Any], line: int, path: Path, rubric: Rubric) -> Labelled:
    for name in NEEDED:
        if name not in row:
            raise UsageError(f"{path}:{line}: `{name}` is missing", hint=_hint(rubric))
    said, answer = row.get("input"), row["output"]
    if not isinstance(answer, str) or not isinstance(said, str | None):
        raise UsageError(f"{path}:{line}: `input` and `output` are texts")
    asked: list[Part] = [("user", said)] if said and rubric.sees != "answer" else []
    given = {name: row[name] for name in rubric.slots & row.keys() if isinstance(row[name], (str, int))}
    missing = sorted(rubric.slots - given.keys() - rubric.vars.keys())
    if missing:
        raise UsageError(f"{path}:{line}: {rubric.ref} asks for `{missing[0]}`, and the line does not say it")
    return Labelled(line, (*asked, ("answer", answer)), _label(row["label"], f"{path}:{line}", rubric), given)


def _label(label: Any, place: str, rubric: Rubric) -> Label:
    if isinstance(label, bool):
        return label
    text = str(label).strip().lower()
    if text in WORDS:
        return WORDS[text]
    try:
        score = float(text)
    except ValueError:
        raise UsageError(f"{place}: the label is pass or fail, or a score, not {text[:40]!r}") from None
    if rubric.scale is None:
        raise UsageError(f"{place}: the label is a score, and {rubric.ref} has no scale", hint="label pass or fail")
    low, high = rubric.scale
    if not score.is_integer() or not low <= score <= high:
        raise UsageError(f"{place}: the label is {text}, and the scale of {rubric.ref} is {low} to {high}")
    return int(score)


def _hint(rubric: Rubric) -> str:
    label = "pass" if rubric.scale is None else str(rubric.scale[1])
    return f'a line is {{"input": "...", "output": "...", "label": "{label}"}}; `input` may be left out'
