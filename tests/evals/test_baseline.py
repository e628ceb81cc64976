"""What `--baseline` names: a file, the latest result of these suites, a kept one, or a git revision as it was."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agentctl.config.project import Project
from agentctl.errors import ConfigError, UsageError
from agentctl.evals.baseline import Wanted, baseline

CHECKOUT = Path(__file__).resolve().parents[2]
GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
EMPTY = '{"schema": 1, "kind": "eval", "suites": []}'


def git(root: Path, *arguments: str) -> None:
    """Runs git in the repository."""
    subprocess.run([*GIT, *arguments], cwd=root, check=True, capture_output=True)


def status(project: Project) -> str:
    """What git says of the project's documents and recordings, and of the index."""
    command = ["git", "status", "--porcelain", "--", ".", ":!.agentctl"]
    return subprocess.run(command, cwd=project.root, capture_output=True, check=True, text=True).stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example in a folder of a repository, with one commit."""
    root = tmp_path_factory.mktemp("repository")
    for name in ("prompts", "evals", "cassettes"):
        shutil.copytree(CHECKOUT / name, root / "shop" / name, ignore=shutil.ignore_patterns("__pycache__"))
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    return root


@pytest.fixture
def shop(made: Path, tmp_path: Path) -> Project:
    """A copy that a test may change."""
    return Project(Path(shutil.copytree(made, tmp_path / "repository")).resolve() / "shop")


def read(project: Project, ref: str, wanted: Wanted | None = None) -> dict[str, Any]:
    """The document that `ref` names."""
    found: dict[str, Any] = asyncio.run(baseline(project, ref, wanted or Wanted(["support"]), ["support"]))
    return found


def test_a_revision_is_played_as_it_was(shop: Project) -> None:
    """Its recordings and its suite, whatever the working tree says now; the tree and the index stay as they are."""
    shutil.rmtree(shop.cassettes)
    (shop.evals / "support.yaml").write_text("broken: [")
    (shop.root / "new.txt").write_text("x")
    git(shop.root, "add", "new.txt")
    before = status(shop)
    found = read(shop, "git:HEAD", Wanted([str(shop.evals / "support.yaml")], filters=["order-*"], repeat=1))
    cases = found["suites"][0]["cases"]
    assert len(cases) > 5
    assert {case["status"] for case in cases} == {"pass"}
    assert found["network"] == found["tools_executed"] == 0
    assert status(shop) == before
    assert not shop.cassettes.exists()


def test_what_a_revision_does_not_have(shop: Project) -> None:
    """A suite or a case that is new has no baseline, and that is no error."""
    assert read(shop, "git:main", Wanted(["other"]))["suites"] == []
    assert read(shop, "git:main", Wanted(["support"], filters=["nothing-like-it"]))["suites"] == []


def test_revisions_that_cannot_be_read(shop: Project, tmp_path: Path) -> None:
    """No such revision, none named, no repository, no project in it, and a clone that is too shallow to have it."""
    for ref, words in (("git:origin/main", "no git revision origin/main"), ("git:", "no revision"), ("git:-x", "-x")):
        with pytest.raises(UsageError, match=words):
            read(shop, ref)
    alone = tmp_path / "alone"
    (alone / "evals").mkdir(parents=True)
    with pytest.raises(UsageError, match="git"):
        read(Project(alone), "git:HEAD")
    git(alone, "init", "-q")
    git(alone, "commit", "-q", "--allow-empty", "-m", "nothing")
    with pytest.raises(UsageError, match="holds no project"):
        read(Project(alone), "git:HEAD")
    git(shop.root, "commit", "-q", "--allow-empty", "-m", "second")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{shop.root.parent}", "shallow")
    with pytest.raises(UsageError, match="HEAD~1") as error:
        read(Project(tmp_path / "shallow" / "shop"), "git:HEAD~1")
    assert "shallow" in error.value.hint
    assert "git fetch" in error.value.hint


def test_broken_documents_are_named_as_the_revisions(shop: Project) -> None:
    """A mistake in the revision's suite has its line there, and no path of a folder that is gone."""
    (shop.evals / "support.yaml").write_text("schema: 1\nkind: suite\ncases: 3\n")
    git(shop.root, "commit", "-qam", "broken")
    with pytest.raises(ConfigError) as error:
        read(shop, "git:HEAD")
    assert str(error.value).startswith("git:HEAD:shop/evals/support.yaml:3:")
    assert "agentctl-baseline" not in str(error.value)


def test_kept_results(shop: Project, tmp_path: Path) -> None:
    """The latest of these suites, one by the beginning of its name, a file; what fits none or several is named."""
    with pytest.raises(UsageError, match="no kept result of support yet"):
        read(shop, "latest")
    folder = shop.state / "results"
    folder.mkdir(parents=True)
    for name in ("20260101T000000.000001Z-support", "20260102T000000.000001Z-other", "20251231T000000.000001Z-support"):
        (folder / f"{name}.json").write_text(json.dumps({"schema": 1, "kind": "eval", "suites": [], "exit": name}))
    assert read(shop, "latest")["exit"] == read(shop, "last")["exit"] == "20260101T000000.000001Z-support"
    assert read(shop, "20260102")["exit"] == "20260102T000000.000001Z-other"
    with pytest.raises(UsageError, match="begins the names of 2"):
        read(shop, "2026")
    with pytest.raises(UsageError, match="no result nowhere") as error:
        read(shop, "nowhere")
    assert "20260102T000000.000001Z-other" in error.value.hint
    file = tmp_path / "before.json"
    file.write_text(EMPTY)
    assert read(shop, str(file))["suites"] == []
    file.write_text(EMPTY[:-9])
    with pytest.raises(UsageError, match="is no JSON"):
        read(shop, str(file))
    file.write_text("[]")
    with pytest.raises(UsageError, match="no result of agentctl eval"):
        read(shop, str(file))
