"""`agentctl chat` at a real terminal, on a raw one, and with a script on standard input."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agentctl.agent.events import Entry as StoredEntry
from agentctl.agent.events import RunEnded, RunStarted, ToolCalled, ToolReturned, UserSaid, from_json
from agentctl.cassette.file import read
from agentctl.store.runs import Runs, StoredRun
from support.desk import agentctl, command, environment, lay_down, wait_for_line
from support.terminal import RawTerminal, Tmux, needs_tmux

START = "Ctrl-D leaves"
OURS = re.compile(rb"\x1b\[[0-9;]*m")
"""What the trace itself may write: colours."""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A project of its own for each test: chats write into it."""
    return lay_down(tmp_path)


@pytest.fixture
def tmux(desk: Path) -> Iterator[Callable[..., Tmux]]:
    """Opens chats in tmux windows, which are closed afterwards."""
    opened: list[Tmux] = []

    def start(*flags: str, width: int = 80, **env: str) -> Tmux:
        arguments = command("chat", "desk", "--simulate", *flags)
        opened.append(Tmux(arguments, desk, environment(TERM="screen-256color", **env), width=width))
        opened[-1].wait_for("you>")
        return opened[-1]

    yield start
    for window in opened:
        window.close()


def stored(desk: Path) -> list[StoredRun]:
    """The stored runs, the newest first."""
    with Runs(desk / ".agentctl" / "agentctl.db") as runs:
        return list(runs.list())


def kinds(desk: Path, run_id: str) -> list[str]:
    """The kinds of the events of a stored run."""
    with Runs(desk / ".agentctl" / "agentctl.db") as runs:
        return [entry.event.kind for entry in runs.entries(run_id)]


@needs_tmux
@pytest.mark.parametrize("width", [80, 40])
def test_a_turn_on_the_screen(desk: Path, tmux: Callable[..., Tmux], width: int) -> None:
    """The label of the simulator, what was thought, called, returned and said, with its cost; Ctrl-D leaves with 0."""
    window = tmux(width=width)
    assert "simulated model: answers come from" in window.screen
    window.type("Where is ORD-7?", "Enter")
    screen = window.wait_for("turn 2")
    for line in (
        "you> Where is ORD-7?",
        "desk@1",
        "  Let me look.",
        '  → get_order {"id":"ORD-7"}',
        "  Order ORD-7 is shipped.",
    ):
        assert line in screen.splitlines()
    assert re.search(r"total\s+\$0\.\d+", screen)
    assert max(map(len, screen.splitlines())) <= width
    window.type("C-d")
    assert "--continue" in re.sub(r"\n", "", window.wait_for("left with 0"))
    assert [run.ended for run in stored(desk)] == ["completed"]


@needs_tmux
def test_several_lines_can_be_typed_and_pasted(desk: Path, tmux: Callable[..., Tmux]) -> None:
    """Alt-Enter and a trailing backslash begin a new line, and pasted lines stay together."""
    window = tmux()
    window.type("one", "M-Enter", "two\\", "Enter", "three", "Enter")
    window.wait_for("You said: one\n  two\n  three")
    window.wait_for("you>", times=2)
    window.paste("four\nfive")
    window.type("Enter")
    window.wait_for("You said: four\n  five")
    window.type("C-d")
    window.wait_for("left with 0")
    with Runs(desk / ".agentctl" / "agentctl.db") as runs:
        said = [entry.event.content for entry in runs.entries(stored(desk)[0].id) if isinstance(entry.event, UserSaid)]
    assert said == ["one\ntwo\nthree", "four\nfive"]


@needs_tmux
def test_ctrl_c_stops_the_turn_and_twice_leaves(desk: Path, tmux: Callable[..., Tmux]) -> None:
    """The run has an end, `interrupted`, and goes on with the next words; nothing of it is lost."""
    window = tmux()
    window.type("wait for it", "Enter")
    window.wait_for("desk@1", times=2)
    window.type("C-c")
    window.wait_for("the conversation goes on")
    window.type("and ORD-7?", "Enter")
    window.wait_for("Order ORD-7 is shipped.")
    window.wait_for("you>", times=3)
    window.type("half a thought", "C-c")
    window.type("C-c")
    window.wait_for("Ctrl-C again, or Ctrl-D, leaves")
    window.type("C-c")
    window.wait_for("left with 130")
    (run,) = stored(desk)
    events = kinds(desk, run.id)
    assert events[:5] == ["run_started", "user_said", "model_asked", "run_ended", "user_said"]
    assert events.count("user_said") == 2
    assert events[-1] == "run_ended"


