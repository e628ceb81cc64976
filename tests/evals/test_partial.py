"""An interrupted recording: its finished turns are kept, refused by replay, and completed without paying twice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from agentctl.agent.ports import Request, WireReply
from agentctl.cassette.file import partial_of, read
from agentctl.cassette.hold import hold
from agentctl.config.project import Project
from agentctl.errors import CassetteError
from agentctl.evals.modes import RecordMode
from agentctl.evals.plan import Job, plan
from support.till import Canned, case_of, edit, lay_down, play, record, replay, statuses

CASE = "sell-cake"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The till, nothing recorded."""
    return lay_down(tmp_path)


def job_of(project: Project) -> list[Job]:
    """The case that asks the model twice, with two tools between."""
    return plan(project, filters=[CASE])


@dataclass
class Dying(Canned):
    """Answers `alive` requests, then refuses every other with 401."""

    alive: int = 1

    async def send(self, request: Request) -> WireReply:
        """The next reply."""
        self.fail = 0 if self.sent < self.alive else 401
        return await super().send(request)


def test_the_finished_turns_are_kept_and_refused(project: Project) -> None:
    """A run whose model went away after a turn: no recording, the turn beside it, and every reader says so."""
    (job,) = job_of(project)
    assert statuses(play([job], Dying(), RecordMode.ALL)) == {CASE: "error"}
    assert not job.recording.exists()
    kept = read(partial_of(job.recording), partial=True)
    assert len(kept.interactions) == 1
    with pytest.raises(CassetteError, match="interrupted while it was recorded") as caught:
        read(partial_of(job.recording))
    assert caught.value.hint == f"complete it: agentctl eval till --filter {CASE} --record-mode new-episodes"
    case = case_of(replay(project), CASE)
    assert case.status == "missing"
    assert "only an interrupted one" in case.reason


def test_renaming_makes_no_recording_of_it(project: Project) -> None:
    """What it is stands in the file, not in its name."""
    (job,) = job_of(project)
    play([job], Dying(), RecordMode.ALL)
    partial_of(job.recording).rename(job.recording)
    case = case_of(replay(project), CASE)
    assert case.status == "error"
    assert "interrupted" in case.reason


@pytest.mark.parametrize("mode", [RecordMode.NEW_EPISODES, RecordMode.ONCE])
def test_it_is_completed_with_what_is_missing(project: Project, mode: RecordMode) -> None:
    """The kept turn is not asked for again; what comes out is the recording that an undisturbed run makes."""
    (job,) = job_of(project)
    play([job], Dying(), RecordMode.ALL)
    again = play([job], Canned(), mode)
    assert statuses(again) == {CASE: "pass"}
    assert (again.network, again.tools_executed) == (1, 2)
    assert not partial_of(job.recording).exists()
    completed = read(job.recording)
    play([job], Canned(), RecordMode.ALL)
    straight = read(job.recording)
    assert completed.interactions == straight.interactions
    assert [tool.returned for tool in completed.takes[0].tools] == [tool.returned for tool in straight.takes[0].tools]


def test_all_records_all(project: Project) -> None:
    """`all` takes nothing from an interrupted recording, and leaves none behind."""
    (job,) = job_of(project)
    play([job], Dying(), RecordMode.ALL)
    assert play([job], Canned(), RecordMode.ALL).network == 2
    assert not partial_of(job.recording).exists()


def test_a_stale_one_is_not_continued(project: Project) -> None:
    """Turns of another system prompt are no part of this recording."""
    (job,) = job_of(project)
    play([job], Dying(), RecordMode.ALL)
    edit(project.prompts / "till" / "v1.yaml", "You keep", "You watch")
    (job,) = job_of(project)
    assert play([job], Canned(), RecordMode.NEW_EPISODES).network == 2


def test_the_old_recording_survives(project: Project) -> None:
    """A recording anew that is interrupted leaves the recording that was there as it was."""
    record(project)
    (job,) = job_of(project)
    before = job.recording.read_bytes()
    play([job], Dying(), RecordMode.ALL)
    assert job.recording.read_bytes() == before
    assert partial_of(job.recording).exists()


def test_two_recordings_of_one_case(project: Project) -> None:
    """While somebody records a case, whoever else wants to is refused before it asks the model anything."""
    (job,) = job_of(project)
    wire = Canned()
    with hold(job.recording):
        case = case_of(play([job], wire, RecordMode.ALL), CASE)
    assert case.status == "error"
    assert "being recorded by another process" in case.reason
    assert wire.sent == 0


def test_one_that_cannot_be_removed_is_an_error_of_its_case(project: Project) -> None:
    """The recording is whole; what stands beside it would be served before it one day, so it is named."""
    (job,) = job_of(project)
    partial_of(job.recording).mkdir(parents=True)
    evaluation = play([job], None, RecordMode.ALL)
    assert statuses(evaluation) == {CASE: "error"}
    assert f"{partial_of(job.recording).name}: cannot be written" in str(evaluation.cases[0])
    assert read(job.recording).header is not None
