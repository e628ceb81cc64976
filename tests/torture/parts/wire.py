"""Rows of the fault table that are told by a status or by nobody at all, each against `agentctl run`."""

from __future__ import annotations

import socket
from typing import Final

from support.desk import agentctl
from tests.torture import raw
from tests.torture.part import Outcome, Part, Trial
from tests.torture.raw import OK, TOOL, Raw, streams, whole
from tests.torture.wirecase import KEY, Case, part, project

NOWHERE: Final = {"ANTHROPIC_BASE_URL": "http://nowhere.invalid", "AGENTCTL_TRUSTED_HOSTS": "http://nowhere.invalid"}
PATIENT: Final = {"retry": {"attempts": 3, "base": 0.001, "cap": 0.002}}
HTML: Final = b"<!doctype html><html><script>alert(1)</script><h1>Bad gateway</h1></html>"
MANY: Final = range(1, 4)


def _after(status: str, *lines: str) -> raw.Act:
    return raw.failure(status, "rate_limit_error", "slow down", *lines)


def _refused_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return f"http://127.0.0.1:{door.getsockname()[1]}"


def _unreachable() -> list[Case]:
    """F01."""
    sent = {"kind": "connection_error", "requests": 0, "says": "connection|connect|resolution|ssl|name"}
    return [
        Case("refused", (OK,), **sent, env={"ANTHROPIC_BASE_URL": _refused_port()}),
        Case("no such name", (OK,), **sent, env=NOWHERE),
        Case("TLS to a plain port", (OK,), **sent, env={"ANTHROPIC_BASE_URL": "https://127.0.0.1:{port}"}),
        Case("hangs up at once", (raw.says(),), kind="connection_error", requests=3),
        Case("hangs up, then answers", (raw.says(), OK), code=0, requests=2),
    ]


def _waits() -> list[Case]:
    """F02, F03, F04."""
    soon = ("NaN", "inf", "-inf", "-5", "-0", "0", "", "soon", "1,5", "0x10", "Mon, 01 Jan 2001 00:00:00 GMT")
    late = ("1e9", "3600", "99999999999999999999", "Thu, 01 Jan 2099 00:00:00 GMT", "2147483648")
    told = {"kind": "rate_limit_error", "code": 6, "seconds": 8.0, "says": "asked to wait"}
    return [
        Case("2 s", (_after("429 X", "retry-after: 2"), OK), code=0, requests=2, least=2.0, seconds=9, agent=PATIENT),
        Case("1500 ms", (_after("429 X", "retry-after-ms: 1500"), OK), code=0, requests=2, least=1.5, seconds=9),
        Case("1.5 s", (_after("529 X", "retry-after: 1.5"), OK), code=0, requests=2, least=1.5, seconds=9),
        *(
            Case(f"{word!r}", (_after("429 X", f"retry-after: {word}"), OK), code=0, requests=2, seconds=8)
            for word in soon
        ),
        *(
            Case(f"{word!r}", (_after("429 X", f"retry-after: {word}"),), **{**told, "kind": "deadline"})
            for word in late
        ),
    ]


def _account() -> list[Case]:
    """F05, F06."""
    cap = raw.failure("429 X", "rate_limit_error", "spent", details={"error_code": "enforced_spend_limit_reached"})
    other = raw.failure("429 X", "rate_limit_error", "spent", details={"error_code": "contract_spend_limit_reached"})
    busy = raw.failure("529 X", "overloaded_error", "busy")
    never = raw.failure("529 X", "overloaded_error", "busy", "x-should-retry: false")
    please = raw.failure("400 X", "invalid_request_error", "again", "x-should-retry: true")
    return [
        Case("spend cap", (cap, OK), kind="rate_limit_error", says="spend limit"),
        Case("spend cap of a contract", (other, OK), kind="rate_limit_error", says="spend limit"),
        Case("529 twice", (busy, busy, OK), code=0, requests=3),
        Case("529 for ever", (busy,), kind="overloaded_error", requests=3),
        Case("told not to retry", (never, OK), kind="overloaded_error"),
        Case("told to retry", (please, OK), code=0, requests=2),
    ]


def _refused() -> list[Case]:
    """F07, F08."""
    missing = "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_raw"
    cases = [
        Case("400 of a missing result", (TOOL, raw.failure("400 X", "invalid_request_error", missing)), ran=1,
             kind="invalid_request_error", requests=range(2, 4), says="tool_result")
    ]  # fmt: skip
    for status, kind, says in (
        ("401", "authentication_error", "hint: .*ANTHROPIC_API_KEY"),
        ("402", "billing_error", "hint: .*billing"),
        ("403", "permission_error", "hint: .*key"),
        ("404", "not_found_error", "hint: .*model"),
        ("413", "request_too_large", "hint: .*shorten"),
        ("405", "invalid_request_error", "hint: "),
        ("422", "invalid_request_error", "hint: "),
    ):
        cases.append(Case(status, (raw.failure(f"{status} X", kind), OK), kind=kind, says=says))
    return cases


