"""What goes wrong around a command: signals, full disks, closed pipes, odd locales. A sentence each."""

from __future__ import annotations

import errno
import json
import os
import pty
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agentctl.cassette.file import read
from agentctl.cli.screen import has_gone, readers_may_leave
from agentctl.store.runs import Runs
from support import desk, till
from support.desk import agentctl, command, environment, wait_for_line

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
TINY = 1000
"""Bytes a file may have where the disk is full."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The till with its recordings, the desk, and one stored run; nothing here changes it."""
    root = desk.lay_down(tmp_path_factory.mktemp("project"))
    till.record(till.lay_down(root))
    assert agentctl(root, "run", "desk", "Where is ORD-7?", "--simulate", "-q").returncode == 0
    return root


def shell(root: Path, line: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs a line of bash, in which `agentctl` is this checkout's; the status is the one of the whole pipe."""
    script = f"set -o pipefail; agentctl() {{ '{sys.executable}' -m agentctl \"$@\"; }}; {line}"
    return subprocess.run(
        ["bash", "-c", script],
        cwd=root,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def sound(root: Path, done: subprocess.CompletedProcess[str], *names: str) -> None:
    """Errors are `error:` and `hint:` lines, and nothing else went wrong."""
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    lines = done.stderr.splitlines()
    assert any(line.startswith("error: ") for line in lines), done.stderr
    assert any(line.startswith("hint: ") for line in lines), done.stderr
    assert all(name in done.stderr for name in names), done.stderr
    assert not list(root.rglob("*.tmp"))


DATA = [
    "eval",
    "eval --json",
    "replay till/sell-cake",
    "replay till/sell-cake --json",
    "runs list",
    "runs list --json",
    "runs show latest",
    "validate",
    "schema --print agent",
    "--help",
]


@pytest.mark.parametrize("line", DATA)
def test_a_reader_that_leaves_is_no_failure(project: Path, line: str) -> None:
    """Exit 0 and not a word; nor does a standard output that was closed from the start break anything."""
    done = shell(project, f"agentctl {line} | true && agentctl {line} >&-")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_leaves_does_not_change_the_verdict(tmp_path: Path) -> None:
    """A build that looks at the first line only still fails when a case does."""
    till.record(till.lay_down(tmp_path))
    till.edit(tmp_path / "evals/till.yaml", 'contains: "3"', "contains: free")
    assert shell(tmp_path, "agentctl eval | true").returncode == 1
    assert shell(tmp_path, "agentctl eval --json | head -n 1").returncode == 1


def test_closed_input_is_an_empty_one(project: Path) -> None:
    """Nothing to say is what is said."""
    assert shell(project, "agentctl run desk --simulate <&-").stderr.startswith("error: a message is empty")


@pytest.mark.parametrize(
    "line",
    [
        "eval",
        "replay till/sell-cake",
        "validate",
        "run desk 'Grüße 👋' --simulate --json",
    ],
)
def test_no_character_is_an_error(project: Path, line: str) -> None:
    """In a locale without Unicode marks have stand-ins, and JSON is UTF-8 all the same."""
    done = shell(project, f"agentctl {line}", **ASCII)
    assert done.returncode in {0, 5}
    assert "Traceback" not in done.stderr
    text = done.stdout + done.stderr
    assert text.isascii() or "Grüße 👋" in json.loads(done.stdout)["text"]
    if line == "eval":
        assert text.startswith("till  till@1 | claude-sonnet-5-5 | 3 cases\n")


def test_a_chat_in_a_locale_without_unicode(project: Path) -> None:
    """What is piped in is UTF-8, what comes out is ASCII."""
    done = agentctl(project, "chat", "desk", "--simulate", stdin="Where is ORD-7?\n/cost\n/nope\n", **ASCII)
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "  | The customer asks for an order.\n" in done.stdout


def test_a_home_that_cannot_be_written(project: Path) -> None:
    """Everything is kept in the project."""
    assert agentctl(project, "eval", HOME="/proc/nowhere").returncode == 0
    assert agentctl(project, "chat", "desk", "--simulate", stdin="hi\n/exit\n", HOME="/proc/nowhere").returncode == 0


@pytest.fixture
def full(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a command that can write no more than a few bytes into any file, as on a full disk."""
    till.record(till.lay_down(tmp_path))
    desk.lay_down(tmp_path)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (TINY, TINY))

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        env = environment(PYTHONDONTWRITEBYTECODE="1")
        return subprocess.run(
            command(*arguments),
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            input=stdin,
            preexec_fn=limit,
            check=False,
        )

    return run


def test_a_full_disk_and_a_report(full: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    """The verdict is shown, the file that was asked for is named, and the exit code says that it is missing."""
    done = full("eval", "-o", "result.json")
    assert done.returncode == 3
    assert "3 cases: 3 passed" in done.stdout
    sound(tmp_path, done, "error: result.json: cannot be written", "the result is not kept")
    assert not (tmp_path / "result.json").exists()
    assert full("eval").returncode == 0


def test_a_full_disk_and_recordings(full: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    """Each case says that it was not recorded and what to do, and the old recordings are as they were."""
    before = {path: path.read_bytes() for path in (tmp_path / "cassettes").rglob("*.yaml")}
    suite = "schema: 1\nkind: suite\nagent: desk\ncases:\n  - {id: hello, input: Hello, assert: [{contains: Hello}]}\n"
    (tmp_path / "evals/desk.yaml").write_text(suite)
    done = full("eval", "desk", "--record-mode", "all", "--simulate")
    assert done.returncode == 3
    assert "cassettes/desk/hello.yaml: cannot be written (File too large)" in done.stdout
    assert "    hint      the limit on the size of a file is reached: see `ulimit -f`" in done.stdout
    assert "Traceback" not in done.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "cassettes").rglob("*") if path.is_file()} == before


def test_a_full_disk_and_the_store(full: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    """No run is begun that cannot be kept."""
    done = full("chat", "desk", "--simulate", stdin="hi\n")
    assert done.returncode == 3
    sound(tmp_path, done, "the run store", "agentctl.db")


@pytest.mark.parametrize("arguments", [("init", "new"), ("schema",)])
def test_a_full_disk_and_files(
    full: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """The file is named, and a project that was not laid down whole is not in the way of the next try."""
    done = full(*arguments)
    assert done.returncode == 3
    sound(tmp_path, done, "cannot be written (File too large)")
    assert not [path for path in (tmp_path / "new").rglob("*") if path.is_file()]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_project_that_is_read_only(project: Path, tmp_path: Path) -> None:
    """It can be evaluated; what cannot be kept is said."""
    copy = tmp_path / "copy"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns(".agentctl"))
    copy.chmod(0o555)
    try:
        assert agentctl(copy, "eval").returncode == 0
        sound(copy, agentctl(copy, "run", "desk", "hi", "--simulate"), "permissions")
    finally:
        copy.chmod(0o755)


def test_a_page_that_cannot_be_written(project: Path) -> None:
    """Standard output on a full disk is one error, with a way out."""
    done = shell(project, "agentctl eval >/dev/full")
    assert done.returncode == 3
    sound(project, done, "No space left on device", "make room")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_simulate_ends_with_the_signals_code(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """It says what it did, and its exit code says what ended it."""
    process = subprocess.Popen(
        command("simulate"), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    wait_for_line(process.stderr, "use it with")
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (code, "0 requests answered, 0 of them refused\n")


def test_a_run_that_is_terminated_is_kept(tmp_path: Path) -> None:
    """Whichever task SIGTERM meets: the first turn and the end are in the store and in the document."""
    desk.lay_down(tmp_path)
    arguments = command("run", "desk", "Where is ORD-7?", "wait for it", "--simulate", "--output-format", "stream-json")
    process = subprocess.Popen(
        arguments, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    wait_for_line(process.stdout, '"content":"wait for it"')
    process.terminate()
    stdout, stderr = process.communicate(timeout=30)
    result = json.loads(stdout.splitlines()[-1])
    assert (process.returncode, result["ended"]) == (143, "interrupted")
    assert result["tool_calls"] == [{"name": "get_order", "input": {"id": "ORD-7"}, "ok": True}]
    assert "Traceback" not in stderr
    with Runs(tmp_path / ".agentctl/agentctl.db") as runs:
        assert runs.get(result["run"]).ended == "interrupted"


CASES = "".join(f"  - {{id: case-{number}, input: Hello {number}}}\n" for number in range(60))


def test_a_killed_recorder_leaves_whole_files(tmp_path: Path) -> None:
    """After `kill -9` every recording is the old one or the new one, and the next record finds nothing in its way."""
    desk.lay_down(tmp_path)
    (tmp_path / "evals").mkdir()
    (tmp_path / "evals/desk.yaml").write_text(f"schema: 1\nkind: suite\nagent: desk\ncases:\n{CASES}")
    record = command("eval", "--record-mode", "all", "--simulate", "-j", "8", "--json")
    folder = tmp_path / "cassettes/desk"
    process = subprocess.Popen(record, cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, stderr=2)
    until = time.monotonic() + 30
    while len(list(folder.glob("case-*.yaml"))) < 20:
        assert time.monotonic() < until
        time.sleep(0.001)
    process.kill()
    process.wait()
    recorded = list(folder.glob("case-*.yaml"))
    assert 20 <= len(recorded) < 60
    assert all(len(read(path).takes) == 1 for path in recorded)
    done = subprocess.run(record, cwd=tmp_path, env=environment(), capture_output=True, check=False, timeout=60)
    assert json.loads(done.stdout)["exit"] == 0
    assert len(list(folder.glob("case-*.yaml"))) == 60


def test_a_reader_that_leaves_a_run(project: Path) -> None:
    """The run ends as it would have, and says nothing of a pipe."""
    done = shell(project, "agentctl run desk hello --simulate | true")
    assert done.returncode == 0
    assert "ended" not in done.stderr
    assert "ipe" not in done.stderr


def test_a_broken_disk_is_no_terminal_that_is_gone() -> None:
    """Both fail with EIO; only the one ends a command quietly."""
    with pytest.raises(OSError, match="workspaces"), readers_may_leave():
        raise OSError(errno.EIO, os.strerror(errno.EIO), "workspaces")
    with pytest.raises(OSError, match="Input/output"), readers_may_leave():
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    ours, terminal = pty.openpty()
    assert not has_gone([terminal])
    os.close(ours)
    assert has_gone([terminal])
    os.close(terminal)
