"""Pydantic's errors in plain words, at the key or value they are about, with what was probably meant.

A union reports what every one of its branches has against a value; only the branch that the value was plainly meant for
is kept, so that one mistake is one finding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from agentctl.config.nearest import known_keys, nearest
from agentctl.config.texts import shown

Path = tuple[str | int, ...]

EXPECTED: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "mapping_type": "a mapping",
    "none_required": "null",
}
BOUNDS: Final = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
KINDS: Final[dict[type, str]] = {str: "text", dict: "a mapping", list: "a list", type(None): "empty"}


class Invalid(ValueError):
    """Raised by a model's own validator: a sentence for a person, what to do, and whether the key is what is wrong."""

    def __init__(self, message: str, *, hint: str = "", on_key: bool = False) -> None:
        super().__init__(message)
        self.hint = hint
        self.on_key = on_key


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong at a path of the document."""

    path: Path
    message: str
    hint: str = ""
    on_key: bool = False


@dataclass(frozen=True, slots=True)
class _Raw:
    """One of pydantic's errors: its place in the document, and the union branches it came through, outermost first."""

    type: str
    path: Path
    branches: tuple[tuple[Path, str], ...]
    on_key: bool
    value: Any
    context: dict[str, Any]
    message: str


def findings(model: type[BaseModel], value: Any, error: ValidationError) -> list[Finding]:
    """What `error` says about `value`, one finding for each mistake."""
    raw = [_located(value, each) for each in error.errors(include_url=False) if not _counted_wrong(each)]
    found = [_finding(model, value, group) for group in _meant(raw)]
    return list(dict.fromkeys(found))


