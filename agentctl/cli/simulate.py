"""`agentctl simulate`: the simulator as a server of its own, for other programs or a second terminal."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import IO, Annotated

import orjson
import typer

from agentctl.cli import exits
from agentctl.cli.console import json_line, note, say
from agentctl.cli.signals import Signals
from agentctl.config.faults import KINDS, STATUS, Unknown
from agentctl.errors import AgentctlError, UsageError
from agentctl.simulator.api import Served
from agentctl.simulator.faults.plan import Plan, load_plan, rule_of
from agentctl.simulator.limits import HINT, Buckets, Limit, WrongRate, limits_of
from agentctl.simulator.script import load_script
from agentctl.simulator.server import Simulator


def simulate(
    script: Annotated[
        Path | None, typer.Option("--script", help="Rules to answer from; without it every message is echoed.")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 0,
    faults: Annotated[
        Path | None, typer.Option("--faults", metavar="FILE", help="What goes wrong, and when: a file of faults.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault", metavar="FAULT[:P[xN]]", help="What goes wrong, with probability P, N in a row: 529:0.1."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Another throw of the dice.")] = None,
    rate_limit: Annotated[
        list[str] | None,
        typer.Option(
            "--rate-limit", metavar="KIND=N/UNIT", help="What may come in a time: requests=50/min,input=30000/min."
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", metavar="FILE", help="Serve https with this certificate (PEM).")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option("--tls-key", metavar="FILE", help="Its private key, if it is not in the same file.")
    ] = None,
    transcript: Annotated[
        Path | None,
        typer.Option("--transcript", metavar="FILE", help="Write a line of JSON for each request."),
    ] = None,
    list_faults: Annotated[bool, typer.Option("--list-faults", help="Say what can go wrong, and stop.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the address, or the list, as JSON on stdout.")] = False,
) -> int:
    """Serve a local, scripted Messages API until Ctrl-C.

    Point any client at it with ANTHROPIC_BASE_URL and any key. Faults are also taken from the script's rules and from
    the request header x-simulate-fault: an error status as in `429,retry_after=2`, a stream that ends early as in
    `eof,at=tool`, `stall`, `rst`, `trickle`, `pings` and more; --list-faults names them all.
    """
    if list_faults:
        tell_faults(as_json=json)
        return exits.OK
    if script is not None and not script.is_file():
        raise UsageError(f"there is no file {script}", hint="agents keep theirs in prompts/<agent>/simulator.yaml")
    plan, tls = _plan(faults, fault or [], seed), tls_context(tls_cert, tls_key)
    buckets = Buckets({**plan.limits, **rate_limits(rate_limit or [])})
    with ExitStack() as stack:
        told = _told(stack.enter_context(_opened(transcript))) if transcript is not None else None
        simulator = Simulator(
            load_script(script), host=host, port=port, faults=plan, tls=tls, buckets=buckets, on_served=told
        )
        trust = "" if tls_cert is None else f"SSL_CERT_FILE={tls_cert} "
        with Signals() as signals:
            return asyncio.run(_serve(simulator, signals, as_json=json, trust=trust))


def tell_faults(*, as_json: bool) -> None:
    """Prints every kind of fault, with the values that it takes and what they are without one."""
    kinds = {"400 to 599": STATUS, **KINDS}
    if as_json:
        listed = [{"fault": name, "says": kind.says, "values": dict(kind.values)} for name, kind in kinds.items()]
        json_line(listed)
        return
    for name, kind in kinds.items():
        values = ", ".join(f"{key}={value}".removesuffix("=") for key, value in kind.values.items())
        say(f"{name:<17} {kind.says}{f' ({values})' if values else ''}")


def _plan(file: Path | None, texts: Sequence[str], seed: int | None) -> Plan:
    """The faults of the flags, before those of the file.

    Raises:
        UsageError: there is no such file, or no such fault.
        ConfigError: the file is wrong.
    """
    if file is not None and not file.is_file():
        raise UsageError(f"there is no file {file}")
    try:
        rules = [rule_of(text) for text in texts]
    except Unknown as unknown:
        raise UsageError(f"--fault: {unknown}", hint=unknown.hint) from None
    return load_plan(file, rules, seed)


def rate_limits(texts: Sequence[str]) -> dict[str, Limit]:
    """The limits of the flags; the last word on a kind counts.

    Raises:
        UsageError: a text states none.
    """
    try:
        return {kind: limit for text in texts for kind, limit in limits_of(text).items()}
    except WrongRate as wrong:
        raise UsageError(f"--rate-limit: {wrong}", hint=HINT) from None


def tls_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """What serves TLS with these files; None without a certificate.

    Raises:
        UsageError: there is a key without a certificate, or a file that is none of these or does not fit the other.
    """
    if certificate is None:
        if key is not None:
            raise UsageError("--tls-key needs --tls-cert")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        files = " with ".join(str(file) for file in (certificate, key) if file is not None)
        raise UsageError(
            f"--tls-cert: {files} cannot be used ({error.strerror or error})",
            hint="a certificate and its key in PEM, the key without a password",
        ) from None
    return context


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("wb", buffering=0)
    except OSError as error:
        raise UsageError(f"--transcript: {path} cannot be written ({error.strerror or error})") from None


def _told(file: IO[bytes]) -> Callable[[Served], None]:
    def tell(served: Served) -> None:
        file.write(orjson.dumps({**asdict(served), "verdict": served.verdict}) + b"\n")

    return tell


async def _serve(simulator: Simulator, signals: Signals, *, as_json: bool, trust: str) -> int:
    """Serves until a signal comes; returns its exit code. `trust` stands before a command that is to reach it."""
    stopped = asyncio.Event()
    async with AsyncExitStack() as stack:
        stack.enter_context(signals.stopping(stopped.set))
        try:
            server = await stack.enter_async_context(simulator)
        except OSError as error:
            raise AgentctlError(
                f"cannot listen: {error.strerror or error}", hint="choose another --port or --host"
            ) from None
        if as_json:
            json_line({"base_url": server.base_url})
        note(f"simulated Messages API on {server.base_url} (no model answers here; Ctrl-C stops it)")
        note(f"use it with: {trust}ANTHROPIC_BASE_URL={server.base_url} ANTHROPIC_API_KEY=simulated agentctl ...")
        await stopped.wait()
    note(last_word(simulator.served))
    return signals.code or exits.INTERRUPTED


def last_word(served: Sequence[Served]) -> str:
    """What came of all requests; of faults and bills only when there were faults."""
    refused = sum(1 for each in served if each.error)
    bent = sum(1 for each in served if each.fault)
    said = f"{len(served)} requests answered, {refused} of them refused"
    if not bent:
        return said
    bills = [each.request_id for each in served if each.usage is not None]
    again = len(bills) - len({*bills})
    return f"{said}, {bent} with a fault, {len(bills)} billed" + (f", {again} of them again" if again else "")