@needs_tmux
def test_a_tool_that_asks_first_asks(desk: Path, tmux: Callable[..., Tmux]) -> None:
    """The arguments are shown; an answer that is neither yes nor no is the reason; Ctrl-C stops the turn."""
    window = tmux()
    window.type("cancel ORD-7", "Enter")
    assert '"id": "ORD-7"' in window.wait_for("run it? [y/N")
    window.type("not today", "Enter")
    window.wait_for("cancel_order denied by person: not today")
    window.wait_for("It was not cancelled.")
    window.type("cancel ORD-7", "Enter")
    window.wait_for("run it? [y/N", times=2)
    window.type("y", "Enter")
    window.wait_for("It is cancelled.")
    window.type("cancel ORD-8", "Enter")
    window.wait_for("run it? [y/N", times=3)
    window.type("C-c")
    window.wait_for("the conversation goes on")
    window.type("C-d")
    window.wait_for("left with 0")


@needs_tmux
def test_what_is_typed_ahead_waits_for_the_prompt(desk: Path, tmux: Callable[..., Tmux]) -> None:
    """Keys pressed while the agent works do not run into its trace, Ctrl-D among them ends the chat afterwards."""
    window = tmux()
    window.type("wait for it", "Enter")
    window.wait_for("desk@1", times=2)
    window.type("hello", "Enter", "C-d")
    window.type("C-c")
    screen = window.wait_for("left with 0")
    assert "desk@1\n\nstopped; " in screen
    assert "you> hello\n" in screen


@needs_tmux
def test_history_and_completion(desk: Path, tmux: Callable[..., Tmux]) -> None:
    """What was said in an earlier chat comes back with the up key; Tab completes commands."""
    first = tmux()
    first.type("hello there", "Enter")
    first.wait_for("You said: hello there")
    first.type("C-d")
    first.wait_for("left with 0")
    second = tmux()
    second.type("Up", "Enter")
    second.wait_for("You said: hello there")
    second.type("/to", "Tab", "Enter")
    assert "cancel_order  writes, asks first" in second.wait_for("Cancels an order for good.")


def test_hostile_text_never_acts_on_the_terminal(desk: Path) -> None:
    """Of all bytes written to a terminal by a trace, the only control bytes are line ends and our own colours."""
    arguments = command("run", "desk", "hostile \x1b[2J", "--simulate")
    terminal = RawTerminal(arguments, desk, environment(TERM="xterm-256color", NO_COLOR="", FORCE_COLOR=""))
    assert terminal.rest() == 0
    assert OURS.search(terminal.written), "the trace is in colour here"
    plain = OURS.sub(b"", terminal.written).replace(b"\r\n", b"\n").decode()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", plain)
    assert "That was hostile." in plain
    assert "[bold red]x[/bold red]" in plain


def test_hostile_text_in_a_chat(desk: Path) -> None:
    """The prompt has its own control sequences; none of the model's or the tool's is among them."""
    quiet = environment(TERM="xterm-256color", PROMPT_TOOLKIT_NO_CPR="1")
    terminal = RawTerminal(command("chat", "desk", "--simulate"), desk, quiet)
    terminal.wait_for("you> ")
    terminal.type("hostile\r")
    terminal.wait_for("That was hostile.")
    terminal.type("/trace\r")
    terminal.wait_for("\r\nyou\r\n  hostile")
    terminal.type("\x04")
    assert terminal.rest() == 0
    for attack in (b"\x1b]52", b"\x1b]0;", b"\x1b]8;", b"\x1bc", b"\x1b[6n", b"\x9b31m", "\u202e".encode()):
        assert attack not in terminal.written


