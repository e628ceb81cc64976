"""Smallest effects and what is enough: against the published example, all outcomes, and the test itself."""

from __future__ import annotations

from math import comb

import pytest

from agentctl.evals.stats.power import (
    cases_enough,
    least_cases,
    mcnemar_power,
    repeats_enough,
    smallest_effect,
    smallest_mean_effect,
)
from agentctl.evals.stats.signflip import mcnemar


def test_the_example_of_the_paper() -> None:
    """Miller (2024), section 5: 969 questions show a difference of 3 points when the variance between them is 1/9."""
    assert cases_enough(1 / 9, 0.0, 1, 0.03) == 969
    assert smallest_mean_effect(1 / 3, 969) == pytest.approx(0.03, abs=1e-5)


def test_repeats_average_out_only_what_varies_within() -> None:
    """Enough repeats make up for cases, until what is between the cases is all that is left."""
    assert repeats_enough(0.0, 0.3, 100, 0.1) == 3
    assert cases_enough(0.0, 0.3, 3, 0.1) == 79
    assert repeats_enough(0.2, 0.3, 100, 0.1) is None
    assert repeats_enough(0.0, 0.3, 5, 0.9) is None
    assert cases_enough(0.1, 0.1, 1, 0.0) is None
    assert cases_enough(0.0, 0.01, 1, 0.9) == least_cases() == 6


@pytest.mark.parametrize(("discordant", "effect"), [(0.4, 0.3), (0.5, 0.5), (0.3, 0.0)])
def test_power_is_that_of_the_test(discordant: float, effect: float) -> None:
    """Over all outcomes of 14 cases: how often the test is significant in the direction of the effect."""
    n, gain, loss, power = 14, (discordant + effect) / 2, (discordant - effect) / 2, 0.0
    for new in range(n + 1):
        for old in range(n + 1 - new):
            if mcnemar(old, new) <= 0.05 and new > old:
                ways = comb(n, new) * comb(n - new, old)
                power += ways * gain**new * loss**old * (1 - discordant) ** (n - new - old)
    assert mcnemar_power(n, discordant, effect) == pytest.approx(power)


@pytest.mark.parametrize(("n", "discordant"), [(6, 0.0), (57, 0.0), (57, 0.3), (400, 0.1)])
def test_the_smallest_effect_has_the_power(n: int, discordant: float) -> None:
    """It is shown four times in five, and a little less is not."""
    effect = smallest_effect(n, discordant)
    assert effect is not None
    assert mcnemar_power(n, max(discordant, effect), effect) == pytest.approx(0.8, abs=1e-3)
    less = effect * 0.9
    assert mcnemar_power(n, max(discordant, less), less) < 0.8


def test_five_cases_show_nothing() -> None:
    """Five coins that fall alike are not rare enough, whatever the effect."""
    assert smallest_effect(5, 0.2) is None
    assert mcnemar_power(10, 0.0, 0.0) == 0.0


@pytest.mark.parametrize("n", [6, 20, 57, 131, 300])
def test_false_alarms_stay_below_the_level(n: int) -> None:
    """Over all outcomes, weighted exactly: without an effect, either direction is found 1 time in 20 at most."""
    for discordant in (0.02, 0.1, 0.25, 0.5, 0.9):
        assert 2 * mcnemar_power(n, discordant, 0.0) <= 0.05
