"""References and versions: what can be named, and that nothing else can be reached."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.config.project import Project
from agentctl.config.refs import Ref, parse_ref, parse_revision
from agentctl.config.versions import locate, sources
from agentctl.errors import UsageError

Make = Callable[..., Project]

GOOD = {
    "desk": Ref("desk"),
    "desk@2": Ref("desk", "2"),
    "desk@1.2": Ref("desk", "1.2"),
    "a.b_c-d9@10": Ref("a.b_c-d9", "10"),
    "desk@git:main": Ref("desk", revision="main"),
    "desk@git:HEAD~1": Ref("desk", revision="HEAD~1"),
    "desk@git:origin/main": Ref("desk", revision="origin/main"),
}

BAD = [
    *("", "@", "@2", "desk@", "desk@v2", "desk@latest", "desk@02", "desk@1.", "desk@-1", "desk@1@2", "desk@2@git:main"),
    *(
        "../desk",
        "desk/../x",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "a..b",
        ".desk",
        "-desk",
        "Desk",
        "désk",
        "desk ",
        "des\0k",
    ),
    *("desk@git:", "desk@git:-x", "desk@git:--output=x", "desk@git:a\0b", "desk@git:a\nb", "desk@1" + "0" * 5000),
    *("%2e%2e", "a" * 101, "desk\n", "desk@2\n", "~desk", "$desk", "\u202edesk"),
]


@pytest.mark.parametrize("text", GOOD)
def test_good_references(text: str) -> None:
    """A reference is parsed into its parts, and is written as it was."""
    assert parse_ref(text) == GOOD[text]
    assert str(parse_ref(text)) == text


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_bad_references(text: str) -> None:
    """Paths, flags, odd characters and half references are refused, with the forms there are."""
    with pytest.raises(UsageError, match="is no reference") as caught:
        parse_ref(text)
    assert caught.value.hint


@given(st.text(max_size=30) | st.text("a./\\@:git-0\0~", max_size=20))
def test_no_reference_leads_elsewhere(text: str) -> None:
    """Whatever is taken for a reference names a folder and a file right inside `prompts/`."""
    try:
        ref = parse_ref(text)
    except UsageError:
        return
    path = Path("prompts") / ref.name / f"v{ref.version or 1}.yaml"
    assert len(path.parts) == 3
    assert ".." not in path.parts
    assert path.as_posix().isprintable()
    assert ref.revision is None or not ref.revision.startswith("-")


def test_revision() -> None:
    """A revision on its own is written `git:REV`."""
    assert parse_revision("git:main") == "main"
    with pytest.raises(UsageError) as caught:
        parse_revision("main")
    assert caught.value.hint == "write git:main"


def test_versions_are_ordered_as_numbers(make: Make) -> None:
    """The highest version is the highest number, and a file with another kind of name is no version."""
    names = ["v2", "v10", "v1.2", "v1.10", "v01", "V3", "vx", "v3.yml", "notes", "v2.draft"]
    tree = make({f"prompts/desk/{name}.yaml": "" for name in names}).tree()
    assert [source.version for source in sources(tree) if source.name == "desk"] == ["1", "1.2", "1.10", "2", "10"]
    assert locate(parse_ref("desk"), tree).path == "prompts/desk/v10.yaml"
    assert locate(parse_ref("desk@1.2"), tree).ref == "desk@1.2"


def test_unknown_names_are_answered_with_what_there_is(make: Make) -> None:
    """A wrong name gets the nearest one, a wrong version the list of versions."""
    tree = make().tree()
    with pytest.raises(UsageError, match="there is no document dsk in prompts/") as caught:
        locate(parse_ref("dsk"), tree)
    assert caught.value.hint == "did you mean `desk`?"
    with pytest.raises(UsageError, match="there is no version 7 of desk") as caught:
        locate(parse_ref("desk@7"), tree)
    assert caught.value.hint == "its versions are: 1"


def test_find_project(make: Make, tmp_path: Path) -> None:
    """The project is the nearest directory above with documents; a Python package called evals is none."""
    project = make({"code/evals/suite.py": "", "code/deep/er/x": ""})
    assert Project.find(tmp_path / "code" / "deep" / "er") == project
    assert Project.find(tmp_path / "code" / "evals") == project
    assert Project.find(tmp_path / "prompts" / "desk") == project
    (tmp_path / "alone" / "evals").mkdir(parents=True)
    (tmp_path / "alone" / "evals" / "a.yaml").write_text("")
    assert Project.find(tmp_path / "alone").root == tmp_path / "alone"


def test_no_project(tmp_path: Path) -> None:
    """Outside of a project the error says what makes one."""
    with pytest.raises(UsageError, match="there is no project here") as caught:
        Project.find(tmp_path)
    assert "agentctl init" in caught.value.hint
