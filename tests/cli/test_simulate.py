"""`agentctl simulate` as a process: faults from flags and files, a transcript, a last word."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from agentctl.cli.simulate import last_word, tell_faults, tls_context
from agentctl.config.faults import KINDS
from agentctl.errors import UsageError
from agentctl.simulator.api import Served
from support.desk import agentctl, command, environment

CHECKOUT = Path(__file__).resolve().parents[2]
FAULTS = """
schema: 1
kind: faults
faults:
  - {fault: 503, nth: 1}
"""


def ask(url: str) -> int:
    """The status of a request."""
    body = {"model": "claude-sonnet-5-5", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"x-api-key": "k", "anthropic-version": "2023-06-01", "content-type": "application/json"}
    request = urllib.request.Request(f"{url}/v1/messages", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize(
    ("certificate", "key", "said"),
    [
        ("localhost.pem", "", "cannot be used"),
        ("localhost.pem", "talk.py", "cannot be used"),
        ("missing.pem", "localhost-key.pem", "No such file"),
        ("", "localhost-key.pem", "needs --tls-cert"),
    ],
)
def test_files_that_are_no_certificate(certificate: str, key: str, said: str) -> None:
    """A usage error says which, before anything is served."""
    folder = CHECKOUT / "tests/support/contract"
    files = [folder / name if name else None for name in (certificate, key)]
    with pytest.raises(UsageError, match=said):
        tls_context(*files)


def test_every_fault_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """With its values, for a person and for a program."""
    tell_faults(as_json=False)
    told = capsys.readouterr().out.splitlines()
    assert len(told) == len(KINDS) + 1
    assert "eof               the stream ends, properly but too early (at=text)" in told
    tell_faults(as_json=True)
    listed = json.loads(capsys.readouterr().out)
    assert {"fault": "tls", "says": "the TLS handshake fails", "values": {"alert": "handshake_failure"}} in listed


def test_what_is_billed_again_is_told() -> None:
    """A message that was lost and made again for the same request; without faults nothing is said of bills."""
    made, lost = [
        Served("POST", "/v1/messages", 200, usage={}, fault=fault, request_id="req_1") for fault in ("", "drop")
    ]
    assert last_word([made]) == "1 requests answered, 0 of them refused"
    assert last_word([lost]).endswith("1 with a fault, 1 billed")
    assert last_word([lost, made]).endswith("1 with a fault, 2 billed, 1 of them again")


def test_faults_and_transcript(tmp_path: Path) -> None:
    """Faults of flags come first, then those of the file; the transcript has each request, also after a signal."""
    (tmp_path / "faults.yaml").write_text(FAULTS)
    flags = ["--faults", "faults.yaml", "--fault", "html:0", "--transcript", "served.jsonl", "--json"]
    with subprocess.Popen(
        command("simulate", *flags),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        url = json.loads(server.stdout.readline())["base_url"]
        assert [ask(url), ask(url)] == [503, 200]
        server.send_signal(signal.SIGINT)
        _, err = server.communicate(timeout=20)
    assert server.returncode == 130
    assert "2 requests answered, 0 of them refused, 1 with a fault, 1 billed" in err
    told = [json.loads(line) for line in (tmp_path / "served.jsonl").read_text().splitlines()]
    assert [(each["status"], each["fault"], each["usage"] is not None) for each in told] == [
        (503, "503", False),
        (200, "", True),
    ]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--fault", "stal"], "did you mean `stall`?"),
        (["--faults", "nowhere.yaml"], "there is no file nowhere.yaml"),
        (["--transcript", "nowhere/served.jsonl"], "nowhere/served.jsonl cannot be written"),
    ],
)
def test_mistakes_are_told_before_it_serves(tmp_path: Path, flags: list[str], said: str) -> None:
    """Exit 2, and what to write instead."""
    done = agentctl(tmp_path, "simulate", *flags)
    assert done.returncode == 2
    assert said in done.stderr


def test_the_command_of_the_readme() -> None:
    """It serves, as it is written there."""
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    line = re.search(r"^agentctl (simulate .*)$", readme, re.MULTILINE)
    assert line is not None
    with subprocess.Popen(
        command(*line[1].split(), "--json"),
        cwd=CHECKOUT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        assert ask(json.loads(server.stdout.readline())["base_url"]) in {200, 529}
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) == 143