def _counted_wrong(error: Any) -> bool:
    """Whether a list is long enough, and pydantic only did not count the entries that have errors of their own."""
    return bool(error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"])


def _located(value: Any, error: Any) -> _Raw:
    """Splits pydantic's location into steps that exist in the document and names of union branches."""
    path: list[str | int] = []
    branches: list[tuple[Path, str]] = []
    location = error["loc"]
    on_key = bool(location) and location[-1] == "[key]"
    for index, step in enumerate(location[:-1] if on_key else location):
        if isinstance(value, list) and isinstance(step, int):
            path.append(step)
            value = value[step] if step < len(value) else None
        elif isinstance(value, dict) and step in value:
            path.append(step)
            value = value[step]
        elif error["type"] == "missing" and index == len(location) - 1:
            path.append(step)
        else:
            branches.append((tuple(path), str(step)))
    context = error.get("ctx") or {}
    return _Raw(error["type"], tuple(path), tuple(branches), on_key, error["input"], context, error["msg"])


def _meant(raw: list[_Raw]) -> list[list[_Raw]]:
    """Groups of errors that are one mistake each. Errors of branches that the value was not meant for are left out."""
    plain: dict[tuple[Path, str], list[_Raw]] = {}
    unions: dict[Path, dict[str, list[_Raw]]] = defaultdict(lambda: defaultdict(list))
    for each in raw:
        if each.branches:
            (place, branch), *rest = each.branches
            inner = _Raw(each.type, each.path, tuple(rest), each.on_key, each.value, each.context, each.message)
            unions[place][branch].append(inner)
        else:
            plain[each.path, f"{each.type}{len(plain)}"] = [each]
    groups = list(plain.values())
    for place, branches in unions.items():
        groups += _branch_meant(place, branches)
    return groups


def _branch_meant(place: Path, branches: dict[str, list[_Raw]]) -> list[list[_Raw]]:
    """The errors of the branch whose kind of value it is; when there is none, all branches together are one mistake."""
    fitting = [errors for errors in branches.values() if not _of_another_kind(place, errors)]
    if fitting:
        return _meant(min(fitting, key=len))
    return [[error for errors in branches.values() for error in errors]]


def _of_another_kind(place: Path, errors: list[_Raw]) -> bool:
    return all(each.path == place and each.type in EXPECTED for each in errors)


def _finding(model: type[BaseModel], document: Any, group: list[_Raw]) -> Finding:
    raw = group[0]
    if raw.type == "missing":
        return Finding(raw.path, f"`{raw.path[-1]}` is missing{_inside(raw.path[:-1])}")
    if raw.type == "extra_forbidden":
        hint = nearest(str(raw.path[-1]), known_keys(model, document, raw.path[:-1]), kind="keys")
        return Finding(raw.path, f"unknown key `{shown(raw.path[-1])}`{_inside(raw.path[:-1])}", hint, on_key=True)
    if raw.type in {"value_error", "assertion_error"}:
        return _own(raw)
    name = _name(raw.path)
    if all(each.type in EXPECTED for each in group):
        wanted = " or ".join(dict.fromkeys(EXPECTED[each.type] for each in group))
        return Finding(raw.path, f"{name} must be {wanted}, not {_kind(raw.value)}", _quotes(wanted, raw.value))
    message, hint = _by_type(raw)
    return Finding(raw.path, f"{name} {message}", hint, raw.on_key)


def _by_type(raw: _Raw) -> tuple[str, str]:
    describe = WORDS.get(raw.type)
    if describe is not None:
        return describe(raw)
    if raw.type in BOUNDS:
        words, key = BOUNDS[raw.type]
        return f"must be {words} {raw.context[key]:g}, not {shown(raw.value)}", ""
    return f"cannot be used: {raw.message[0].lower()}{raw.message[1:]}", ""


def _choice(raw: _Raw) -> tuple[str, str]:
    known = [word.strip("'\"") for word in str(raw.context["expected"]).replace(" or ", ", ").split(", ")]
    listed = known[0] if len(known) == 1 else f"one of {', '.join(known)}"
    hint = nearest(raw.value, known, kind="") if isinstance(raw.value, str) else ""
    return f"must be {listed}, not {_kind(raw.value) if raw.value is None else shown(raw.value)}", hint


def _tag(raw: _Raw) -> tuple[str, str]:
    known = [word.strip("'\"") for word in str(raw.context["expected_tags"]).split(", ")]
    return f"has the unknown kind {shown(raw.context['tag'])}", nearest(str(raw.context["tag"]), known, kind="kinds")


def _length(raw: _Raw) -> tuple[str, str]:
    least, most = raw.context.get("min_length"), raw.context.get("max_length")
    what = "characters" if isinstance(raw.value, str) else "entries"
    if least == 1:
        return "must not be empty", ""
    return f"must have at {'least' if most is None else 'most'} {least if most is None else most} {what}", ""


WORDS: Final[dict[str, Callable[[_Raw], tuple[str, str]]]] = {
    "literal_error": _choice,
    "enum": _choice,
    "union_tag_invalid": _tag,
    "union_tag_not_found": lambda raw: (f"has no key {raw.context['discriminator']}".replace("'", "`"), ""),
    "string_too_short": _length,
    "string_too_long": _length,
    "too_short": _length,
    "too_long": _length,
    "string_pattern_mismatch": lambda raw: (f"does not match {raw.context['pattern']}: {shown(raw.value)}", ""),
}


def _own(raw: _Raw) -> Finding:
    """The words of a validator of ours."""
    error = raw.context.get("error")
    hint, on_key = getattr(error, "hint", ""), getattr(error, "on_key", False)
    return Finding(raw.path, str(error if error is not None else raw.message), hint, on_key or raw.on_key)


def _name(path: Path) -> str:
    """The last key of a path, with the indexes after it: `tools[1]`."""
    name = ""
    for step in reversed(path):
        if isinstance(step, str):
            return f"`{shown(step)}{name}`"
        name = f"[{step}]{name}"
    return "the document"


def _inside(path: Path) -> str:
    return f" in {_name(path)}" if path else ""


def _kind(value: Any) -> str:
    """What kind of value it is; a number, true or false speaks for itself."""
    return KINDS.get(type(value)) or shown(value).lower()


def _quotes(wanted: str, value: Any) -> str:
    scalar = isinstance(value, (bool, int, float))
    return f'put it in quotes: "{shown(value).lower()}"' if scalar and wanted.startswith("text") else ""
