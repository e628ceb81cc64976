"""Documents of git revisions: read as they were, compared with what is here."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from agentctl.config.load import load_agent
from agentctl.config.project import Project
from agentctl.config.refs import parse_ref
from agentctl.config.released import released_problems
from agentctl.config.versions import locate, sources
from agentctl.errors import ConfigError, UsageError

Make = Callable[..., Project]

AGENT = "prompts/desk/v1.yaml"
TOOLS = "prompts/desk-tools/v1.yaml"
IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> None:
    """Runs git, apart from the settings of whoever runs the test."""
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(folder), *IDENTITY, *arguments]
    subprocess.run(command, check=True, capture_output=True, env=environment)


def commit(project: Project, message: str = "x") -> None:
    """Everything there is becomes a commit."""
    git(project.root, "add", "--all")
    git(project.root, "commit", "-m", message)


@pytest.fixture
def released(make: Make) -> Project:
    """A project whose documents are committed, on a branch `main`."""
    project = make()
    git(project.root, "init", "-b", "main")
    commit(project)
    return project


def edit(project: Project, path: str, old: str, new: str) -> None:
    """Another text in a file of the working tree."""
    file = project.root / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_agent_of_a_revision(released: Project) -> None:
    """A revision's agent is read with the tools of that revision, whatever is on disk now."""
    here = load_agent("desk", released)
    edit(released, AGENT, "Be kind", "Be short")
    edit(released, TOOLS, "Looks an order up", "Finds an order")
    (released.prompts / "desk" / "v2.yaml").write_text("extends: desk@1\n")
    then = load_agent("desk@git:main", released)
    assert then.ref == "desk@1"
    assert (then.bundle, then.components) == (here.bundle, here.components)
    assert then.source is None
    assert then.setup == "git:main:prompts/desk-tools/database.py:create"
    assert then.tools[0].handler == "git:main:prompts/desk-tools/handlers.py:look_up"
    assert not then.tools[0].is_server
    assert load_agent("desk", released).ref == "desk@2"


def test_extends_inside_a_revision(released: Project) -> None:
    """What a revision's agent extends comes from the revision too; its latest version counts."""
    (released.prompts / "desk" / "v2.yaml").write_text("extends: desk@1\nmodel: other\n")
    commit(released)
    edit(released, AGENT, "Be kind", "Be short")
    then = load_agent("desk@git:HEAD", released)
    assert (then.ref, then.model) == ("desk@2", "other")
    assert "Be kind" in then.system
    assert load_agent("desk@git:HEAD~1", released).ref == "desk@1"


def test_project_below_the_repository(make: Make, tmp_path: Path) -> None:
    """A project may be a folder of its repository."""
    make({"below/prompts/one/v3.yaml": "schema: 1\nkind: agent\nmodel: m\n"})
    git(tmp_path, "init", "-b", "main")
    project = Project(tmp_path / "below")
    commit(Project(tmp_path))
    assert load_agent("one@git:main", project).ref == "one@3"
    assert [source.ref for source in sources(project.tree("main"))] == ["one@3"]


def test_problems_name_the_revision(released: Project) -> None:
    """A mistake in a revision is reported as `REV:path`, as git would name it."""
    edit(released, AGENT, "model: ", "modle: ")
    commit(released)
    with pytest.raises(ConfigError) as caught:
        load_agent("desk@git:main", released)
    assert str(caught.value.problems[1]) == f"main:{AGENT}:5:1: unknown key `modle`"


@pytest.mark.parametrize("revision", ["nope", "HEAD~99", "main:prompts", "main^{tree}", "--", "main ", "@{9}", "a..b"])
def test_no_such_revision(released: Project, revision: str) -> None:
    """What names no commit is a usage error."""
    tree = released.tree(revision)
    with pytest.raises(UsageError):
        tree.files()


def test_no_repository(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a repository or without git the error says what is missing."""
    project = make()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.root.parent))
    with pytest.raises(UsageError, match="not a git repository") as caught:
        locate(parse_ref("desk@git:main"), project.tree("main"))
    assert "inside the project's git repository" in caught.value.hint
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match="git is not installed"):
        project.tree("main").files()


def test_a_link_in_a_revision_is_not_followed(released: Project) -> None:
    """A link is no document in a revision: its text would be a path."""
    (released.prompts / "desk" / "v2.yaml").symlink_to("v1.yaml")
    commit(released)
    assert load_agent("desk@git:main", released).ref == "desk@1"


def problems(project: Project) -> list[str]:
    """What differs from main, with paths from the project's root."""
    return [str(problem).removeprefix(f"{project.root}/") for problem in released_problems(project, "main")]


def test_unchanged_and_new_versions(released: Project) -> None:
    """Comments, layout and new versions change nothing that was released."""
    edit(released, AGENT, "# the first version", "# a comment\n")
    edit(released, TOOLS, "{type: string, minLength: 1}", "{minLength: 1,   type: 'string'}")
    (released.prompts / "desk" / "v2.yaml").write_text("extends: desk@1\nmodel: other\n")
    assert problems(released) == []


@pytest.mark.parametrize(
    ("path", "old", "new", "place", "what"),
    [
        (AGENT, "Be kind", "Be short", "9:1", "`system`"),
        (AGENT, "512", "513", "13:3", "`params`"),
        (AGENT, "description: A", "description: B", "4:14", "`description`"),
        (AGENT, "params:", "limits: {}\nparams:", "12:9", "`limits`"),
        (TOOLS, "timeout: 5", "timeout: 6", "5:5", "tool look_up"),
        (TOOLS, "name: cancel", "name: stop", "16:5", "tool stop"),
    ],
)
def test_changed_versions(released: Project, path: str, old: str, new: str, place: str, what: str) -> None:
    """Any other content in a released version is found, with the place and the name of what changed."""
    edit(released, path, old, new)
    ref = "desk@1" if path == AGENT else "desk-tools@1"
    assert problems(released) == [f"{path}:{place}: {ref} was released in git:main with another {what}"]


def test_deleted_versions(released: Project) -> None:
    """A released version that is gone is found, and how to get it back is said."""
    (released.root / AGENT).unlink()
    (found,) = released_problems(released, "main")
    assert found.message == "desk@1 was released in git:main and is gone"
    assert found.hint == f"restore it: git checkout main -- {AGENT}"


def test_changed_through_a_reference(released: Project) -> None:
    """An agent that refers to the latest tools changes with them, and that is a change too."""
    edit(released, AGENT, "desk-tools@1", "desk-tools")
    commit(released)
    text = (released.root / TOOLS).read_text().replace("Looks an order up", "Finds an order")
    (released.prompts / "desk-tools" / "v2.yaml").write_text(text)
    assert problems(released) == [f"{AGENT}:2:1: desk@1 was released in git:main with another tool look_up"]


def test_versions_that_never_worked_may_change(released: Project) -> None:
    """A document that was no YAML in the revision was never released."""
    (released.prompts / "desk" / "v2.yaml").write_text("a: b: c\n")
    commit(released)
    (released.prompts / "desk" / "v2.yaml").write_text("extends: desk@1\n")
    assert problems(released) == []
