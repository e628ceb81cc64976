"""`agentctl cassettes scan` as a process: what it looks at, what it says, what it never says, how it exits."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from support.desk import CHECKOUT, agentctl, command, environment, lay_down
from support.planted import PERSONS, core, made

PLANTED = made(2)
RUBY = """---
http_interactions:
- request:
    method: post
    uri: https://api.anthropic.com/v1/messages
    body:
      encoding: UTF-8
      string: '{"messages":[{"role":"user","content":"hi"}]}'
    headers:
      X-Api-Key:
      - <ANTHROPIC_API_KEY>
      Authorization:
      - SECRET
  response:
    status:
      code: 200
      message: OK
    headers: {}
    body:
      encoding: ASCII-8BIT
      string: !binary |-
        BODY
recorded_with: VCR 6.2.0
"""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A project with one sound recording."""
    lay_down(tmp_path)
    sound = {"version": 1, "interactions": []}
    write(tmp_path / "cassettes" / "desk" / "sound.yaml", json.dumps(sound))
    return tmp_path


def write(path: Path, text: str | bytes) -> Path:
    """Writes a file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def scan(root: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs it in `root`."""
    return agentctl(root, "cassettes", "scan", *arguments, **more)


def test_nothing_found(desk: Path) -> None:
    """Exit 0, and how many files that was said of."""
    done = scan(desk)
    assert (done.returncode, done.stdout, done.stderr) == (0, "nothing found in 1 file\n", "")
    assert json.loads(scan(desk, "--json").stdout) == {"files": 1, "findings": [], "unread": [], "as_text": []}


def test_a_finding_is_named_and_not_shown(desk: Path) -> None:
    """The file, the place in it, the kind, and no more of the secret than its first four characters; exit 1."""
    key = PLANTED["anthropic"]
    body = json.dumps({"messages": [{"role": "user", "content": f"my key is {key}"}]})
    leak = {"interactions": [{"request": {"body": body}}, {"request": {"body": body}}]}
    write(desk / "cassettes" / "desk" / "leak.yaml", yaml.safe_dump(leak))
    place = "interactions[0].request.body#messages[0].content"
    done = scan(desk)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"cassettes/desk/leak.yaml:{place}: anthropic-key: sk-a… (108 characters) (and in 1 more place)",
        "1 found in 1 of 2 files",
    ]
    (found,) = json.loads(scan(desk, "--json").stdout)["findings"]
    assert found == {
        "file": "cassettes/desk/leak.yaml",
        "path": place,
        "kind": "anthropic-key",
        "excerpt": "sk-a… (108 characters)",
        "places": 2,
    }


def test_no_secret_is_ever_printed(tmp_path: Path) -> None:
    """Whatever the kind and the form of the output: every one is named, no eight characters of any are shown."""
    file = write(tmp_path / "leak.json", json.dumps({name: ["", f"x {PLANTED[name]}"] for name in PLANTED}))
    for arguments in ([], ["--json"]):
        done = scan(tmp_path, str(file), *arguments)
        assert done.returncode == 1
        assert all(f"{name}[1]" in done.stdout for name in PLANTED)
        told = done.stdout + done.stderr
        for secret in map(core, PLANTED.values()):
            assert not [at for at in range(len(secret) - 7) if secret[at : at + 8] in told]


def test_recordings_of_others(desk: Path) -> None:
    """Ruby VCR with a compressed body, a compressed file, a partial recording: all are looked into."""
    packed = gzip.compress(json.dumps({"content": PLANTED["stripe"]}).encode())
    text = yaml.safe_dump(packed).partition("\n")[2].strip()
    ruby = RUBY.replace("SECRET", PLANTED["bearer"].partition(": ")[2]).replace(
        "BODY", text.replace("\n", "\n        ")
    )
    write(desk / "vcr" / "ruby.yml", ruby)
    write(desk / "vcr" / "whole.yaml.gz", gzip.compress(json.dumps([PLANTED["github"]]).encode()))
    write(desk / "vcr" / "begun.yaml.partial", json.dumps([PLANTED["npm"]]))
    write(desk / "vcr" / ".hidden.yaml", json.dumps([PLANTED["npm"]]))
    write(desk / "vcr" / "notes.txt", PLANTED["npm"])
    found = json.loads(scan(desk, "vcr", "--json").stdout)
    kinds = {(Path(each["file"]).name, each["kind"], each["path"]) for each in found["findings"]}
    assert kinds == {
        ("ruby.yml", "bearer", "http_interactions[0].request.headers.Authorization[0]"),
        ("ruby.yml", "stripe-key", "http_interactions[0].response.body.string#content"),
        ("whole.yaml.gz", "github-token", "[0]"),
        ("begun.yaml.partial", "npm-token", "[0]"),
    }
    assert found["files"] == 3


