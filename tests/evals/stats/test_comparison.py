"""Better, worse or cannot tell: as often wrong as stated, as often right as stated."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from agentctl.evals.stats.comparison import Runs, compare_measure, compare_passes, together
from agentctl.evals.stats.power import smallest_effect


def suites(count: int, cases: int, repeats: int, effect: float = 0.0, seed: int = 5) -> Iterator[list[Runs]]:
    """Simulated pairs of evaluations whose cases are easy, hard and in between; `effect` is what the new one gains."""
    chance = random.Random(seed)
    for _ in range(count):
        rates = [chance.choice((0.05, 0.4, 0.7, 0.95, 1.0)) for _ in range(cases)]
        yield [
            Runs(
                repeats,
                sum(chance.random() < rate for _ in range(repeats)),
                sum(chance.random() < min(rate + effect, 1.0) for _ in range(repeats)),
            )
            for rate in rates
        ]


@pytest.mark.parametrize(("count", "cases", "repeats"), [(2000, 57, 1), (600, 40, 3)])
def test_false_alarms(count: int, cases: int, repeats: int) -> None:
    """Of 2,000 comparisons of an agent with itself no more than 5 % find a difference (600 with repeats)."""
    alarms = sum(compare_passes(each, resamples=60).word != "cannot tell" for each in suites(count, cases, repeats))
    assert 0 < alarms <= 0.05 * count


def test_effects_are_found() -> None:
    """An effect of the size named as the smallest is found four times in five."""
    chance, found, effect = random.Random(3), 0, smallest_effect(80, 0.25)
    assert effect is not None
    gain, loss = (0.25 + effect) / 2, (0.25 - effect) / 2
    for _ in range(1000):
        tossed = [chance.random() for _ in range(80)]
        cases = [Runs(1, int(gain <= toss < gain + loss), int(toss < gain)) for toss in tossed]
        found += compare_passes(cases).word == "better"
    assert found / 1000 == pytest.approx(0.8, abs=0.04)


def test_effects_are_found_with_repeats() -> None:
    """What is named as enough repeats does show the effect, about four times in five."""
    found = [compare_passes(each, resamples=60).word for each in suites(150, 80, 6, effect=0.11)]
    assert found.count("better") > 0.7 * 150
    assert found.count("worse") == 0


def test_measures_together() -> None:
    """Of 300 comparisons of five measures that do not differ, no more than 5 % raise any alarm."""
    chance, alarms = random.Random(8), 0
    for _ in range(300):
        each = [
            compare_measure(name, *([chance.expovariate(1) for _ in range(14)] for _ in "on"), resamples=40)
            for name in ("score", "turns", "tokens", "cost_usd", "seconds")
        ]
        alarms += any(one.word != "cannot tell" for one in together(each))
    assert alarms <= 0.05 * 300


def test_words_have_a_direction() -> None:
    """More passes and a higher score are better; more of what must be paid for is worse."""
    mended = compare_passes([Runs(1, 0, 1)] * 12 + [Runs(1, 1, 1)] * 20)
    assert (mended.word, mended.test, mended.cases) == ("better", "exact McNemar", 32)
    assert mended.p == pytest.approx(2 / 2**12)
    assert mended.enough is None
    broken = compare_passes([Runs(2, 2, 0)] * 12 + [Runs(2, 2, 2)] * 20)
    assert (broken.word, broken.test) == ("worse", "sign-flip by case")
    low, high = [1.0 + number / 10 for number in range(12)], [2.0 + number / 10 for number in range(12)]
    assert compare_measure("score", low, high).word == "better"
    assert compare_measure("cost_usd", low, high).word == "worse"
    assert compare_measure("turns", high, low).word == "better"


def test_word_and_interval_never_contradict_each_other() -> None:
    """The word is `cannot tell` exactly where the interval holds 0."""
    for each in suites(300, 12, 1, effect=0.25):
        found = compare_passes(each)
        assert found.interval is not None
        assert (0.0 in found.interval) == (found.word == "cannot tell")


def test_too_little_to_tell_says_what_would_be_enough() -> None:
    """With one repeat all variation is taken for chance; with several it is known what repeats can do."""
    once = compare_passes([Runs(1, 0, 1)] * 4 + [Runs(1, 1, 0)] + [Runs(1, 1, 1)] * 20)
    assert once.word == "cannot tell"
    assert once.enough is not None
    assert once.enough.repeats == 5
    assert once.enough.cases is not None
    assert once.enough.cases > 25
    steady = compare_passes([Runs(4, 0, 4)] * 4 + [Runs(4, 4, 0)] + [Runs(4, 4, 4)] * 20)
    assert steady.enough is not None
    assert steady.enough.repeats is None
    few = compare_passes([Runs(1, 0, 1)] * 3)
    assert (few.word, few.smallest) == ("cannot tell", None)
    assert few.enough is not None
    assert (few.enough.repeats, few.enough.cases) == (None, 6)


def test_nothing_differs() -> None:
    """Two that did the same: no evidence, an interval all the same, and the smallest effect that would have shown."""
    same = compare_passes([Runs(1, 1, 1)] * 57)
    assert (same.p, same.word, same.enough) == (1.0, "cannot tell", None)
    assert same.smallest == pytest.approx(0.135, abs=1e-3)
    assert same.interval is not None
    assert same.interval.width > 0.1
    repeated = compare_passes([Runs(3, 3, 3)] * 57)
    assert repeated.smallest == pytest.approx(0.135, abs=1e-3)
    one = compare_measure("turns", [3.0], [4.0])
    assert (one.word, one.interval, one.smallest) == ("cannot tell", None, None)


def test_nothing_to_compare_is_a_mistake() -> None:
    """Without cases there is no comparison to make."""
    with pytest.raises(ValueError, match="a verdict in both"):
        compare_passes([])
    with pytest.raises(ValueError, match="at least one"):
        compare_measure("turns", [], [])
