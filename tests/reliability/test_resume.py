"""A run whose process was killed goes on: nothing answered is repeated, nothing that may have happened is guessed."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentctl.agent.events import Entry, Resumed, RunStarted, ToolCalled, UserSaid
from agentctl.errors import StoreError
from agentctl.store.runs import Runs
from support.clerk import effects, lay_down
from support.desk import agentctl, command, environment


def killed(root: Path, name: str, moment: str) -> Path:
    """The folder of effects, after a run that died `before` or `after` the tool's effect."""
    place = lay_down(root, name)
    (place / "die").write_text(f"{moment} {name}")
    done = agentctl(root, "run", "clerk", "Go", "--simulate", "-q")
    assert done.returncode == -signal.SIGKILL
    return place


def resumed(root: Path, *flags: str) -> tuple[int, dict[str, object]]:
    """The exit code and the document of `resume last`."""
    done = agentctl(root, "resume", "last", "--simulate", "--json", *flags)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", ["keyed", "looked"])
def test_what_can_be_known_is_not_asked(tmp_path: Path, name: str, moment: str) -> None:
    """An idempotent tool is repeated under its key, one with a lookup looked up: one effect, one answer, one end."""
    place = killed(tmp_path, name, moment)
    code, document = resumed(tmp_path)
    assert (code, document["ended"], document["text"]) == (0, "completed", "All done.")
    assert effects(place, name) == 1
    assert document["attempts"] == 1  # the finished turn was not asked for again
    calls = document["tool_calls"]
    assert [(call["name"], call["ok"]) for call in calls] == [(name, True), ("reads", True)]  # type: ignore[index,union-attr]


@pytest.mark.parametrize(
    ("moment", "flag", "times"), [("before", "--repeat", 1), ("after", "--happened", 1), ("after", "--abandon", 1)]
)
def test_a_person_decides_on_the_rest(tmp_path: Path, moment: str, flag: str, times: int) -> None:
    """Until then the run stays as it is; then it goes on as they said."""
    place = killed(tmp_path, "plain", moment)
    code, document = resumed(tmp_path)
    assert (code, document["ended"]) == (3, None)
    ((waiting,),) = [document["uncertain"]]  # type: ignore[misc]
    assert waiting["name"] == "plain"
    assert resumed(tmp_path)[0] == 3  # asking changed nothing
    call = f"{waiting['call']}=it is done" if flag == "--happened" else waiting["call"]
    code, document = resumed(tmp_path, flag, call)
    assert (code, document["ended"]) == (0, "completed")
    assert effects(place, "plain") == times
    shown = agentctl(tmp_path, "runs", "show", str(document["run"]), "--json")
    events = [entry["event"] for entry in json.loads(shown.stdout)]
    rulings = [(event["verdict"], event["by"]) for event in events if event["kind"] == "settled"]
    assert rulings == [(flag.removeprefix("--").replace("abandon", "abandoned"), "person"), ("repeat", "rule")]


def test_a_reply_that_never_came_is_asked_for_again(tmp_path: Path) -> None:
    """Killed while the model was silent: the same turn, once more; `--all` finds the run, and then none."""
    lay_down(tmp_path, "plain")
    (tmp_path / "faults.yaml").write_text('schema: 1\nkind: faults\nfaults: [{fault: "stall,at=start", times: 1}]\n')
    with simulator(tmp_path, "--faults", "faults.yaml", "--transcript", "served") as url:
        talking = environment(ANTHROPIC_BASE_URL=url, ANTHROPIC_API_KEY="k")
        run = subprocess.Popen(
            command("run", "clerk", "Go", "-q"), cwd=tmp_path, env=talking, stderr=subprocess.DEVNULL
        )
        while not (tmp_path / "served").read_bytes():
            assert run.poll() is None
            time.sleep(0.01)
        alive = agentctl(tmp_path, "resume", "last", ANTHROPIC_BASE_URL=url, ANTHROPIC_API_KEY="k")
        assert "another process is at run" in alive.stderr
        assert alive.returncode == 2
        run.kill()
        run.wait()
        done = agentctl(tmp_path, "resume", "--all", "--json", ANTHROPIC_BASE_URL=url, ANTHROPIC_API_KEY="k")
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        assert (document["ended"], document["turns"]) == ("completed", 2)
    over = agentctl(tmp_path, "resume", "--all", "--simulate")
    assert (over.returncode, over.stderr) == (0, "no run is open\n")
    assert "is over: completed" in agentctl(tmp_path, "resume", "last", "--simulate").stderr


@contextmanager
def simulator(root: Path, *flags: str) -> Iterator[str]:
    """The address of `agentctl simulate`, while it serves."""
    server = subprocess.Popen(
        command("simulate", "--script", "prompts/clerk/simulator.yaml", "--json", *flags),
        cwd=root,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    try:
        yield json.loads(server.stdout.readline())["base_url"]
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def test_a_run_that_heard_nothing_is_not_completed(tmp_path: Path) -> None:
    """Its process died before the message was stored: that is said, and `--all` has nothing to go on with."""
    lay_down(tmp_path, "plain")
    with Runs(tmp_path / ".agentctl/agentctl.db") as store:
        run_id = store.create("clerk@1", "any")
        store.append(run_id, Entry(0, 0.0, RunStarted("clerk@1", "any", "m")))
    refused = agentctl(tmp_path, "resume", "last", "--simulate")
    assert refused.returncode == 2
    assert "died before its first message was stored: nothing was done" in refused.stderr
    assert agentctl(tmp_path, "resume", "--all", "--simulate").stderr == "no run is open\n"


def test_a_definition_that_changed_is_not_gone_on_with(tmp_path: Path) -> None:
    """Unless it is said: what the model was told when the run began is no longer what it would be told."""
    killed(tmp_path, "keyed", "before")
    document = tmp_path / "prompts/clerk/v1.yaml"
    document.write_text(document.read_text().replace("Be brief.", "Be kind."))
    refused = agentctl(tmp_path, "resume", "last", "--simulate")
    assert refused.returncode == 2
    assert "is not what it was" in refused.stderr
    assert resumed(tmp_path, "--agent", "clerk@1")[0] == 0


def test_who_was_taken_over_writes_nothing_more(tmp_path: Path) -> None:
    """A paused process wakes up after another has gone on: its next fact has no place, and no tool is begun."""
    started = [RunStarted("a@1", "b", "m"), UserSaid("Go"), ToolCalled("c1", "plain", {})]
    with Runs(tmp_path / "runs.db") as paused, Runs(tmp_path / "runs.db") as other:
        run_id = paused.create("a@1", "b")
        for seq, event in enumerate(started):
            paused.append(run_id, Entry(seq, 0.0, event))
        assert not other.claim(run_id)
        other.append(run_id, Entry(3, 0.0, Resumed("other")))
        with pytest.raises(StoreError, match="already has this entry"):
            paused.append(run_id, Entry(3, 0.0, ToolCalled("c2", "plain", {})))
        assert [type(entry.event) for entry in other.entries(run_id)][3:] == [Resumed]
