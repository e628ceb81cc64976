"""`agentctl eval` with repeats: what the page says of them, who fails the build, and when a quarantine is over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentctl.cli.eval.flags import Gates
from agentctl.cli.eval.gates import exit_code
from agentctl.cli.eval.screen import Screen
from agentctl.cli.eval.table import lines_of
from support import repeated, till
from support.desk import agentctl

HELD = 'quarantine: {owner: Ana, reason: "the bye is late", until: 2026-12-31}'
OVER = "2027-01-01"
BEFORE = "2026-12-31"


def page(root: Path, moods: str, *keys: str, width: int | None = None) -> list[str]:
    """The lines of an evaluation of the recorded project, its place left out."""
    evaluation = till.replay(repeated.record(root, moods, *keys))
    return [line.replace(f"{root}/", "") for line in lines_of(evaluation, Screen(width), 0.0)]


def code(root: Path, moods: str, *keys: str, gates: Gates | None = None) -> int:
    """The exit code of an evaluation of the recorded project."""
    return exit_code(till.replay(repeated.record(root, moods, *keys)), gates or Gates())


def test_a_page_of_repeats(tmp_path: Path) -> None:
    """The flaky case is named; pass@k, pass^k and the clustered error stand below; the rate has its interval."""
    lines = page(tmp_path, "ppf")
    assert "FLAKY    two-turns  2 of 3 passed" in lines
    at = lines.index("till: 3 tries of a case")
    assert lines[at + 1 : at + 4] == [
        "  pass@k  1: 88.9% · 2: 100.0% (1 case) · 3: 100.0% (1 case) · any of k passes",
        "  pass^k  1: 88.9% · 2: 33.3% (1 case) · 3: 0.0% (1 case) · all k pass",
        "  standard error 9.8% over 3 groups · 95% interval 60.8-99.2%",
    ]
    assert "5 cases: 4 passed, 1 failed · pass rate 80.0% (95% interval 37.6-96.4%)" in lines


def test_the_same_failure_of_many_repeats_is_told_once(tmp_path: Path) -> None:
    """Three takes that fail in the same way are three rows and one explanation."""
    lines = page(tmp_path, "fff")
    assert sum(line.startswith("  FAIL") for line in lines) == 3
    assert [line for line in lines if line.startswith("FAIL")] == ["FAIL  till/two-turns  evals/till.yaml:18"]


def test_without_repeats_there_is_nothing_to_say(tmp_path: Path) -> None:
    """A plain evaluation has the interval and no other statistics."""
    lines = page(tmp_path, "p")
    assert "3 cases: 3 passed" in lines
    assert "pass rate 100.0% (95% interval 43.9-100.0%)" in lines
    assert not [line for line in lines if "pass@k" in line or "standard error" in line]


@pytest.mark.parametrize("width", [40, 60])
def test_statistics_fit_a_narrow_window(tmp_path: Path, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but commands is wider than the window."""
    monkeypatch.setenv("AGENTCTL_TODAY", BEFORE)
    lines = page(tmp_path, "pfpfpppppp", HELD, width=width)
    assert [line for line in lines if len(line) > width and "agentctl " not in line] == []


@pytest.mark.parametrize(
    ("moods", "keys", "gates", "expected"),
    [
        ("ppf", (), Gates(), 1),
        ("ppf", ("pass: any",), Gates(), 0),
        ("ppf", ("pass: 0.6",), Gates(), 0),
        ("ppf", ("pass: 0.7",), Gates(), 1),
        ("ppf", (), Gates(min_pass_rate=0.8), 0),
        ("ppf", (), Gates(min_pass_rate=0.81), 1),
        ("ppf", (), Gates(min_pass_rate_lower=0.37), 0),
        ("ppf", (), Gates(min_pass_rate_lower=0.38), 1),
        ("ppf", (HELD,), Gates(), 0),
        ("fff", (HELD,), Gates(min_pass_rate=1.0), 0),
    ],
)
def test_gates(
    tmp_path: Path, moods: str, keys: tuple[str, ...], gates: Gates, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many repeats must pass, the rate, its lower end, and who is left out of them."""
    monkeypatch.setenv("AGENTCTL_TODAY", BEFORE)
    assert code(tmp_path, moods, *keys, gates=gates) == expected


def test_a_quarantine_shields_and_then_fails(tmp_path: Path) -> None:
    """Exit 0 with the failure in a section of its own; after the day exit 1 with owner and date, even if all pass."""
    repeated.record(tmp_path, "ppf", HELD)
    done = agentctl(tmp_path, "eval", AGENTCTL_TODAY=BEFORE)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert not [line for line in lines if line.startswith("FAIL")]
    at = lines.index("quarantined: these fail nothing for now")
    assert lines[at + 1 : at + 3] == [
        "  till/two-turns  2 of 3 passed  evals/till.yaml:18",
        "    until 2026-12-31, Ana: the bye is late",
    ]
    assert "without quarantined 100.0%" in done.stdout
    late = agentctl(tmp_path, "eval", "--json", AGENTCTL_TODAY=OVER)
    assert late.returncode == 1
    statistics = json.loads(late.stdout)["suites"][0]["statistics"]
    assert [statistics[name] for name in ("quarantined", "expired", "flaky")] == [[], ["two-turns"], ["two-turns"]]


def test_a_case_that_passes_is_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All repeats of a quarantined case pass: the page says to release it; once expired, it fails all the same."""
    monkeypatch.setenv("AGENTCTL_TODAY", BEFORE)
    assert "RELEASE  two-turns: all 3 repeats pass; take it out of quarantine" in page(tmp_path, "ppp", HELD)
    monkeypatch.setenv("AGENTCTL_TODAY", OVER)
    assert code(tmp_path, "ppp", HELD) == 1
    assert "EXPIRED  quarantine of till/two-turns ended on 2026-12-31  evals/till.yaml:18" in page(
        tmp_path, "ppp", HELD
    )


def test_a_quarantine_is_no_excuse_for_a_missing_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording that is missing is no failure of the agent that was known: exit 4."""
    monkeypatch.setenv("AGENTCTL_TODAY", BEFORE)
    project = repeated.record(tmp_path, "pp", HELD)
    till.edit(project.evals / "till.yaml", "repeat: 2", "repeat: 3")
    assert exit_code(till.replay(project), Gates()) == 4


def test_validate_warns_of_quarantines_that_end(tmp_path: Path) -> None:
    """Fourteen days before the end and after it; not earlier; it is no error."""
    repeated.lay_down(tmp_path, "p", HELD)
    for day, words in (("2026-12-16", ""), ("2026-12-17", "ends in 14 days, on"), (OVER, "ended on 2026-12-31 (Ana:")):
        done = agentctl(tmp_path, "validate", AGENTCTL_TODAY=day)
        assert done.returncode == 0
        assert ("the quarantine of two-turns" in done.stderr) == bool(words)
        assert words in done.stderr


def test_a_day_that_is_none_is_refused(tmp_path: Path) -> None:
    """Exit 2 before anything is played."""
    repeated.lay_down(tmp_path, "p")
    done = agentctl(tmp_path, "eval", AGENTCTL_TODAY="soon")
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: AGENTCTL_TODAY is 'soon', which is no date" in done.stderr