def test_persons_are_looked_for_when_asked_to(desk: Path) -> None:
    """By the flag, by the project's settings, by a suite's."""
    write(desk / "cassettes" / "desk" / "persons.yaml", json.dumps([make() for make in PERSONS.values()]))
    assert scan(desk).returncode == 0
    flagged = scan(desk, "--pii")
    assert (flagged.returncode, len(flagged.stdout.splitlines())) == (1, len(PERSONS) + 1)
    assert all(make() not in flagged.stdout for make in PERSONS.values())
    settings = write(desk / "agentctl.yaml", "redact: {pii: true}\n")
    assert scan(desk).stdout == flagged.stdout
    settings.write_text("redact: {builtin: [email]}\n")
    assert re.findall(r": (\w+): ", scan(desk).stdout) == ["email"]
    settings.unlink()
    suite = "schema: 1\nkind: suite\nagent: desk\ncases: []\nredact:\n  patterns: [{name: amex, regex: '3782[0-9]+'}]\n"
    write(desk / "evals" / "desk.yaml", suite)
    assert re.findall(r": (\w+): ", scan(desk).stdout) == ["amex"]


def test_values_of_the_environment(desk: Path) -> None:
    """What a variable says is a secret is found by its value, under the variable's name."""
    write(desk / "cassettes" / "desk" / "leak.yaml", json.dumps(["so: blue horse battery"]))
    assert scan(desk).returncode == 0
    done = scan(desk, SHOP_PASSWORD="blue horse battery")
    assert done.returncode == 1
    assert ": SHOP_PASSWORD: blue… (18 characters)" in done.stdout


def test_what_cannot_be_read(desk: Path) -> None:
    """A torn file is looked at as text and named; a body nobody can unpack is exit 3, for nobody knows."""
    write(desk / "cassettes" / "torn.yaml", '{"interactions": [')
    done = scan(desk)
    assert (done.returncode, done.stdout) == (0, "nothing found in 2 files\n")
    assert done.stderr.startswith("cassettes/torn.yaml: looked at as text, line by line: the JSON is damaged")
    call = {"headers": {"content-encoding": ["deflate"]}, "body": {"string": "not deflated at all"}}
    write(desk / "cassettes" / "torn.yaml", json.dumps([{"response": call}]))
    done = scan(desk)
    assert (done.returncode, done.stdout) == (3, "nothing found in 2 files\n")
    assert "torn.yaml: not looked into: [0].response.body: a compressed body is damaged" in done.stderr


def test_nothing_to_look_at(tmp_path: Path) -> None:
    """No file is exit 5, so that a hook that looks in the wrong place does not pass; no such path is exit 2."""
    empty = tmp_path / "empty"
    empty.mkdir()
    assert scan(tmp_path, "empty").returncode == 5
    assert scan(lay_down(tmp_path)).returncode == 5
    missing = scan(tmp_path, "no-such-folder")
    assert (missing.returncode, missing.stderr) == (2, "error: there is no file no-such-folder\n")


def test_files_are_enough(tmp_path: Path) -> None:
    """Outside of any project: what a hook passes."""
    good, bad = write(tmp_path / "a.yaml", "[]"), write(tmp_path / "b.yaml", json.dumps([PLANTED["slack"]]))
    assert scan(tmp_path, str(good), str(good)).stdout == "nothing found in 1 file\n"
    assert scan(tmp_path, str(good), str(bad)).returncode == 1
    done = scan(tmp_path)
    assert done.returncode == 2
    assert "name the files or folders to look at" in done.stderr


def test_the_hook(desk: Path) -> None:
    """The hook's command is this one, and its pattern takes recordings and nothing else."""
    hooks = yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    hook = next(each for each in hooks if each["id"] == "agentctl-cassettes-scan")
    assert hook["language"] == "python"
    taken = re.compile(hook["files"])
    assert all(map(taken.search, ["cassettes/a/b.yaml", "tests/cassettes/x.json", "spec/vcr_cassettes/y.yml.gz"]))
    assert not any(map(taken.search, ["evals/support.yaml", "cassettes/README.md", "my_cassettes.yaml"]))
    entry = hook["entry"].split()
    assert entry[0] == "agentctl"
    files = [str(path.relative_to(desk)) for path in (desk / "cassettes").rglob("*.yaml")]
    done = subprocess.run([*command(*entry[1:]), *files], cwd=desk, env=environment(), check=False)
    assert done.returncode == 0
