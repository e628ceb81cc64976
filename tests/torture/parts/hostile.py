"""Texts that act: on a terminal, in a browser, in a spreadsheet, as a path. None of them gets to."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any, Final

from agentctl.config.load import load_agent
from agentctl.config.project import Project
from agentctl.config.refs import parse_ref
from agentctl.errors import ConfigError, UsageError
from agentctl.evals.report import csv_, junit, markdown
from agentctl.evals.report import html as page
from agentctl.evals.report.told import told
from agentctl.evals.result import totals_of
from agentctl.store.runs import Runs
from support.junit import faults
from support.results import case, failed, result, two_lookups
from tests.torture.console import clear_environment, command, sound
from tests.torture.hunt import Play, hunt
from tests.torture.part import Outcome, Part, Trial
from tests.torture.parts.recordings import Recordings

ACTS: Final = (
    *(
        "\x1b[2J\x1b[H",
        "\x1b]0;owned\x07",
        "\x1b]8;;https://evil.example\x1b\\x\x1b]8;;\x1b\\",
        "\x1b]52;c;cm0gLXJm\x07",
    ),
    *(
        "\x1bP$q\x1b\\",
        "\x1b_apc\x1b\\",
        "\x9b31m",
        "\x9d0;x\x9c",
        "\x90q\x9c",
        "\x1b]0;never ended",
        "\x1bc",
        "\x1b[6n",
    ),
    *("safe\rEVIL", "\x08\x08", "\u202egnp.exe\u202c", "\u2066x\u2069", "\u200f", "\u2028", "\x00", "\x7f", "\x85"),
    *(
        "[link=https://evil.example]x[/link]",
        "[bold red]x",
        "[/]",
        "[/bold]",
        "[blink]",
        "\\[x]",
        ":bomb:",
        "[@click=x]y",
    ),
    *("<script>alert(1)</script>", "</script><script>alert(1)//", "<img src=x onerror=alert(1)>", '" onmouseover="x'),
    *("<svg/onload=alert(1)>", "]]><x/>", "<!--", "-->", "&lt;b&gt;", "javascript:alert(1)", "' autofocus onfocus='x"),
    *("</style><style>*{display:none}", "</textarea>", "<base href=//evil>", "<iframe srcdoc=x>", "</title><script>"),
    *(
        '=HYPERLINK("http://evil.example")',
        "+1+1|cmd",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\u200b=1+1",
        "\uff1d1",
        "\ufeff=1",
    ),
    *(
        "a | b\n| c |\r\n```\n</details>\n# head",
        "![x](http://evil.example/x.png)",
        "@everyone",
        "``` ````",
        "-Infinity",
    ),
)
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
NAMES: Final = (
    *(
        "..",
        ".",
        "/",
        "\\",
        "%2e%2e",
        "%2f",
        "\x00",
        "a" * 300,
        "\u202e",
        "con",
        "nul",
        "COM1",
        "support",
        "@",
        "git:",
        "v",
    ),
    *(
        "1",
        "2",
        "0",
        "-1",
        "1.",
        "~",
        "$HOME",
        "|",
        ";",
        "\n",
        "é",
        "\uff53upport",
        "\uff0e\uff0e",
        "\u2215",
        "*",
        "?",
        "_",
        "%",
        "-",
    ),
)


def _text(chance: Random) -> str:
    said = [chance.choice(ACTS) if chance.random() < 0.8 else "word" for _ in range(chance.randint(1, 3))]
    return chance.choice(("", " ", "\n")).join(said)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.acting: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes the tag, and attributes that run or fetch something."""
        self.tags.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name == "srcdoc" or (value or "").strip().lower().startswith("javascript:"):
                self.acting.append(f"{name}={value}")


def _tags(data: bytes) -> _Tags:
    reader = _Tags()
    reader.feed(data.decode())
    reader.close()
    return reader


def _result(say: Any) -> Any:
    run = two_lookups(answer=say(), said=say())
    fields = {"text": say(), "reason": say(), "hint": say(), "stale": [say()], "tags": [say()], "input": [say()]}
    asserts = [failed(9, say(), say()) | {"reason": say()}]
    ruined = case(say(), "fail", run, **fields, asserts=asserts, tool_calls=[say(), say()], recording=say())
    totals = totals_of([]).to_json()
    made = result(ruined, case("fine", run=two_lookups()), suite=say(), totals=totals)
    made["suites"][0]["totals"] = totals
    return made


