"""What a pattern cannot say of a match: that its check digits are right, or that it is more than a placeholder."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

import orjson

PLACEHOLDER: Final = re.compile(
    r"(?:your|my|our|some|the|an?|test|dummy|fake|mock|example|sample|placeholder|change|changeme|redacted|filtered|hidden"
    r"|masked|removed|secret|password|passwd|pass|token|bearer|auth|api|access|key|user|username|value|here|string|null"
    r"|none|undefined|true|false|foo|bar|x{2,}|\*+|[-_.:/ ])++[0-9]{0,4}\Z",
    re.IGNORECASE,
)
"""A value made of nothing but words that stand for one."""

CARDS: Final = re.compile(
    r"(?:4|5[0-9]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[689])|35|6)[0-9]+\Z",
)
"""How the numbers begin that issuers give out."""

IBANS: Final = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18"
    " FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20"
    " LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24"
    " SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
)
IBAN_LENGTHS: Final = {entry[:2]: int(entry[2:]) for entry in IBANS.split()}
NEAR: Final = 24
NINES: Final = 9
PHONE_DIGITS: Final = range(8, 16)
"""E.164 allows fifteen; fewer than eight are no number that reaches anyone from abroad."""


def value_of(match: re.Match[str]) -> str:
    """The secret in a match: its group `s`, or all of it."""
    return match["s"] if "s" in match.re.groupindex else match[0]


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) << (place & 1)
        total += doubled - NINES if doubled > NINES else doubled
    return total % 10 == 0


def is_card(match: re.Match[str]) -> bool:
    """A payment card's number: what an issuer gives out, with its check digit, and more than one digit repeated."""
    digits = re.sub(r"[ -]", "", match[0])
    return CARDS.match(digits) is not None and len(set(digits)) > 1 and is_luhn(digits)


def is_iban(match: re.Match[str]) -> bool:
    """An international bank account number: its country's length, and 1 modulo 97 (ISO 13616)."""
    text = match[0].replace(" ", "")
    if IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1


def is_phone(match: re.Match[str]) -> bool:
    """A number long enough to reach someone."""
    return sum(sign.isdecimal() for sign in match[0]) in PHONE_DIGITS


def is_email(match: re.Match[str]) -> bool:
    """An address whose name is one: no dot at either end, none twice."""
    name = match[0].partition("@")[0]
    return not (name.startswith(".") or name.endswith(".") or ".." in name)


def is_jwt(match: re.Match[str]) -> bool:
    """A token whose first part is a JSON object that names an algorithm or a type."""
    head = unpacked(match[0].partition(".")[0])
    try:
        header = orjson.loads(head) if head is not None else None
    except orjson.JSONDecodeError:
        return False
    return isinstance(header, dict) and not header.keys().isdisjoint({"alg", "typ", "enc", "kid"})


def is_basic(match: re.Match[str]) -> bool:
    """Credentials of HTTP's basic authentication: `user:password` in base64."""
    pair = unpacked(value_of(match))
    return pair is not None and b":" in pair and pair.isascii() and pair.decode().isprintable()


def is_token(match: re.Match[str]) -> bool:
    """A value that is more than a word or a placeholder: what follows `Bearer` in prose is a word."""
    if "authorization" in match.string[max(0, match.start() - NEAR) : match.start()].lower():
        return is_no_placeholder(match)
    value = value_of(match)
    mixed = any(sign.isdigit() for sign in value) or not value.replace("-", "").replace("_", "").islower()
    return (mixed or any(sign in value for sign in "._~+/")) and is_no_placeholder(match)


def is_no_placeholder(match: re.Match[str]) -> bool:
    """A value that does not merely stand for one."""
    return not stands_for_a_value(value_of(match))


def stands_for_a_value(value: str) -> bool:
    """Whether this is a word such as `your-api-key`, a variable, or one sign repeated."""
    return value[0] in "$%{<&*[" or len(set(value)) <= 2 or PLACEHOLDER.match(value) is not None  # noqa: PLR2004  `xx-xx`


def unpacked(text: str) -> bytes | None:
    """The bytes of base64 in either alphabet, padded or not; None when it is none."""
    data = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(data + "=" * (-len(data) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
