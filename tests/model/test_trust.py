"""Who may see the key: the API, this machine, and whom the user trusts; a project names nobody into that circle."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from agentctl.agent.spec import Provider
from agentctl.errors import UsageError
from agentctl.model.claude import ClaudeWire
from agentctl.model.trust import VARIABLE, refuse_strangers

STRANGERS = (
    "https://evil.example",
    "https://api.anthropic.com.evil.example",
    "https://api.anthropic.com@evil.example",
    "https://api.anthropic.com:443@evil.example/v1",
    "https://evil.example/api.anthropic.com",
    "https://evil.example#api.anthropic.com",
    "https://xapi.anthropic.com",
    "https://docs.anthropic.com",
    "https://\u0430pi.anthropic.com",
    "https://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "http://api.anthropic.com",
    "http://10.0.0.1",
    "http://0.0.0.0",
    "http://2130706433",
    "http://0x7f.1",
    "http://169.254.169.254",
    "https://[2001:db8::1]:8443",
)


@pytest.fixture(autouse=True)
def nobody_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A user who trusts nobody yet; the place of their list."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "agentctl" / "trusted-hosts"


@pytest.mark.parametrize("url", STRANGERS)
def test_strangers(url: str) -> None:
    """Whatever the address pretends to be, it is refused, and the error names the host that would have been asked."""
    with pytest.raises(UsageError) as caught:
        refuse_strangers(httpx2.URL(url), "anthropic")
    assert httpx2.URL(url).raw_host.decode() in str(caught.value)
    assert VARIABLE in caught.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anthropic.com",
        "https://API.Anthropic.com.",
        "https://api.anthropic.com:8443/v1",
        "http://localhost:8080",
        "http://127.0.0.1",
        "http://127.9.9.9:1",
        "http://[::1]:1",
    ],
)
def test_the_api_and_this_machine(url: str) -> None:
    """Nobody has to be asked."""
    refuse_strangers(httpx2.URL(url), "anthropic")


@pytest.mark.parametrize(
    ("said", "url", "passes"),
    [
        ("gateway.example", "https://gateway.example:8443/x", True),
        ("other.example, Gateway.Example", "https://gateway.example", True),
        ("gateway.example:8443", "https://gateway.example:8443", True),
        ("gateway.example:8443", "https://gateway.example", False),
        ("gateway.example", "http://gateway.example", False),
        ("https://gateway.example/path", "https://gateway.example", True),
        ("http://gateway.example:80", "http://gateway.example", True),
        ("http://gateway.example", "http://gateway.example:8080", True),
        ("http://gateway.example", "https://gateway.example", True),
        ("example", "https://gateway.example", False),
        ("*", "https://gateway.example", False),
        ("http://[", "https://gateway.example", False),
    ],
)
@pytest.mark.parametrize("where", ["environment", "file"])
def test_whom_the_user_trusts(
    monkeypatch: pytest.MonkeyPatch, nobody_trusted: Path, where: str, said: str, url: str, *, passes: bool
) -> None:
    """A host is trusted as it is written: with its port if it has one, in clear only where that is said."""
    if where == "environment":
        monkeypatch.setenv(VARIABLE, said)
    else:
        nobody_trusted.parent.mkdir()
        nobody_trusted.write_text("# mine\n" + "\n".join(said.split(", ")) + "  # the gateway\n")
    if passes:
        refuse_strangers(httpx2.URL(url), "anthropic")
    else:
        with pytest.raises(UsageError):
            refuse_strangers(httpx2.URL(url), "anthropic")


@pytest.mark.parametrize(
    ("provider", "url", "passes"),
    [
        ("bedrock", "https://bedrock-runtime.eu-west-1.amazonaws.com", True),
        ("bedrock", "https://bedrock-runtime.x.evil.example/.amazonaws.com", False),
        ("bedrock", "https://abc.execute-api.eu-west-1.amazonaws.com", False),
        ("vertex", "https://europe-west1-aiplatform.googleapis.com/v1", True),
        ("vertex", "https://aiplatform.eu.rep.googleapis.com/v1", True),
        ("vertex", "https://evil.example/-aiplatform.googleapis.com/v1", False),
    ],
)
def test_clouds(provider: str, url: str, *, passes: bool) -> None:
    """A region that is an address in disguise, or a rented name below the cloud's own, gets no token."""
    if passes:
        refuse_strangers(httpx2.URL(url), provider)
    else:
        with pytest.raises(UsageError):
            refuse_strangers(httpx2.URL(url), provider)


@pytest.mark.parametrize(
    "url", ["", "api.anthropic.com", "127.0.0.1:80", "ftp://127.0.0.1", "file:///etc/passwd", "http://127.0.0.1:99999"]
)
def test_no_address(url: str) -> None:
    """What cannot be asked at all is told as that, not as a stranger."""
    with pytest.raises(UsageError, match="no http"):
        refuse_strangers(httpx2.URL(url), "anthropic")


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ANTHROPIC_BASE_URL=` in front of a command switches off what the shell has set: the API is asked."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-of-the-user")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "")
    ClaudeWire()


@pytest.mark.parametrize("named_by", ["project", "environment"])
def test_a_wire_with_the_key_of_the_environment(monkeypatch: pytest.MonkeyPatch, named_by: str) -> None:
    """Neither the project nor a variable it may have set leads the key away; who passes a key says where it goes."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-of-the-user")
    url = "https://evil.example"
    if named_by == "environment":
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
    provider = Provider(base_url=url if named_by == "project" else None)
    with pytest.raises(UsageError, match=r"not sent to evil\.example"):
        ClaudeWire(provider)
    ClaudeWire(provider, api_key="sk-for-that-host")
