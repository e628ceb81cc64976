"""A key goes to the API itself, to this machine, or to a host that whoever runs the command trusts: nowhere else.

A project is other people's text. Whoever clones one and runs it must not hand their key to the host it names (as in
CVE-2026-21852), nor to one that a file of the project put into the environment. So a host is trusted in two places that
no project writes: the variable `AGENTCTL_TRUSTED_HOSTS`, and a file in the home of the user. What is looked at is the
address the SDK will use, read by the parser that the SDK will use.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from agentctl.errors import UsageError

VARIABLE: Final = "AGENTCTL_TRUSTED_HOSTS"
"""Hosts, separated by commas or blanks: `host`, `host:port`, or `http://host` where it may be talked to in clear."""

OWN: Final = {
    "anthropic": re.compile(r"api\.anthropic\.com"),
    "bedrock": re.compile(r"bedrock-runtime(-fips)?\.[a-z0-9-]+\.amazonaws\.com"),
    "vertex": re.compile(r"([a-z0-9-]+-)?aiplatform(\.[a-z]+\.rep)?\.googleapis\.com"),
}
"""Where each provider answers. Whole names: anybody may rent one below amazonaws.com or googleapis.com."""


PORTS: Final = range(1, 1 << 16)


@dataclass(frozen=True, slots=True)
class Origin:
    """Whom a request goes to: the name is lower-case ASCII, the port None where the address has none."""

    scheme: str
    host: str
    port: int | None = None


def trusted_file() -> Path:
    """The user's own list, one host a line, `#` before a remark; it need not exist."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "agentctl" / "trusted-hosts"


def refuse_strangers(url: Any, provider: str) -> None:
    """Lets pass the address (an httpx2 `URL`) of somebody who may see the key.

    Raises:
        UsageError: it is a stranger's, one that would be sent the key in clear, or no address at all.
    """
    if url.scheme not in {"http", "https"} or not url.raw_host or (url.port or 1) not in PORTS:
        raise UsageError(
            "`provider.base_url` (or ANTHROPIC_BASE_URL) is no http(s) address",
            hint="write https://host or https://host:port",
        )
    origin = Origin(url.scheme, url.raw_host.decode("ascii", "replace").lower().rstrip("."), url.port)
    own = OWN[provider].fullmatch(origin.host) is not None
    if is_local(origin.host) or (own and origin.scheme == "https"):
        return
    if any(_covers(entry, origin) for entry in _trusted()):
        return
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    name = host if origin.port is None else f"{host}:{origin.port}"
    if origin.scheme == "https":
        say, why = name, f"to {name}: it is not the API, and you have not said that you trust it"
    else:
        say, why = f"http://{name}", f"to {name} over {origin.scheme}: anybody on the way could read it"
    raise UsageError(
        f"your key is not sent {why}",
        hint="set `provider.base_url` (or ANTHROPIC_BASE_URL) to an https:// address you trust, and say that you do: "
        f"export {VARIABLE}={say}, or write {say} into {trusted_file()}",
    )


def is_local(host: str) -> bool:
    """Whether this name or address is this machine, in one of the two spellings nobody reads differently."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _trusted() -> Iterator[Origin]:
    yield from _origins(re.split(r"[,\s]+", os.environ.get(VARIABLE, "")))
    try:
        lines = trusted_file().read_text("utf-8").splitlines()
    except (OSError, RuntimeError, UnicodeDecodeError):  # there is none, or no home
        return
    yield from _origins(line.partition("#")[0].strip() for line in lines)


def _origins(entries: Iterable[str]) -> Iterator[Origin]:
    for entry in filter(None, entries):
        try:
            parts = urlsplit(entry if "://" in entry else f"https://{entry}")
            yield Origin(parts.scheme, (parts.hostname or "").rstrip("."), parts.port)
        except ValueError:  # no address at all: nobody is trusted by it
            continue


def _covers(entry: Origin, origin: Origin) -> bool:
    """An entry without a port is for all of its host; one for http is for https too."""
    port = origin.port or {"https": 443, "http": 80}.get(origin.scheme)
    same = entry.host == origin.host and entry.port in {None, port}
    return same and (origin.scheme == "https" or (entry.scheme, origin.scheme) == ("http", "http"))
