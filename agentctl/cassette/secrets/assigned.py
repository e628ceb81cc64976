"""A value that its name gives away: `password=...`, `api_key: ...`, a JSON key, a header.

The name says how much the value must look like a secret: a password may be short, while anything long and mixed is only
a token under a name that says so, since names such as `token` are also given to words and pages.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from agentctl.cassette.secrets.checks import stands_for_a_value

NAMES: Final = ("passw", "passphrase", "pwd", "secret", "key", "token", "credential", "authorization")
"""Words with which, in any case, the telling part of a name begins."""

ASSIGNMENT: Final = (
    r"(?i:passw(?:or)?d|passphrase|pwd|secret(?:[_-]?(?:access|key|token|base)){0,3}|key|token|credentials?)"
    r"(?:_[a-z0-9]{1,8})?[\"'\\]{0,3}\s{0,3}(?::=|=>|[:=]|%3D)\s{0,3}[\"'\\]{0,3}"
    r"(?P<s>[^\s\"'\\,;<>{}()\[\]&|]{6,256}+)(?![(\[{])"
)

PASSWORDS: Final = re.compile(r"(?:passw(?:or)?d|passphrase|pwd|passcode)\Z")
KEYS: Final = re.compile(
    r"(?:api|access|auth|private|signing|encryption|master|account|client|shared|service|app|application|admin|consumer"
    r"|server|license|deploy|webhook|ssh|secret|storage|subscription)(?:key|keys|token|secret)(?:base|id)?\Z"
    r"|secret\Z|secretaccesskey\Z|credentials?\Z|xapikey\Z|connectionstring\Z"
)
TOKENS: Final = re.compile(r"(?:token|authorization)\Z")
NOT_SECRET: Final = re.compile(r"(?:next|page|continuation|previous|cursor|sync|stop|pad|eos|bos|max|public)[a-z]*\Z")
"""Names of tokens that anyone may see: where a list goes on, parts of a text."""

SYMBOLS: Final = frozenset("!@#$^*?~+=")
SPACE, DIGIT, LETTER = re.compile(r"\s"), re.compile(r"\d"), re.compile(r"[^\W\d_]")
LEAST_KEY: Final = 12
LEAST_TOKEN: Final = 16
LEAST_PASSWORD: Final = 6
LOOK_BACK: Final = 24
AROUND: Final = re.compile(r"[A-Za-z0-9_.-]*\Z")
BEFORE_VALUE: Final = re.compile(r"[A-Za-z0-9_.-]+")


def is_assigned(match: re.Match[str]) -> bool:
    """Whether this match of `ASSIGNMENT` gives a secret to a name."""
    start = match.start()
    around = AROUND.search(match.string, max(0, start - LOOK_BACK), start)
    inner = BEFORE_VALUE.match(match[0])
    name = (around[0] if around else "") + (inner[0] if inner else "")
    return is_secret(name, match["s"])


def is_secret(name: str, value: str) -> bool:
    """Whether `value`, under this name, is one nobody should read."""
    kind = kind_of_name(name)
    return kind != "" and _LOOKS[kind](value)


@cache
def kind_of_name(name: str) -> str:
    """`password`, `key`, `token`, or empty when the name promises nothing."""
    plain = "".join(sign for sign in name.lower() if sign.isalnum())
    if PASSWORDS.search(plain):
        return "password"
    if KEYS.search(plain):
        return "key"
    if TOKENS.search(plain) and NOT_SECRET.search(plain) is None:
        return "token"
    return ""


def _is_password(value: str) -> bool:
    if len(value) < LEAST_PASSWORD or not _one_word(value):
        return False
    return _mixed(value) or not SYMBOLS.isdisjoint(value)


def _is_key(value: str) -> bool:
    return len(value) >= LEAST_KEY and _one_word(value) and _mixed(value)


def _is_token(value: str) -> bool:
    return len(value) >= LEAST_TOKEN and _one_word(value) and _mixed(value)


_LOOKS: Final = {"password": _is_password, "key": _is_key, "token": _is_token}


def _one_word(value: str) -> bool:
    return SPACE.search(value) is None and not stands_for_a_value(value) and "[redacted:" not in value


def _mixed(value: str) -> bool:
    return DIGIT.search(value) is not None and LETTER.search(value) is not None
