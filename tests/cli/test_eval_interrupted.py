"""Ctrl-C while a case is recorded: what is finished is kept, and the next recording begins with it."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

from support.desk import agentctl, command, environment, lay_down

SUITE = """
schema: 1
kind: suite
agent: desk
cases:
  - id: patient
    input: [Where is ORD-7?, wait for it]
    assert: [{contains: Done at last}]
"""


def test_the_finished_turns_survive_ctrl_c(tmp_path: Path) -> None:
    """Exit 130; the two finished replies stand in a partial recording, and completing it sends only the third."""
    root = lay_down(tmp_path)
    (root / "evals").mkdir()
    (root / "evals" / "desk.yaml").write_text(SUITE)
    handlers = root / "prompts" / "desk-tools" / "handlers.py"
    handlers.write_text(
        handlers.read_text().replace("    return", "    open(__file__ + '.called', 'w').close()\n    return", 1)
    )
    called = handlers.with_name("handlers.py.called")
    recording = ("eval", "--simulate", "--record-mode", "all", "--json")
    process = subprocess.Popen(
        command(*recording), cwd=root, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 30
    while not called.exists() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1.5)  # the second reply takes milliseconds from here; the third takes a minute
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    partial = root / "cassettes" / "desk" / "patient.yaml.partial"
    assert len(json.loads(partial.read_text())["interactions"]) == 2
    assert [path.name for path in partial.parent.iterdir()] == ["patient.yaml.partial"]
    refused = agentctl(root, "replay", str(partial))
    assert "interrupted while it was recorded" in refused.stdout

    script = root / "prompts" / "desk" / "simulator.yaml"
    script.write_text(script.read_text().replace("delay: 60", "delay: 0"))
    done = agentctl(root, "eval", "--simulate", "--record-mode", "new-episodes", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["network"] == 1
    assert not partial.exists()
    assert json.loads(agentctl(root, "eval", "--json").stdout)["totals"]["pass"] == 1