def test_a_terminal_that_is_closed_ends_the_chat(desk: Path) -> None:
    """While the agent is silent: the run is stored with its end."""
    terminal = RawTerminal(
        command("chat", "desk", "--simulate"), desk, environment(TERM="xterm", PROMPT_TOOLKIT_NO_CPR="1")
    )
    terminal.wait_for("you> ")
    terminal.type("wait for it\r")
    terminal.wait_for("\r\ndesk@1\r\n")
    terminal.process.send_signal(signal.SIGHUP)
    assert terminal.hang_up() == 143
    assert [run.ended for run in stored(desk)] == ["interrupted"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_at_the_prompt(desk: Path, number: signal.Signals, code: int) -> None:
    """Quietly out, with the code of the signal."""
    process = subprocess.Popen(
        command("chat", "desk", "--simulate"),
        cwd=desk,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("hello\n")
    process.stdin.flush()
    wait_for_line(process.stdout, "turn 1")
    process.send_signal(number)
    assert process.wait(timeout=20) == code  # while its input is still open
    _, err = process.communicate()
    assert "Traceback" not in err
    assert [run.ended for run in stored(desk)] == ["interrupted"]


def test_lines_on_standard_input_are_turns(desk: Path) -> None:
    """A script of a chat: messages, commands, a mistyped one, a line that goes on; it ends with the input."""
    script = (
        "Where is ORD-7?\n\n/cots\n/cost\n/tools\n/model\n/model claude-opus-5\none \\\ntwo\n/trace\n/save\n/exit\nno\n"
    )
    done = agentctl(desk, "chat", "desk", "--simulate", stdin=script)
    assert done.returncode == 0, done.stderr
    for text in (
        "you\n  Where is ORD-7?",
        "there is no command /cots; did you mean `/cost`?",
        "2 model calls: $0.00",
        "nothing was billed: the model is simulated",
        "cancel_order  writes, asks first",
        "desk@1 runs on claude-sonnet-5-5",
        "from here on claude-opus-5 answers",
        "You said: one\n  two",
    ):
        assert text in done.stdout
    assert "You said: no\n" not in done.stdout
    (run,) = stored(desk)
    saved = json.loads((desk / f"{run.id}.json").read_text())
    models = [from_json(entry["event"]).model for entry in saved if entry["event"]["kind"] == "model_asked"]
    assert models == ["claude-sonnet-5-5", "claude-sonnet-5-5", "claude-opus-5"]


def test_clear_begins_a_new_run(desk: Path) -> None:
    """Two runs are stored, and the second knows nothing of the first."""
    done = agentctl(desk, "chat", "desk", "--simulate", stdin="one\n/clear\ntwo\n/cost\n")
    assert "1 model call: " in done.stdout
    assert [run.said for run in stored(desk)] == ["two", "one"]
    assert [run.ended for run in stored(desk)] == ["completed", "completed"]


def test_a_chat_goes_on_where_it_was_left(desk: Path) -> None:
    """`-c` takes the agent's latest run up again: the last exchange is shown, the next words join the same run."""
    agentctl(desk, "chat", "desk", "--simulate", stdin="first words\nsecond words\n")
    (before,) = stored(desk)
    done = agentctl(desk, "chat", "desk", "--simulate", "-c", stdin="third words\n/cost\n")
    assert "second words" in done.stdout
    assert "first words" not in done.stdout
    assert f"going on with run {before.id}" in done.stdout
    assert "3 model calls" in done.stdout
    (after,) = stored(desk)
    assert after.entries > before.entries
    by_id = agentctl(desk, "chat", "desk", "--simulate", "--resume-run", before.id[:-2], stdin="/cost\n")
    assert "3 model calls" in by_id.stdout


def test_nothing_to_go_on_with_is_exit_2(desk: Path) -> None:
    """There is no run of this agent yet."""
    done = agentctl(desk, "chat", "desk", "--simulate", "-c")
    assert done.returncode == 2
    assert "no run of desk@1 is stored yet" in done.stderr
    both = agentctl(desk, "chat", "desk", "--simulate", "-c", "--resume-run", "x")
    assert both.returncode == 2


def test_a_run_whose_process_died_is_closed_before_it_goes_on(desk: Path) -> None:
    """A call that may have run is answered so, never repeated; what changed in the definition is named."""
    with Runs(desk / ".agentctl" / "agentctl.db") as runs:
        run_id = runs.create("desk@1", "sha256:0")
        events = [
            RunStarted("desk@1", "sha256:0", "claude-sonnet-5-5", {"model": "sha256:0"}),
            UserSaid("cancel ORD-7"),
            from_json(
                {
                    "kind": "model_replied",
                    "id": "msg_1",
                    "model": "claude-sonnet-5-5",
                    "content": [
                        {"type": "tool_use", "id": "toolu_1", "name": "cancel_order", "input": {"id": "ORD-7"}}
                    ],
                    "stop_reason": "tool_use",
                    "usage": {},
                }
            ),
            ToolCalled("toolu_1", "cancel_order", {"id": "ORD-7"}),
        ]
        for seq, event in enumerate(events):
            runs.append(run_id, StoredEntry(seq, 1.0 + seq, event))
    done = agentctl(desk, "chat", "desk", "--simulate", "-c", stdin="hello\n")
    assert "changed since it began: " in done.stdout
    assert "model" in done.stdout
    with Runs(desk / ".agentctl" / "agentctl.db") as runs:
        after = [entry.event for entry in runs.entries(run_id)][len(events) :]
    assert after[0] == ToolReturned("toolu_1", "cancel_order", "interrupted; it may have run", "interrupted")
    assert isinstance(after[1], RunEnded)
    assert after[2] == UserSaid("hello")
    assert sum(isinstance(event, ToolCalled) for event in after) == 0


def test_a_chat_becomes_a_recorded_case_that_passes(desk: Path) -> None:
    """`/eval` writes the case and the recording of this very session, and eval agrees without network or tools."""
    said = 'Where is ORD-7?\nand {{ braces }}, "quotes" and: colons?\n'
    script = f"{said}/eval lookup\n/eval lookup\n/eval Not-A-Name\n/eval\n"
    done = agentctl(desk, "chat", "desk", "--simulate", stdin=script)
    assert "case lookup added to evals/desk.yaml, recorded in cassettes/desk/lookup.yaml\nit passes\n" in done.stdout
    assert "has a case lookup already" in done.stdout
    assert "cannot name a case" in done.stdout
    assert "/eval takes the name" in done.stdout
    header = read(desk / "cassettes" / "desk" / "lookup.yaml").header
    assert header is not None
    assert header.source == "agentctl simulator"
    scored = agentctl(desk, "eval", "desk", "--json")
    assert scored.returncode == 0, scored.stderr
    document = json.loads(scored.stdout)
    assert (document["network"], document["tools_executed"]) == (0, 0)
    assert [case["status"] for case in document["suites"][0]["cases"]] == ["pass"]


def test_a_session_that_cannot_be_replayed_becomes_a_case_all_the_same(desk: Path) -> None:
    """The person is told why it is not recorded and which command records it."""
    done = agentctl(desk, "chat", "desk", "--simulate", stdin="forever\n/eval greeting --suite talk\n")
    why = "a turn of this session was interrupted or failed"
    assert f"case greeting added to evals/talk.yaml, not recorded: {why}" in done.stdout
    assert "agentctl eval talk --filter greeting --record-mode new-episodes" in done.stdout
    assert not (desk / "cassettes").exists()


def test_a_session_that_went_on_with_a_stored_run_is_recorded_from_its_facts(desk: Path) -> None:
    """There is no tape of its beginning, so its traffic is rebuilt, and the recording says so."""
    agentctl(desk, "chat", "desk", "--simulate", stdin="Where is ORD-7?\n")
    done = agentctl(desk, "chat", "desk", "--simulate", "-c", stdin="hello again\n/eval greeting --suite talk\n")
    assert "recorded in cassettes/talk/greeting.yaml\nit passes\n" in done.stdout
    header = read(desk / "cassettes" / "talk" / "greeting.yaml").header
    assert header is not None
    assert header.source.startswith("agentctl simulator (rebuilt from run ")
    assert agentctl(desk, "eval", "talk").returncode == 0


def test_a_tool_that_asks_first_is_denied_where_nobody_can_be_asked(desk: Path) -> None:
    """A script on standard input cannot approve, and what it says next is not taken for an answer."""
    done = agentctl(desk, "chat", "desk", "--simulate", stdin="cancel ORD-7\ny\n")
    assert "It was not cancelled." in done.stdout
    assert "You said: y" in done.stdout
