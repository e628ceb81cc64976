"""One writer a recording."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from agentctl.cassette.hold import hold
from agentctl.errors import CassetteError

HOLDER = """
import sys
from pathlib import Path
from agentctl.cassette.hold import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """A process that holds the recording until its input is closed or it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_writer_is_told_who_the_first_is(tmp_path: Path) -> None:
    """At once, by name of the process; when the first one is done the recording is free, and nothing is left behind."""
    path = tmp_path / "suite" / "case.yaml"
    with holder(path) as process:
        with (
            pytest.raises(CassetteError, match=rf"being recorded by another process \(process {process.pid}\)"),
            hold(path),
        ):
            pytest.fail("held twice")
        process.communicate()
    with hold(path):
        pass
    assert list(path.parent.iterdir()) == []


def test_a_killed_writer_holds_nothing(tmp_path: Path) -> None:
    """The lock is the process's: kill -9 ends it."""
    path = tmp_path / "case.yaml"
    with holder(path) as process:
        process.kill()
        process.wait()
        with hold(path):
            pass


def test_what_a_killed_writer_left_is_cleared_away(tmp_path: Path) -> None:
    """Its scratch file, and no other's: who holds the file knows that nobody writes it."""
    mine = (".case.yaml.0123456789ab.tmp", ".case.yaml.partial.0123456789ab.tmp")
    others = (".other.yaml.0123456789ab.tmp", ".case.yaml.b.yaml.0123456789ab.tmp", "case.yaml", ".case.yaml.tmp")
    for name in (*mine, *others):
        (tmp_path / name).write_text("half")
    with hold(tmp_path / "case.yaml"):
        pass
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(others)


def test_of_many_at_once_one_wins(tmp_path: Path) -> None:
    """Thirty-two begin together: one holds it, the others fail."""
    path = tmp_path / "case.yaml"
    start, done = threading.Barrier(32), threading.Barrier(32)
    won: list[int] = []
    lost: list[str] = []

    def write(number: int) -> None:
        start.wait()
        try:
            with hold(path):
                won.append(number)
                done.wait()
        except CassetteError as error:
            lost.append(str(error))
            done.wait()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 31)


def test_a_folder_that_takes_no_files(tmp_path: Path) -> None:
    """Where nothing can be written the error says so before anything is asked of a model."""
    (tmp_path / "suite").write_text("a file where a folder should be")
    with pytest.raises(CassetteError, match="cannot be written"), hold(tmp_path / "suite" / "case.yaml"):
        pytest.fail("held")
