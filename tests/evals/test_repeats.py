"""Repeats of a case: what is enough of them, who shields whom, and what the figures of a suite are."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.config.project import Project
from agentctl.errors import ConfigError, UsageError
from agentctl.evals.repeats import Tally, tallies
from agentctl.evals.result import CaseResult
from agentctl.evals.statistics import Statistics, steps
from agentctl.evals.suite import load_suite
from agentctl.evals.terms import Enough, Quarantine, Terms, today

HEAD = "schema: 1\nkind: suite\nagent: desk@1\ncases:\n"
DAY = date(2026, 11, 23)
HELD = "{owner: Ana, reason: the carrier is down, until: 2026-12-31}"


def runs(**statuses: str) -> list[CaseResult]:
    """Runs of cases: p passes, f fails, e errors, m is missing."""
    words = {"p": "pass", "f": "fail", "e": "error", "m": "missing"}
    return [
        CaseResult("desk", id_, number + 1, words[sign])
        for id_, signs in statuses.items()
        for number, sign in enumerate(signs)
    ]


def figures(terms: dict[str, Terms] | None = None, **statuses: str) -> Any:
    """The statistics of such runs, as they stand in the document."""
    return Statistics(tallies(runs(**statuses), terms or {}, {}), DAY).to_json()


@pytest.mark.parametrize(
    ("enough", "signs", "verdict"),
    [
        ("all", "ppp", "pass"),
        ("all", "ppf", "fail"),
        ("all", "ppe", "pass"),
        ("any", "ffp", "pass"),
        ("any", "fff", "fail"),
        (0.8, "ppppf", "pass"),
        (0.8, "pppff", "fail"),
        (0.8, "ppppfe", "pass"),
        (1.0, "ppf", "fail"),
        ("any", "em", None),
    ],
)
def test_how_many_are_enough(enough: Enough, signs: str, verdict: str | None) -> None:
    """All, any or a share of the verdicts; a run without one is not counted."""
    (tally,) = tallies(runs(one=signs), {"one": Terms(enough=enough)}, {})
    assert tally.verdict == verdict


@given(st.integers(1, 60), st.integers(1, 100))
def test_a_share_that_was_reached_is_enough(judged: int, percent: int) -> None:
    """No share fails for the sake of a rounding: 7 of 10 are enough for 0.7."""
    passed = -(-judged * percent // 100)
    terms = Terms(enough=percent / 100)
    assert terms.satisfied(passed, judged) is True
    assert terms.satisfied(passed - 1, judged) is False


def test_figures_count_verdicts_and_name_the_rest() -> None:
    """The rate is over verdicts; errors stand beside it; a case that does both is flaky."""
    found = figures(a="ppp", b="pfp", c="fff", d="epm")
    assert (found["passes"], found["of"], found["no_verdict"]) == (6, 10, {"error": 1, "missing": 1})
    assert found["pass_rate"] == 0.6
    assert found["flaky"] == ["b"]
    assert [(case["passes"], case["of"]) for case in found["cases"]] == [(3, 3), (2, 3), (0, 3), (1, 1)]


def test_the_interval_is_wilsons() -> None:
    """33 of 57 is 45.0 to 69.8 percent, and no verdict is no interval."""
    found = figures(**{f"c{i}": "p" for i in range(33)}, **{f"d{i}": "f" for i in range(24)})
    assert found["interval"] == pytest.approx([0.4498, 0.6981], abs=5e-4)
    assert figures(a="e")["interval"] is None


def test_tries_are_estimated_without_bias() -> None:
    """pass@k and pass^k of (3 of 3, 2 of 3, 0 of 3), by hand; a case with fewer tries is left out."""
    found = figures(a="ppp", b="ppf", c="fff", d="pee")["tries"]
    assert [(each["k"], each["cases"]) for each in found] == [(1, 4), (2, 3), (3, 3)]
    assert [each["pass_at"] for each in found] == pytest.approx([8 / 12, 2 / 3, 2 / 3], abs=1e-6)
    assert [each["pass_hat"] for each in found] == pytest.approx([8 / 12, (1 + 1 / 3) / 3, 1 / 3], abs=1e-6)
    assert figures(a="p", b="f")["tries"] == []


def test_groups_are_clusters() -> None:
    """Cases of one group count as one cluster, so that the error grows; runs of one case always do."""
    alone = figures(a="p", b="p", c="f", d="f")
    paired = figures(
        {each: Terms(group="one" if each in "ab" else "two") for each in "abcd"}, a="p", b="p", c="f", d="f"
    )
    assert (alone["groups"], paired["groups"]) == (4, 2)
    assert paired["standard_error"] > alone["standard_error"] > 0
    assert figures(a="pp", b="ff")["standard_error"] == paired["standard_error"]


@given(st.integers(1, 5000))
def test_steps_end_with_all(most: int) -> None:
    """Every k to ten, few beyond it, and the last one."""
    found = steps(most)
    assert found == sorted(set(found))
    assert found[-1] == most
    assert found[:10] == list(range(1, min(most, 10) + 1))
    assert len(found) < 22


def test_a_quarantine_ends_after_its_day() -> None:
    """On its last day it holds; on the next it does not; a case that passes is ready to leave it."""
    held = Terms(quarantine=Quarantine("Ana", "why", DAY))
    (tally,) = tallies(runs(a="pp"), {"a": held}, {})
    assert (tally.shielded(DAY), tally.lapsed(DAY)) == (True, False)
    assert (tally.shielded(date(2026, 11, 24)), tally.lapsed(date(2026, 11, 24))) == (False, True)
    assert tally.releasable
    found = figures({"a": held, "b": held}, a="pp", b="pe")
    assert (found["quarantined"], found["release"]) == (["a", "b"], ["a"])


def load(tmp_path: Path, case: str) -> Tally | list[str]:
    """The terms of a case with these keys as an empty tally, or what is wrong with them."""
    path = tmp_path / "desk.yaml"
    path.write_text(f"{HEAD}  - {{id: a, input: Hi, {case}}}\n")
    try:
        terms = load_suite(path, Project(tmp_path)).cases[0].terms
    except ConfigError as error:
        return [f"{each.line}:{each.column}: {each.message}" for each in error.problems]
    return Tally("a", 0, terms, 0, 0, {}, 1)


def test_terms_are_read(tmp_path: Path) -> None:
    """Group, share and quarantine of a case, as they stand in the suite."""
    found = load(tmp_path, f"group: g, pass: 0.8, quarantine: {HELD}")
    assert isinstance(found, Tally)
    assert found.terms == Terms("g", 0.8, Quarantine("Ana", "the carrier is down", date(2026, 12, 31)))


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("quarantine: {owner: A, reason: b, until: soon}", "5:65: `until` is soon, which is no date"),
        ("quarantine: {owner: A, reason: b, until: 2026-02-30}", "5:65: `until` is 2026-02-30, which is no date"),
        ("quarantine: {owner: A, reason: b, until: 20261231}", "5:65: `until` must be text, not 20261231"),
        ("quarantine: {reason: b, until: 2026-12-31}", "5:36: `owner` is missing in `quarantine`"),
        ("quarantine: {owner: A, until: 2026-12-31}", "5:36: `reason` is missing in `quarantine`"),
        ("quarantine: {owner: A, reason: '', until: 2026-12-31}", "5:55: `reason` must not be empty"),
        ("quarantine: {owner: A, reason: b}", "5:36: `until` is missing in `quarantine`"),
        ("quarantine: true", "5:36: `quarantine` must be a mapping, not true"),
        ("pass: some", "5:30: `pass` must be all, any, or a share above 0 and up to 1, not some"),
        ("pass: 2", "5:30: `pass` must be all, any, or a share above 0 and up to 1, not 2"),
        ("pass: 0", "5:30: `pass` must be all, any, or a share above 0 and up to 1, not 0"),
        ("group: ''", "5:31: `group` must not be empty"),
    ],
)
def test_what_is_wrong_is_named_at_its_place(tmp_path: Path, case: str, message: str) -> None:
    """Line and column of each mistake in a quarantine, a group, or what is enough."""
    assert load(tmp_path, case) == [message]


def test_the_day_can_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """`AGENTCTL_TODAY` is the day; what is no date is refused."""
    monkeypatch.setenv("AGENTCTL_TODAY", "2027-01-01")
    assert today() == date(2027, 1, 1)
    monkeypatch.setenv("AGENTCTL_TODAY", "tomorrow")
    with pytest.raises(UsageError, match="tomorrow"):
        today()