def _pages() -> list[Case]:
    """F09."""
    html = ("content-type: text/html", "connection: close")
    bare = {"kind": "protocol_error", "says": "no Messages API reply"}
    return [
        Case("500 page", (whole(HTML, "500 X", *html),), kind="api_error", requests=3),
        Case("500 page, then fine", (whole(HTML, "502 X", *html), OK), code=0, requests=2),
        Case("200 page", (whole(HTML, "200 OK", *html),), **bare),
        Case("200 page on a screen", (whole(HTML, "200 OK", *html),), screen=True, says="no Messages API reply"),
        Case("page as a stream", (streams(HTML),), kind="stream_truncated", requests=MANY),
        Case("200 empty", (whole(b"", "200 OK"),), **bare),
        Case("200 empty stream", (streams(),), kind="stream_truncated", requests=MANY),
        Case("JSON of something else", (whole(b'{"choices": []}'),), **bare),
        Case("JSON list", (whole(b"[1, 2]"),), **bare),
        Case("JSON null", (whole(b"null"),), **bare),
    ]


def _strangers() -> list[Case]:
    """F44: the server plays a host that nobody trusts, under a name that leads here, or is the target of a redirect."""
    home = {"XDG_CONFIG_HOME": "/nonexistent", "AGENTCTL_TRUSTED_HOSTS": ""}
    stranger = {"code": 2, "requests": 0, "env": {**home, "ANTHROPIC_BASE_URL": ""}, "says": "AGENTCTL_TRUSTED_HOSTS"}
    urls = ("https://gateway.example", "http://gateway.example", "http://0.0.0.0:{port}", "http://2130706433:{port}",
            "https://api.anthropic.com@gateway.example", "http://api.anthropic.com", "http://127.1:{port}")  # fmt: skip
    cases = [
        Case(f"project: {url}", (OK,), **stranger, agent={"provider": {"base_url": url}})
        for url in urls
        if "{" not in url
    ]
    cases += [
        Case(f"environment: {url}", (OK,), **{**stranger, "env": {**home, "ANTHROPIC_BASE_URL": url}}) for url in urls
    ]
    trusts = {"ANTHROPIC_BASE_URL": "http://0.0.0.0:{port}", "AGENTCTL_TRUSTED_HOSTS": "http://0.0.0.0:{port}"}
    cases.append(Case("trusted in clear", (OK,), code=0, env=trusts, answer="All is well."))
    cloud = {"name": "vertex", "region": "gateway.example/", "project_id": "x"}
    cases.append(Case("a region that is a host", (OK,), **{**stranger, "says": ""}, agent={"provider": cloud}))
    for status in ("301", "302", "303", "307", "308"):
        there = whole(b"", f"{status} Moved", "location: http://127.0.0.1:9/v1/messages", "connection: close")
        cases.append(Case(f"redirect {status}", (there, OK), kind="unknown_error", says="redirects are not followed"))
    return cases


def _one_after_the_other(trial: Trial) -> Outcome:
    """Fault after fault on one server, in one project: none is paid for by the command behind it."""
    bad = [raw.says(), whole(HTML, "500 X"), raw.failure("529 X", "overloaded_error"), streams(raw.start())]
    failures = []
    with Raw([*(act for act in bad for _ in range(12)), OK]) as server:
        root = project(trial.folder, {})
        env = {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": KEY}
        for number in range(16):
            done = agentctl(root, "run", "wire", "hello", "--json", **env)
            if done.returncode != 3 or len(server.asked) != 3 * (number + 1):
                failures.append(
                    f"run {number}: exit {done.returncode}, {len(server.asked)} requests [{done.stderr:.200}]"
                )
        done = agentctl(root, "run", "wire", "hello", "--json", **env)
        if done.returncode:
            failures.append(f"the last: exit {done.returncode} [{done.stderr:.200}]")
    return Outcome(
        not failures, f"16 runs that fail and one that does not, {len(server.asked)} requests", tuple(failures)
    )


PARTS: Final = [
    Part(("F06",), "fault after fault on one server", 1, 1, _one_after_the_other),
    part("F01", "nobody answers", _unreachable),
    part("F02", "the server says when", _waits, "F03", "F04"),
    part("F05", "spend caps and overloads", _account, "F06"),
    part("F07", "requests that are refused", _refused, "F08"),
    part("F44", "hosts that nobody trusts", _strangers),
    part("F09", "pages of a proxy", _pages),
]
