"""The fault table: what each row is, and which of them no part has to prove, with the reason.

A row that is neither proven by a part nor excused here has failed: a fault that nobody tries is not survived.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

TITLES: Final = {
    "F01": "connection refused, no such host, TLS failure",
    "F02": "429 with a short retry-after",
    "F03": "429 with a wait beyond the deadline",
    "F04": "retry-after that is no number of seconds",
    "F05": "429 for a spend cap",
    "F06": "529 twice, then well; x-should-retry: false",
    "F07": "a call without its result is never sent",
    "F08": "401, 402, 403, 404, 413",
    "F09": "HTML in place of JSON",
    "F10": "first byte after the deadline",
    "F11": "silence in the middle of a stream",
    "F12": "pings and nothing else",
    "F13": "stream ends after text, without message_stop",
    "F14": "stream ends inside a tool's input",
    "F15": "stream ends behind a tool's input, its block open",
    "F16": "max_tokens inside a tool call",
    "F17": "refusal with a tool call",
    "F18": "overloaded in the middle of a stream",
    "F19": "reset, short chunk, bad chunk, cut gzip",
    "F20": "bytes, JSON, indexes and order that break the protocol",
    "F21": "unknown event, block and stop reason",
    "F22": "pause_turn without end",
    "F23": "thinking before a fallback to another model",
    "F24": "an outage of a minute under 200 clients",
    "F25": "one probe at the half-open edge",
    "F26": "tools that raise, hang, flood, return what is no JSON, fork",
    "F27": "twenty tools at once, one fails, one is killed",
    "F28": "signals in every phase",
    "F29": "kill -9",
    "F30": "a paused process after a takeover",
    "F31": "ENOSPC, EIO, EROFS, EMFILE at every call",
    "F32": "torn and zeroed tails, flipped bits",
    "F33": "Redis away",
    "F34": "Postgres restarts",
    "F35": "many spenders against one cap",
    "F36": "a crash between reserving and settling",
    "F37": "clocks and time zones",
    "F38": "locales, encodings, line ends",
    "F39": "kill -9 while a recording is saved, many writers",
    "F40": "replay without a network, without a whole recording",
    "F41": "the exporter of traces is away",
    "F42": "the audit log cannot be written",
    "F43": "older and newer stores and recordings",
    "F44": "redirects and base URLs that lead elsewhere",
}

NOT_DUE: Final = {
    "F33": "limits are not shared through Redis yet",
    "F34": "runs are not stored in Postgres yet",
    "F36": "no budget outlives its process yet: nothing is reserved in a store",
    "F41": "nothing is exported yet",
    "F42": "there is no audit log yet",
}
"""Rows about what agentctl does not have, so that nothing can be tried."""


def table(passed: Iterable[tuple[tuple[str, ...], bool]]) -> tuple[list[str], bool]:
    """The rows as lines, and whether all that are due hold; `passed` says of each part its rows and its outcome."""
    found: dict[str, bool] = {}
    for rows, well in passed:
        for row in rows:
            found[row] = found.get(row, True) and well
    words = {row: _word(row, found) for row in TITLES}
    lines = [f"{row}  {words[row]:<8}  {title}{_why(row, found)}" for row, title in TITLES.items()]
    due = [row for row in TITLES if words[row] != "not due"]
    held = sum(words[row] == "pass" for row in due)
    return [*lines, f"{held} of {len(due)} rows hold that are due"], held == len(due)


def _word(row: str, found: dict[str, bool]) -> str:
    if row in found:
        return "pass" if found[row] else "FAIL"
    return "not due" if row in NOT_DUE else "untried"


def _why(row: str, found: dict[str, bool]) -> str:
    return f": {NOT_DUE[row]}" if row in NOT_DUE and row not in found else ""
