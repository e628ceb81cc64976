"""Every signal, in every phase, to every command that takes its time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Final

from tests.torture.interrupted import COMMANDS, PHASES, SIGNALS, Case, Signalled, signalled
from tests.torture.part import Outcome, Part, Trial

AT_ONCE: Final = 3


def _signals(trial: Trial) -> Outcome:
    cells = [(sign, phase) for sign in SIGNALS for phase in PHASES]
    cases = []
    for number in range(trial.rounds):
        sign, phase = cells[number % len(cells)]
        name = COMMANDS[(number // len(cells) + number) % len(COMMANDS)]
        seed = f"{trial.seed}-{number}"
        cases.append(
            Case(name, sign, phase, f"{sign} to {name}, {phase} ({seed})", Random(seed), trial.folder / str(number))
        )
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(signalled, cases))
    return _outcome(found)


def _outcome(found: list[Signalled]) -> Outcome:
    failures = tuple(failure for each in found for failure in each.failures)
    runs = [each.runs for each in found]
    asked = sum(each.uncertain for each in runs)
    figures = (
        f"{sum(each.well for each in found)} of {len(found)} signals, the slowest end "
        f"{max(each.slowest for each in found):.1f} s, {sum(each.orphans for each in found)} orphans; runs: "
        f"lost {sum(each.lost for each in runs)}, repeated {sum(each.repeated for each in runs)}, "
        f"falsely done {sum(each.falsely_done for each in runs)}, asked of a person {asked}"
    )
    return Outcome(not failures, figures, failures)


PARTS: Final = [Part(("F28",), "signals", 40, 800, _signals)]
