"""What runs cost, computed once: list prices change with the price package and with the day, and with nothing else.

Loading the price package takes longer than replaying a hundred cases, and every replay asks for the same prices. So
prices are kept in a file that carries the package's state and the day, and are thrown away when one of them changed. A
price that is not known is not kept: it may be known tomorrow.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import orjson

from agentctl.agent.events import JsonObject, ModelReplied
from agentctl.errors import StoreError
from agentctl.evals.files import write_whole
from agentctl.model.pricing import price

PACKAGE: Final = "genai_prices"


class Prices:
    """Prices of replies, kept in `path` between evaluations; None keeps them for this one only."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._stamp = _stamp() if path is not None else ""
        self._known: dict[bytes, Decimal | None] = {}
        self._kept = _read(path, self._stamp) if path is not None else {}
        self._fresh = False

    def of(self, replies: Iterable[ModelReplied], provider: str) -> Decimal | None:
        """USD for all of them; None when the price of one is not known."""
        total = Decimal(0)
        for reply in replies:
            one = self._one(reply, provider)
            if one is None:
                return None
            total += one
        return total

    def save(self) -> None:
        """Keeps what had to be computed. A file that cannot be written costs time, and is no error."""
        if self._path is None or not self._fresh:
            return
        try:
            write_whole(self._path, orjson.dumps({"stamp": self._stamp, "usd": self._kept}))
        except StoreError:
            return

    def _one(self, reply: ModelReplied, provider: str) -> Decimal | None:
        key = orjson.dumps([provider, reply.model, reply.usage], option=orjson.OPT_SORT_KEYS)
        if key in self._known:
            return self._known[key]
        kept = self._kept.get(key.decode())
        usd = Decimal(kept) if kept is not None else price(reply.model, reply.usage, provider)
        if kept is None and usd is not None:
            self._kept[key.decode()] = str(usd)
            self._fresh = True
        self._known[key] = usd
        return usd


def _stamp() -> str:
    """What prices depend on: the package's data as it is installed, and the day (UTC)."""
    spec = find_spec(PACKAGE)
    state = ""
    if spec is not None and spec.origin is not None:
        data = (Path(spec.origin).parent / "data.py").stat()
        state = f"{data.st_mtime_ns}-{data.st_size}"
    return f"{state} {time.strftime('%Y-%m-%d', time.gmtime())}"


def _read(path: Path, stamp: str) -> dict[str, str]:
    try:
        kept: JsonObject = orjson.loads(path.read_bytes())
        usd: dict[str, str] = kept["usd"] if kept["stamp"] == stamp else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return usd
