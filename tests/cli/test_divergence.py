"""`agentctl eval` where a recording does not hold what is asked: the page, word for word, and the exit code."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from agentctl.cli.eval.screen import Screen, with_marks
from agentctl.cli.eval.table import lines_of
from agentctl.config.project import Project
from agentctl.evals.evaluate import evaluate
from agentctl.evals.modes import Match, OnDivergence
from agentctl.evals.onward import OnwardPlayer, Policy
from agentctl.evals.plan import plan
from agentctl.evals.prices import Prices
from support import till
from support.desk import agentctl

AGENT, TOOLS = "prompts/till/v1.yaml", "prompts/till-tools/v1.yaml"
SUITE, HANDLERS = "evals/till.yaml", "prompts/till-tools/till.py"
PROMPT = (
    "You keep the till of a small bakery. Say please. Name the price of a thing before you book its sale, "
    "and never sell what is not on the list."
)
TAKES = "         as recorded, that takes 2 turns · 220 tokens · $0.0006"


def again(case: str) -> str:
    """The line with the command that records a case again."""
    return f"         record again: agentctl eval till --filter {case} --record-mode new-episodes"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """The till, with a prompt of some length, and a recording of every case."""
    project = till.lay_down(tmp_path)
    till.edit(tmp_path / AGENT, "You keep the till.", PROMPT)
    till.record(project)
    return tmp_path


def explanation(page: str) -> list[str]:
    """The page between the table and the sums."""
    return page.split("\n\n", 1)[1].rsplit("\n\n", 1)[0].splitlines()


MISMATCHES = {
    "system prompt": (
        (AGENT, "never sell", "do not sell"),
        "price-of-tea",
        [
            "STALE    system prompt changed: 1 recording",
            "         at system[0].text",
            "           … its sale, and [-never-]{+do not+} sell what is not…",
            again("price-of-tea"),
            TAKES,
        ],
    ),
    "tool description": (
        (TOOLS, "The price of a thing.", "The price of one thing, in euros."),
        "price-of-tea",
        [
            "STALE    tool price changed: 1 recording",
            "         at tools[0].description",
            '           recorded: "The price of a thing."',
            '           now:      "The price of one thing, in euros."',
            again("price-of-tea"),
            TAKES,
        ],
    ),
    "model": (
        (AGENT, "claude-sonnet-5-5", "model-nobody-knows"),
        "price-of-tea",
        [
            "STALE    model changed: 1 recording",
            "         at model",
            '           recorded: "claude-sonnet-5-5"',
            '           now:      "model-nobody-knows"',
            again("price-of-tea"),
            TAKES.replace("$0.0006", "price unknown"),
        ],
    ),
    "params": (
        (AGENT, "max_tokens: 256", "max_tokens: 512"),
        "price-of-tea",
        [
            "STALE    params changed: 1 recording",
            "         at max_tokens",
            "           recorded: 256",
            "           now:      512",
            again("price-of-tea"),
            TAKES,
        ],
    ),
    "user message": (
        (SUITE, "What is tea?", "What does tea cost?"),
        "price-of-tea",
        [
            "STALE    case input changed: 1 recording",
            "         at messages[0].content",
            '           recorded: "What is tea?"',
            '           now:      "What does tea cost?"',
            again("price-of-tea"),
            TAKES,
        ],
    ),
    "extra turn": (
        (SUITE, "[Hello, Bye]", "[Hello, Bye, One more thing]"),
        "two-turns",
        [
            "STALE    case input changed: 1 recording",
            "         at messages[4].content",
            "           recorded: (nothing)",
            '           now:      "One more thing"',
            again("two-turns"),
            TAKES,
        ],
    ),
}


@pytest.mark.parametrize("kind", MISMATCHES)
def test_a_mismatch_explains_itself(kind: str, recorded: Path) -> None:
    """The component, the place, the words, the command, and what it takes: all of it, and nothing else."""
    (file, old, new), case, page = MISMATCHES[kind]
    till.edit(recorded / file, old, new)
    done = agentctl(recorded, "eval", "-k", case)
    assert (done.returncode, done.stderr) == (4, "")
    assert explanation(done.stdout) == page


def test_a_tool_that_answers_otherwise_explains_itself(recorded: Path) -> None:
    """The seventh kind needs the tool to run: both results, and who returned them."""
    till.edit(recorded / HANDLERS, '"tea": 3', '"tea": 4')
    done = agentctl(recorded, "eval", "-k", "price-of-tea", "--tools", "live")
    assert done.returncode == 4
    assert explanation(done.stdout) == [
        "STALE  till/price-of-tea  evals/till.yaml:5",
        "  price answers otherwise than when it was recorded",
        '    recorded: {"thing":"tea","price":3}',
        '    now:      {"thing":"tea","price":4}',
        "  agentctl replay cassettes/till/price-of-tea.yaml",
        "",
        "STALE    result of price changed: 1 recording",
        again("price-of-tea"),
        TAKES,
    ]


def test_a_tool_with_other_code_explains_itself(recorded: Path) -> None:
    """Without running it nobody knows what it returns now, and the page says that."""
    till.edit(recorded / HANDLERS, '"thing": thing, "price"', '"what": thing, "price"')
    done = agentctl(recorded, "eval", "-k", "price-of-tea")
    assert done.returncode == 4
    assert explanation(done.stdout) == [
        "STALE    handler price changed: 1 recording",
        "         price has changed: what it would return now is not known from the recording",
        again("price-of-tea"),
        TAKES,
    ]


def test_one_difference_of_many_cases_is_told_once(recorded: Path) -> None:
    """Three cases, one changed prompt: once the words, the sum of what they take."""
    till.edit(recorded / AGENT, "never sell", "do not sell")
    done = agentctl(recorded, "eval")
    assert explanation(done.stdout) == [
        "STALE    system prompt changed: 3 recordings",
        "         at system[0].text",
        "           … its sale, and [-never-]{+do not+} sell what is not…",
        "         record again: agentctl eval till --record-mode new-episodes",
        "         as recorded, that takes 6 turns · 660 tokens · $0.0018",
    ]


def test_a_stopped_run_is_marked_everywhere(recorded: Path) -> None:
    """In the row, below it, in the sums, in both documents; 4, and with --allow-stale what the score says."""
    till.edit(recorded / SUITE, "[Hello, Bye]", "[Hello, Farewell]")
    flags = ("eval", "-k", "two-turns", "--on-divergence", "stop")
    done = agentctl(recorded, *flags, "-o", "result.json")
    assert (done.returncode, done.stderr) == (4, "")
    assert re.search(r"^  STOPPED  two-turns .*  at turn 2$", done.stdout, re.MULTILINE)
    assert explanation(done.stdout) == [
        "STOPPED  two-turns at turn 2: what the user says",
        "         at messages[2].content",
        '           recorded: "Bye"',
        '           now:      "Farewell"',
        "         1 of 2 assertions hold so far",
        '           equals: the answer does not equal "Good bye."',
        "",
        again("two-turns"),
        TAKES,
    ]
    assert "1 case: 1 stopped\n" in done.stdout
    assert "reused 1 of 2 turns · 110 tokens · $0.0003 saved\n" in done.stdout
    document = json.loads((recorded / "result.json").read_text())
    case = document["suites"][0]["cases"][0]
    assert (case["status"], case["holds"], case["diverged"]["action"]) == ("stopped", False, "stop")
    assert case["reused"] == {"turns": 1, "input_tokens": 100, "output_tokens": 10, "cost_usd": 0.0003}
    assert document["totals"]["reused"] == case["reused"]
    assert (document["totals"]["stopped"], document["exit"]) == (1, 4)
    assert agentctl(recorded, *flags, "--allow-stale").returncode == 1
    till.edit(recorded / SUITE, "- equals: Good bye.", "- contains: please")
    assert agentctl(recorded, *flags).returncode == 4
    assert agentctl(recorded, *flags, "--allow-stale").returncode == 0


def test_a_stale_match_is_marked_everywhere(recorded: Path) -> None:
    """In each row, in the sums, in the document, in the file that is kept; 4 unless it is allowed."""
    assert agentctl(recorded, "eval", "-o", "before.json").returncode == 0
    till.edit(recorded / AGENT, "never sell", "do not sell")
    flags = ("eval", "--match", "lenient")
    done = agentctl(recorded, *flags, "-o", "result.json")
    assert (done.returncode, done.stderr) == (4, "")
    assert done.stdout.count("  stale-matched\n") == 3
    assert "3 cases: 3 passed\n" in done.stdout
    assert "3 scores stale-matched: made of answers to another definition\n" in done.stdout
    for document in (json.loads((recorded / "result.json").read_text()), read(agentctl(recorded, *flags, "--json"))):
        assert [case["stale_matched"] for case in document["suites"][0]["cases"]] == [True] * 3
        assert (document["totals"]["stale_matched"], document["exit"]) == (3, 4)
    assert agentctl(recorded, *flags, "--allow-stale").returncode == 0
    till.edit(recorded / SUITE, 'contains: "3"', "contains: free")
    assert agentctl(recorded, *flags, "-o", "failed.json").returncode == 4
    diff = read(agentctl(recorded, "diff", "before.json", "failed.json", "--json"))
    assert (diff["stale_matched"]["a"], len(diff["stale_matched"]["b"])) == ([], 3)
    assert [each["stale_matched"] for each in diff["flips"]] == [{"a": False, "b": True}]
    shown = agentctl(recorded, "diff", "before.json", "failed.json").stdout
    assert "till/price-of-tea  pass -> fail (stale-matched)\n" in shown
    assert agentctl(recorded, *flags, "--allow-stale").returncode == 1


def test_stale_cases_stay_stale_whatever_is_allowed(recorded: Path) -> None:
    """What was not played has no score that could count."""
    till.edit(recorded / AGENT, "never sell", "do not sell")
    assert agentctl(recorded, "eval", "--allow-stale").returncode == 4
    assert agentctl(recorded, "eval", "--allow-stale", "--on-divergence", "stop").returncode == 4


def test_a_fresh_suite_is_as_it_was(recorded: Path) -> None:
    """With every flag: the same page as without, and exit 0."""
    plain = agentctl(recorded, "eval").stdout
    for flags in (["--on-divergence", "stop"], ["--on-divergence", "live", "--simulate"], ["--match", "lenient"]):
        done = agentctl(recorded, "eval", *flags)
        assert done.returncode == 0
        assert done.stdout.splitlines()[:-1] == plain.splitlines()[:-1]
        assert done.stdout.splitlines()[-1].startswith("network 0, tools executed 0")


def test_going_on_live_says_so(recorded: Path) -> None:
    """The simulator answers where the recording ends; the row, the reason and the saving are on the page."""
    till.edit(recorded / SUITE, "[Hello, Bye]", "[Hello, Farewell]")
    done = agentctl(recorded, "eval", "-k", "two-turns", "--on-divergence", "live", "--simulate", "--json")
    assert done.stderr == "simulated model: what is not recorded has scripted answers\n"
    document = read(done)
    case = document["suites"][0]["cases"][0]
    assert (case["diverged"]["action"], case["diverged"]["turn"], case["reused"]["turns"]) == ("live", 2, 1)
    assert (document["network"], document["exit"], done.returncode) == (1, 1, 1)
    assert "stale_matched" not in case


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--on-divergence", "live"], "ANTHROPIC_API_KEY is not set"),
        (["--on-divergence", "stop", "--record-mode", "all"], "either recorded again or played"),
        (["--match", "lenient", "--record-mode", "once"], "either recorded again or played"),
        (["--on-divergence", "stop", "--simulate"], "--simulate answers while"),
    ],
)
def test_flags_that_contradict_each_other(flags: list[str], says: str, recorded: Path) -> None:
    """2, with a hint, before anything is played."""
    done = agentctl(recorded, "eval", *flags)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "\nhint: " in done.stderr


@pytest.mark.parametrize("width", [40, 60, 100])
def test_pages_fit_the_window(width: int, tmp_path: Path) -> None:
    """Whatever is explained; only a command is never broken."""
    project = till.lay_down(tmp_path)
    till.record(project)
    till.edit(tmp_path / AGENT, "You keep the till.", PROMPT)
    till.edit(tmp_path / SUITE, "[Hello, Bye]", "[Hello, Farewell]")
    for flags in ([], ["--match", "lenient", "--on-divergence", "stop"]):
        page = pages(tmp_path, flags, width)
        assert [line for line in page if len(line) > width and "agentctl " not in line] == []


def pages(root: Path, flags: list[str], width: int) -> list[str]:
    """The page of an evaluation in a window, from the values that its process would show."""

    def never(_agent: Any) -> Any:
        raise AssertionError("nothing goes live here")

    async def body() -> Any:
        player = OnwardPlayer(Policy(OnDivergence.STOP, Match.LENIENT), never) if flags else None
        return await evaluate(plan(Project(root)), prices=Prices(), live=player)

    return list(lines_of(asyncio.run(body()), Screen(width), 0.1))


def read(done: Any) -> Any:
    """The document on stdout."""
    return json.loads(done.stdout)


def test_words_that_differ_are_coloured_where_there_are_colours(recorded: Path) -> None:
    """What went is red and what came is green; the text is the same with colours and without."""
    till.edit(recorded / AGENT, "never sell", "do not sell")
    plain = agentctl(recorded, "eval", "-k", "two-turns").stdout
    shown = agentctl(recorded, "eval", "-k", "two-turns", FORCE_COLOR="1", NO_COLOR="").stdout
    assert "\x1b[31m[-\x1b[0m\x1b[31mnever\x1b[0m\x1b[31m-]\x1b[0m" in shown
    assert "\x1b[32mdo not\x1b[0m" in shown
    line = next(line for line in plain.splitlines() if "[-never-]" in line)
    assert line in re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()


def test_a_change_over_several_lines_is_coloured_on_each() -> None:
    """A mark that a line end parts goes on below; without colours nothing is added."""
    lines = ["a [-gone", "too-] and {+come+}", "{not} [marked]"]
    assert list(with_marks(lines, Screen(40))) == lines
    assert list(with_marks(lines, Screen(40, color=True))) == [
        "a \x1b[31m[-\x1b[0m\x1b[31mgone\x1b[0m",
        "\x1b[31mtoo\x1b[0m\x1b[31m-]\x1b[0m and \x1b[32m{+\x1b[0m\x1b[32mcome\x1b[0m\x1b[32m+}\x1b[0m",
        "{not} [marked]",
    ]
