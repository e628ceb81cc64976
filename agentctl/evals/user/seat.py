"""Puts a voice in the user's place: one that a recording holds, or one that answers now and is recorded."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

from agentctl.agent.values import replace
from agentctl.cassette.play import RecordedWire
from agentctl.cassette.record import RecordingWire, Tape
from agentctl.cassette.tape import API_BASE, Cassette
from agentctl.config.persona import Persona
from agentctl.evals.plan import Job
from agentctl.evals.stage import Stage
from agentctl.evals.user.spec import SimulatedUser
from agentctl.evals.user.voice import Voice
from agentctl.model.client import WireModel


def recorded_voice(job: Job, cassette: Cassette, number: int, *, sleep: Callable[[float], Awaitable[None]]) -> Voice:
    """The user of that take, as it spoke then."""
    user, persona = _of(job)
    redactor = job.suite.rules.for_replay(os.environ)
    wire = RecordedWire(_of_user(cassette), number, redactor=redactor)
    return Voice(user, job.case.input, WireModel(wire, persona.retry, sleep=sleep), redactor)


def live_voice(job: Job, stage: Stage, tape: Tape) -> Voice:
    """A user that answers now; what it says is kept on a tape beside `tape`, as its second stream."""
    user, persona = _of(job)
    tape.user = Tape()
    base = persona.provider.base_url or API_BASE
    wire = RecordingWire(stage.live(persona.agent).wire, tape.user, base_url=base)
    redactor = job.suite.rules.for_recording(os.environ)
    return Voice(user, job.case.input, WireModel(wire, persona.retry), redactor)


def _of(job: Job) -> tuple[SimulatedUser, Persona]:
    user = job.case.user
    assert user is not None
    assert user.persona is not None
    return user, user.persona


def _of_user(cassette: Cassette) -> Cassette:
    """The recording as its second stream alone."""
    if cassette.header is None:
        return cassette
    takes = tuple(replace(take, interactions=take.user, seconds=(), breaks=()) for take in cassette.takes)
    return replace(cassette, header=replace(cassette.header, takes=takes))
