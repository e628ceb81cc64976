"""`agentctl judge check`: the measure of a judge, recorded like everything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentctl.config.project import Project
from agentctl.config.rubrics import Rubric, load_rubric
from agentctl.errors import NothingSelected, UsageError
from agentctl.evals.judge.labels import read_labels
from support.bench import RUBRIC
from support.desk import agentctl, lay_down

SCRIPT = r"""
schema: 1
kind: simulator
rules:
  - name: thanks
    when: {said: 'thank you'}
    reply:
      tools:
        - verdict: {criteria: [{criterion: kind, evidence: thank you, met: true}], reason: Kind., score: 5, pass: true}
default:
  tools: [{verdict: {criteria: [{criterion: kind, evidence: '', met: false}], reason: Rude., score: 2, pass: false}}]
"""
LABELS = [("Thank you, it is on its way.", 5), ("No.", 1), ("Thank you!", 4), ("It is \u202eshipped.", 2), ("No.", 1)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a rubric, its scripted judge and a file of labels."""
    lay_down(tmp_path)
    for name, text in {"v1.yaml": RUBRIC, "simulator.yaml": SCRIPT}.items():
        path = tmp_path / "prompts/tone" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    lines = [json.dumps({"output": output, "label": label}) for output, label in LABELS]
    (tmp_path / "labels.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_recorded_then_offline(root: Path) -> None:
    """Missing verdicts are exit 4 with the command; recorded ones give the same measure with no network at all."""
    asked = ("judge", "check", "labels.jsonl", "--rubric", "tone@1")
    missing = agentctl(root, *asked)
    assert missing.returncode == 4
    assert "4 of 4 answers have no verdict of tone@1" in missing.stderr
    live = agentctl(root, *asked, "--record-mode", "new-episodes", "--simulate", "--json")
    assert "4 votes to ask claude-sonnet-5-5 for: about" in live.stderr, "the same answer is asked about once"
    assert "network 4, 4 recordings written" in live.stderr
    again = agentctl(root, *asked, "--json", "--min-kappa", "0.9")
    assert again.returncode == 1
    assert json.loads(again.stdout) == json.loads(live.stdout)
    seen = json.loads(again.stdout)
    assert (seen["n"], seen["agreement"]) == (5, pytest.approx(0.4))
    assert seen["confusion"][0] == [0, 2, 0, 0, 0]
    assert [each["line"] for each in seen["disagreements"]] == [2, 3, 5]
    assert seen["weighted_kappa"]["value"] > seen["kappa"]["value"]


def _rubric(root: Path) -> Rubric:
    return load_rubric("tone@1", Project(root))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"output": "x"}', ":1: `label` is missing"),
        ('{"output": "x", "label": "good"}', ":1: the label is pass or fail, or a score, not 'good'"),
        ('{"output": "x", "label": 9}', ":1: the label is 9, and the scale of tone@1 is 1 to 5"),
        ('{"output": "x", "label": 1}\n\n{"output": "x", "label": "pass"}', ":3: labels are pass or fail, or scores"),
        ('{"output": 3, "label": 1}', ":1: `input` and `output` are texts"),
        ("[]", ":1: is no object"),
        ("{", ":1: is no JSON"),
    ],
)
def test_a_wrong_line_is_named(root: Path, text: str, problem: str) -> None:
    """File, line and what is wrong with it."""
    path = root / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError) as raised:
        read_labels(path, _rubric(root))
    assert f"bad.jsonl{problem}" in str(raised.value)


def test_csv_and_words(root: Path) -> None:
    """A table will do, and so will the words people use; an empty file is nothing to measure by."""
    path = root / "labels.csv"
    path.write_text('input,output,label,who\nHi,"Hello, you",Pass,us\nHi,Go away,fail,us\n')
    found = read_labels(path, _rubric(root))
    assert [(each.line, each.label, each.output) for each in found] == [(2, True, "Hello, you"), (3, False, "Go away")]
    assert found[0].variables == {"who": "us"}
    path.write_text("output,label\n")
    with pytest.raises(NothingSelected):
        read_labels(path, _rubric(root))
