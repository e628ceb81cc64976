"""The check on what a run did to the world: a read-only SQL query on a database of the case's workspace.

The query is run once, right after the run, and its rows become an `Observed` event; the recording keeps that. So the
same check judges a run with live tools and its replay, and what is compared here is never looked up again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final, TypeAlias

import orjson

from agentctl.agent.events import Json, JsonObject, RunEnded
from agentctl.evals.scorers.outcome import Outcome, Place
from agentctl.evals.scorers.score import PASSED, Assertion, CannotScore, Fields, Misfit, Score, Scorer, failed, named

SHOWN_ROWS: Final = 5

Row: TypeAlias = list[Json]


@dataclass(frozen=True, slots=True)
class StateQuery:
    """A query and the rows it must give; row order counts only when `ordered`."""

    database: str
    """Path inside the workspace."""
    query: str
    rows: list[Row] | list[JsonObject]
    ordered: bool = False

    @property
    def name(self) -> str:
        """What the observation is called in events and recordings: all that decides what comes back."""
        return f"state {self.database}: {self.query}"


def score_state(assertion: Assertion, outcome: Outcome) -> Score:
    """The query gave these rows, no more and no less."""
    state: StateQuery = assertion.ready
    seen = outcome.observed.get(state.name)
    if seen is None:
        raise CannotScore(f"nothing was observed for the query on {state.database}: {state.query}")
    if isinstance(seen, dict) and "error" in seen:
        raise CannotScore(f"the query on {state.database} failed: {seen['error']}")
    columns, found = (seen.get("columns"), seen.get("rows")) if isinstance(seen, dict) else (None, None)
    if not isinstance(columns, list) or not isinstance(found, list) or not all(isinstance(row, list) for row in found):
        raise CannotScore(f"what was recorded of the query on {state.database} is damaged: {state.query}")
    got = [_plain(row) for row in found]
    expected = [_plain(_as_list(row, columns)) for row in state.rows]
    if got == expected or (not state.ordered and _count(got) == _count(expected)):
        return PASSED
    return failed(
        _reason(expected, got),
        expected=_lines(expected),
        got=_lines(got),
        places=(Place(_seq(outcome, state.name), outcome.turns),),
    )


def _reason(expected: list[Row], got: list[Row]) -> str:
    if _count(got) == _count(expected):
        return "the rows come in another order"
    missing, more = _count(expected) - _count(got), _count(got) - _count(expected)
    parts = [f"{sum(missing.values())} expected not there"] if missing else []
    parts += [f"{sum(more.values())} there not expected"] if more else []
    return f"the rows differ: {', '.join(parts)}"


def _as_list(row: Row | JsonObject, columns: list[str]) -> Row:
    """A row written as a mapping, in the order of the query's columns; a name that is no column makes it unequal."""
    if isinstance(row, dict):
        known = [row.get(column) for column in columns]
        return known if set(row) == set(columns) else [*known, row]
    return row


def _plain(row: Row) -> Row:
    """SQLite has no booleans, and gives 84.0 where YAML says 84."""
    return [int(value) if isinstance(value, bool) or _is_whole(value) else value for value in row]


def _is_whole(value: Json) -> bool:
    return isinstance(value, float) and value.is_integer()


def _count(rows: list[Row]) -> Counter[bytes]:
    return Counter(orjson.dumps(row) for row in rows)


def _lines(rows: list[Row]) -> str:
    shown = [orjson.dumps(row).decode() for row in rows[:SHOWN_ROWS]]
    more = [f"and {len(rows) - SHOWN_ROWS} more"] if len(rows) > SHOWN_ROWS else []
    return ", ".join(shown + more) or "no rows"


def _seq(outcome: Outcome, name: str) -> int:
    entries = outcome.run.entries
    seqs = [entry.seq for entry in entries if getattr(entry.event, "name", None) == name]
    return seqs[-1] if seqs else next((entry.seq for entry in entries if isinstance(entry.event, RunEnded)), 0)


def state_query(fields: Fields) -> StateQuery:
    """`database`, `query`, `rows` and `ordered`.

    Raises:
        Misfit: one is missing or has not the right shape, or the database is not inside the workspace.
    """
    database, query = _text(fields, "database"), _text(fields, "query")
    path = PurePosixPath(database)
    if path.is_absolute() or ".." in path.parts:
        raise Misfit(f"{database} is not inside the workspace", "database", hint="a path such as shop.db")
    ordered = fields.get("ordered", False)
    if not isinstance(ordered, bool):
        raise Misfit(f"ordered is true or false, not {named(ordered)}", "ordered")
    return StateQuery(database, query.strip(), _rows(fields), ordered)


def _text(fields: Fields, key: str) -> str:
    value = fields.get(key)
    if isinstance(value, str) and value.strip():
        return value
    raise Misfit(f"{key} is missing" if value is None else f"{key} is text, not {named(value)}", key)


def _rows(fields: Fields) -> Any:
    rows = fields.get("rows")
    if rows is None:
        raise Misfit("rows is missing", "rows", hint="rows: [[cancelled]], or rows: [] for none")
    if not isinstance(rows, list):
        raise Misfit(f"rows is a list of rows, not {named(rows)}", "rows", hint="rows: [[cancelled]]")
    for index, row in enumerate(rows):
        if not isinstance(row, (list, dict)):
            hint = "one list per row: rows: [[cancelled]]"
            raise Misfit(f"a row is a list or a mapping of columns, not {named(row)}", "rows", index, hint=hint)
    return rows


SCORERS: Final[dict[str, Scorer]] = {
    "state": Scorer(
        score_state,
        state_query,
        {},
        fields={
            "database": {"type": "string", "description": "Path of an SQLite file inside the workspace"},
            "query": {"type": "string", "description": "Read-only SQL, run after the case"},
            "rows": {"type": "array", "items": {"type": ["array", "object"]}},
            "ordered": {"type": "boolean"},
        },
        needs_value=False,
        value_is_fields=True,
        of_turns=False,
    )
}