def _reports(_folder: Path) -> Play:
    """Every text of a result is hostile: the page has the tags it always has, the sheet has no formula."""
    known = set(_tags(b"".join(page.render(told(_result(lambda: "word"))))).tags)

    def play(chance: Random) -> str:
        document = told(_result(lambda: _text(chance)))
        tags = _tags(b"".join(page.render(document)))
        assert not tags.acting, tags.acting
        assert set(tags.tags) <= known | {"ins", "del", "mark"}, set(tags.tags) - known
        for row in csv.reader(io.StringIO(b"".join(csv_.render(document)).decode())):
            for cell in row:
                assert not _is_formula(cell), f"a formula: {cell!r}"
        assert not list(faults(b"".join(junit.render(document))))
        text = b"".join(markdown.render(document)).decode()
        assert not {sign for sign in text if unicodedata.category(sign) == "Cc"} - {"\n", "\t"}, "control characters"
        return "sound"

    return play


def _is_formula(cell: str) -> bool:
    """What a spreadsheet would run; a number is none."""
    try:
        float(cell)
    except ValueError:
        first = cell.lstrip("\u200b\u200c\u200d\u2060\ufeff \u00a0")
        return unicodedata.normalize("NFKC", first[:1]).startswith(FORMULA)
    return False


def _terminal(folder: Path) -> Play:
    """Recordings in which the model and the tools say such things, in front of a terminal."""
    recordings = Recordings(folder)

    def play(chance: Random) -> str:
        path = chance.choice(list(recordings.sound))
        value = json.loads(recordings.sound[path])
        for each in value["interactions"]:
            each["response"]["body"]["string"] = _acting(chance, each["response"]["body"]["string"])
            if chance.random() < 0.5:
                each["request"]["body"] = json.dumps(_said(chance, json.loads(each["request"]["body"])))
        path.write_text(json.dumps(value))
        file = path.relative_to(recordings.root).as_posix()
        arguments = chance.choice((
            ("replay", file),
            ("eval", "support", "-k", path.stem),
            ("cassettes", "show", file),
            ("diff", file, "cassettes/support/cancel-confirmed.yaml"),
            ("replay", _text(chance).replace("\x00", "") or "x"),
        ))  # fmt: skip
        try:
            done = command(recordings.root, arguments, terminal=True, env={"TERM": "dumb"})
            return f"exit {sound(done, arguments).code}"
        finally:
            recordings.restore(path)

    return play


def _acting(chance: Random, body: str) -> str:
    """The stream with texts in some of its deltas, names and errors that act."""
    events = []
    for event in body.split("\n\n"):
        name, found, data = event.partition("\ndata: ")
        changed = bool(found) and chance.random() < 0.5
        events.append(f"{name}\ndata: {json.dumps(_said(chance, json.loads(data)))}" if changed else event)
    return "\n\n".join(events)


def _said(chance: Random, value: Any, key: str = "") -> Any:
    """The value with some of the texts that a model, a user or a tool writes replaced."""
    if isinstance(value, dict):
        return {inner: _said(chance, each, inner) for inner, each in value.items()}
    if isinstance(value, list):
        return [_said(chance, each, key) for each in value]
    if isinstance(value, str) and key in {"text", "thinking", "name", "id", "message", "content", "model", "query"}:
        return _text(chance) if chance.random() < 0.5 else value
    return value


def _printable(text: str) -> None:
    assert text.isprintable(), f"{text!r}"


def _names(folder: Path) -> Play:
    """References and run ids of any spelling: the document or run of that name, or a refusal in words."""
    clear_environment()
    project = Project(Recordings(folder).root)
    store = Runs(folder / "runs.db")
    ids = {store.create("support@1", "sha256:b") for _ in range(5)}
    inside = project.prompts.resolve()

    def play(chance: Random) -> str:
        name = "".join(chance.choice(NAMES) for _ in range(chance.randint(1, 5)))
        try:
            assert store.resolve(name) in ids
        except UsageError as error:
            _printable(str(error))
        try:
            ref = parse_ref(name)
            assert (inside / ref.name).resolve().parent == inside, f"{name!r} leaves the folder"
            load_agent(name, project)
        except (UsageError, ConfigError) as error:
            for problem in getattr(error, "problems", ()):
                _printable(problem.message)
            return "refused"
        return "found"

    return play


def _reported(trial: Trial) -> Outcome:
    return hunt(trial, _reports).outcome("results in four formats", "texts that act")


def _shown(trial: Trial) -> Outcome:
    return hunt(trial, _terminal).outcome("commands", "texts that act")


def _named(trial: Trial) -> Outcome:
    return hunt(trial, _names).outcome("references and run ids", "escapes")


PARTS: Final = [
    Part((), "hostile texts in reports", 150, 3_000, _reported),
    Part((), "hostile texts on a terminal", 100, 800, _shown),
    Part(("B8",), "references and run ids", 1_000, 30_000, _named),
]
