"""One more case at the end of a suite, and not one byte of the rest changed: comments, order and quotes stay.

The new text is read back before anything is written: it must say what the old one said, and the new case, and nothing
else. What cannot be added that way is not added.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from agentctl.agent.events import JsonObject
from agentctl.config.yamls import LOADER, load_yaml
from agentctl.errors import ConfigError, UsageError
from agentctl.evals.files import write_whole

HEAD: Final = """\
# yaml-language-server: $schema=../.agentctl/schemas/suite.json
schema: 1
kind: suite
{agent}cases:
"""
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_NO_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_OPENS: Final = re.compile(r"\{\{|\{%|\{#")


def append_case(path: Path, agent: str, case: JsonObject) -> None:
    """Adds one case; see `append_cases`."""
    append_cases(path, agent, [case])


def append_cases(path: Path, agent: str, cases: Sequence[JsonObject]) -> None:
    """Adds the cases to the suite at `path`; a suite that does not exist is made, for the agent `agent`, if any.

    Raises:
        UsageError: the file is written in a way that cannot be added to; the hint holds the case to paste.
        ConfigError: the file is no YAML.
        StoreError: it cannot be written.
    """
    path = path.resolve()  # a link stays a link
    if not path.exists():
        head = HEAD.format(agent=f"agent: {agent}\n" if agent else "")
        write_whole(path, (head + _texts(cases, 2)).encode())
        return
    old = path.read_bytes().decode()
    wanted = _value(old, path)
    wanted["cases"] = [*(wanted.get("cases") or []), *cases]
    for new in _candidates(old, cases):
        try:
            if _value(new, path) == wanted:
                write_whole(path, new.encode())
                return
        except ConfigError:
            continue
    raise UsageError(f"{path.name}: the case does not fit into the way `cases` is written", hint=_texts(cases, 2))


def as_data(text: str) -> str:
    """`text` as the input of a case that says just this: braces that would be filled in are taken literally."""
    return _OPENS.sub(lambda match: f'{{{{ "{match.group()}" }}}}', text)


def case_text(case: JsonObject, indent: int) -> str:
    """The case as an item of a YAML list."""
    lines = [line for key, value in case.items() for line in _lines(key, value)]
    return "".join(f"{' ' * indent}{'- ' if i == 0 else '  '}{line}\n" for i, line in enumerate(lines))


def _texts(cases: Sequence[JsonObject], indent: int) -> str:
    return "\n".join(case_text(case, indent) for case in cases)


def _lines(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, list):
        yield f"{key}:"
        yield from (f"  - {_item(item)}" for item in value)
    else:
        yield f"{key}: {_flow(value)}"


def _item(value: Any) -> str:
    """`ended: completed` rather than `{ended: completed}`."""
    return _flow(value)[1:-1] if isinstance(value, dict) and len(value) == 1 else _flow(value)


def _flow(value: Any) -> str:
    """The value on one line; what is no plain word is quoted as in JSON, with the escapes that YAML wants too."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(each) for each in value) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _NO_WORDS:
        return value
    text = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _value(text: str, path: Path) -> Any:
    return load_yaml(text, path.name).value


def _candidates(old: str, added: Sequence[JsonObject]) -> Iterator[str]:
    """The file with the case where it may belong; the reader decides whether it does."""
    newline = "\r\n" if "\r\n" in old else "\n"
    cases = _cases_node(old)
    if cases is None:
        return
    if not cases.value:
        start, end = cases.start_mark.index, cases.end_mark.index
        yield old[:start].rstrip(" ") + newline + _texts(added, 2).replace("\n", newline).rstrip() + old[end:]
        return
    text = _texts(added, cases.start_mark.column).replace("\n", newline)
    lines = old.splitlines(keepends=True)
    if not lines[-1].endswith("\n"):
        lines[-1] += newline
    last = max(mark.line + (mark.column > 0) for mark in _ends(cases))
    for at in range(last, len(lines) + 1):
        for blank in (newline, ""):
            yield "".join([*lines[:at], blank, text, *lines[at:]])


def _cases_node(text: str) -> yaml.SequenceNode | None:
    root = yaml.compose(text, Loader=LOADER)
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value == "cases" and isinstance(value, yaml.SequenceNode):
            return value
    return None


def _ends(node: yaml.Node) -> Iterator[yaml.Mark]:
    """Where the leaves of a node end; a block's own end is where the next thing begins."""
    if isinstance(node, yaml.ScalarNode) or getattr(node, "flow_style", False) or not node.value:
        yield node.end_mark
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _ends(item)
    else:
        for pair in node.value:
            for item in pair:
                yield from _ends(item)
