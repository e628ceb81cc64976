"""Recording files: whole or an error, on reading and on writing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from agentctl.agent.values import replace
from agentctl.cassette.file import parse, read, serialise, write
from agentctl.cassette.tape import SCHEMA, Cassette
from agentctl.errors import CassetteError

KILLER = """
import os, random, signal, sys, time
from agentctl.agent.values import replace
from pathlib import Path
from agentctl.cassette.file import read, write

path, rounds = Path(sys.argv[1]), int(sys.argv[2])
before = read(path)
known = {before.header.case, *(f"case-{n}" for n in range(7))}
for _ in range(rounds):
    child = os.fork()
    if not child:
        for n in range(1_000_000):
            write(path, replace(before, header=replace(before.header, case=f"case-{n % 7}")))
    time.sleep(random.uniform(0, 0.006))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    after = read(path)
    assert after.interactions == before.interactions and after.header.case in known
print(rounds)
"""

KILLS = 200


def test_what_is_written_is_read_back(recorded: Cassette) -> None:
    """Header, takes, tools, observations and interactions survive the file."""
    assert recorded.path is not None
    again = read(recorded.path)
    assert again == recorded
    assert serialise(again) == recorded.path.read_bytes()
    assert recorded.path.read_bytes().startswith(b'{\n  "version": 1,\n  "agentctl": {\n    "schema": 2,')


def test_a_save_leaves_only_the_file(recorded: Cassette) -> None:
    """Nothing stays beside the file, and the file is readable by others as the umask says."""
    assert recorded.path is not None
    assert [each.name for each in recorded.path.parent.iterdir()] == ["order-status.yaml"]
    umask = os.umask(0)
    os.umask(umask)
    assert recorded.path.stat().st_mode & 0o777 == 0o666 & ~umask


def test_every_torn_file_is_an_error(recorded: Cassette) -> None:
    """Cut anywhere, the file is refused: never read as a shorter recording or as an empty one."""
    assert recorded.path is not None
    data = recorded.path.read_bytes().rstrip()
    for size in range(len(data)):
        with pytest.raises(CassetteError):
            parse(data[:size])


@pytest.mark.parametrize("data", [b"", b"\n", b"   \n\t", b"\xef\xbb\xbf", b"\0" * 100])
def test_an_empty_file_is_an_error(tmp_path: Path, data: bytes) -> None:
    """Nothing, white space or the zeros of a crashed disk are no recording."""
    path = tmp_path / "empty.yaml"
    path.write_bytes(data)
    with pytest.raises(CassetteError, match=r"empty\.yaml: "):
        read(path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """The reason is the system's own."""
    with pytest.raises(CassetteError, match="No such file"):
        read(tmp_path / "none.yaml")


def test_a_newer_schema_is_refused(recorded: Cassette) -> None:
    """A header of the future is not guessed at."""
    document = orjson.loads(serialise(recorded))
    document["agentctl"]["schema"] = SCHEMA + 1
    with pytest.raises(CassetteError, match=f"schema {SCHEMA + 1}") as caught:
        parse(orjson.dumps(document))
    assert "upgrade agentctl" in caught.value.hint


@pytest.mark.parametrize("schema", [0, -1, True, "2", 2.0, None, [1]])
def test_a_schema_that_never_was_is_refused(recorded: Cassette, schema: object) -> None:
    """A number of ours, or nothing that we wrote."""
    document = orjson.loads(serialise(recorded))
    document["agentctl"]["schema"] = schema
    with pytest.raises(CassetteError, match="never existed"):
        parse(orjson.dumps(document))


def test_an_older_schema_is_upgraded(recorded: Cassette) -> None:
    """Schema 1 digested lines of code: that is forgotten, the rest is as it was, and the next save is of today."""
    document = orjson.loads(serialise(recorded))
    document["agentctl"]["schema"] = 1
    document["agentctl"]["components"] |= {"handler look": "sha256:1", "setup": "sha256:2"}
    upgraded = parse(orjson.dumps(document))
    assert upgraded == recorded
    assert serialise(upgraded) == serialise(recorded)


@pytest.mark.parametrize("key", ["schema", "recorded", "suite", "case", "agent", "bundle", "components", "takes"])
def test_a_header_without_a_field_is_refused(recorded: Cassette, key: str) -> None:
    """A header is whole or the file is damaged."""
    document = orjson.loads(serialise(recorded))
    del document["agentctl"][key]
    with pytest.raises(CassetteError, match="header is damaged"):
        parse(orjson.dumps(document))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("suite",), 1),
        (("recorded", "at"), None),
        (("takes", 0, "tools", 0, "call_id"), ["x"]),
        (("takes", 0, "tools", 0, "name"), None),
        (("takes", 0, "interactions", 0), -1),
        (("takes", 0, "interactions", 0), True),
        (("takes", 0, "observed", 0), "x"),
        (("takes", 0, "breaks"), [{"interaction": 0}]),
    ],
)
def test_a_header_with_a_value_of_another_type_is_refused(
    recorded: Cassette, place: tuple[str | int, ...], value: object
) -> None:
    """Neither a traceback later on nor a guess: the file is damaged."""
    document = orjson.loads(serialise(recorded))
    holder = document["agentctl"]
    for name in place[:-1]:
        holder = holder[name]
    holder[place[-1]] = value
    with pytest.raises(CassetteError, match="header is damaged"):
        parse(orjson.dumps(document))


@pytest.mark.parametrize(
    "value", [None, [], "takes", [1], [{}], [{"interactions": [9], "seconds": [], "tools": [], "observed": []}]]
)
def test_takes_of_another_shape_are_refused(recorded: Cassette, value: object) -> None:
    """Neither a take of interactions that are not there nor something that is no take is read."""
    document = orjson.loads(serialise(recorded))
    document["agentctl"]["takes"] = value
    if value == []:
        assert parse(orjson.dumps(document)).takes == ()
        return
    with pytest.raises(CassetteError, match="header is damaged"):
        parse(orjson.dumps(document))


def test_a_body_that_is_no_text_is_not_written(tmp_path: Path, recorded: Cassette) -> None:
    """JSON holds no bytes: rather an error than a body that comes back changed."""
    odd = replace(recorded.interactions[0], stored=b"\xff\xfe")
    with pytest.raises(CassetteError, match="no text"):
        write(tmp_path / "odd.yaml", replace(recorded, interactions=(odd,)))


def test_a_failed_save_keeps_the_old_file(recorded: Cassette, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk loses the new recording and nothing else."""
    assert recorded.path is not None
    before = recorded.path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CassetteError, match="No space left"):
        write(recorded.path, recorded)
    assert recorded.path.read_bytes() == before
    assert len(list(recorded.path.parent.iterdir())) == 1


def test_a_save_goes_through_a_link(tmp_path: Path, recorded: Cassette) -> None:
    """A recording that is a symbolic link stays one."""
    assert recorded.path is not None
    link = tmp_path / "link.yaml"
    link.symlink_to(recorded.path)
    write(link, recorded)
    assert link.is_symlink()
    assert read(link) == recorded


def test_a_killed_writer_never_tears_the_file(recorded: Cassette) -> None:
    """Whenever the writing process is killed, the path holds one complete recording."""
    command = [sys.executable, "-c", KILLER, str(recorded.path), str(KILLS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"{KILLS}\n", "")
