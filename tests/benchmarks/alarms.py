"""How often the verdict is wrong, and how often it is right: thousands of simulated pairs of evaluations.

    python tests/benchmarks/alarms.py [--suites 2000] [--seed 1]

An A/A pair is an agent beside itself: every word but `cannot tell` is a false alarm, and there may be 5 % of them. Then
the new version gains what the suite is said to be able to show, which should be found four times in five.
"""

from __future__ import annotations

import argparse
import random
import time

from agentctl.evals.stats.comparison import CANNOT_TELL, Runs, compare_measure, compare_passes, together
from agentctl.evals.stats.power import cases_enough, smallest_effect

RATES = {
    "mixed": (0.05, 0.4, 0.7, 0.95, 1.0),
    "coin tosses": (0.5,),
    "nearly all pass": (0.9, 0.97, 1.0, 1.0),
}


def suite(chance: random.Random, rates: tuple[float, ...], cases: int, repeats: int, gain: float = 0.0) -> list[Runs]:
    """The runs of two versions, of which the new one gains `gain` on every case that has room for it."""
    found = []
    for _ in range(cases):
        rate = chance.choice(rates)
        old = sum(chance.random() < rate for _ in range(repeats))
        new = sum(chance.random() < min(rate + gain, 1.0) for _ in range(repeats))
        found.append(Runs(repeats, old, new))
    return found


def alarms(suites: int, seed: int) -> None:
    """False alarms on passing, by how the cases are and how often they are run."""
    print(f"{suites:,} A/A comparisons each: false alarms (at most 5 %, and what chance adds: half a point)")
    for name, rates in RATES.items():
        for cases, repeats in ((20, 1), (57, 1), (57, 3), (40, 5), (300, 1)):
            chance, began = random.Random(seed), time.perf_counter()
            wrong = sum(
                compare_passes(suite(chance, rates, cases, repeats), resamples=400).word != CANNOT_TELL
                for _ in range(suites)
            )
            took = time.perf_counter() - began
            print(f"  {name:16} {cases:4} cases x {repeats}   {wrong / suites:6.2%}   {took:5.1f} s")


def measures(suites: int, seed: int) -> None:
    """False alarms among five measures that do not differ, skewed as costs are."""
    print(f"{suites:,} A/A comparisons of five measures: any false alarm (at most 5 %)")
    for cases in (8, 20, 57):
        chance, wrong = random.Random(seed), 0
        for _ in range(suites):
            found = [
                compare_measure(
                    name, *([chance.lognormvariate(0, 1) for _ in range(cases)] for _ in "on"), resamples=200
                )
                for name in ("score", "turns", "tokens", "cost_usd", "seconds")
            ]
            wrong += any(each.word != CANNOT_TELL for each in together(found))
        print(f"  {cases:4} cases   {wrong / suites:6.2%}")


def power(suites: int, seed: int) -> None:
    """How often the smallest effect is found that is said to be found four times in five."""
    print(f"{suites:,} comparisons with the smallest effect: found (about 80 %)")
    for cases, discordant in ((57, 0.3), (200, 0.1), (400, 0.25)):
        effect = smallest_effect(cases, discordant) or 1.0
        gain, loss, chance, found = (discordant + effect) / 2, (discordant - effect) / 2, random.Random(seed), 0
        for _ in range(suites):
            tossed = [chance.random() for _ in range(cases)]
            runs = [Runs(1, int(gain <= toss < gain + loss), int(toss < gain)) for toss in tossed]
            found += compare_passes(runs).word == "better"
        print(f"  {cases:4} cases, {discordant:.0%} differ: {100 * effect:4.1f} points   {found / suites:6.1%}")
    repeats, rate, effect = 4, 0.5, 0.1
    within = rate * (1 - rate) + (rate + effect) * (1 - rate - effect)
    cases = cases_enough(0.0, within, repeats, effect) or 0
    chance = random.Random(seed)
    found = sum(
        compare_passes(suite(chance, (rate,), cases, repeats, effect), resamples=400).word == "better"
        for _ in range(suites)
    )
    print(f"  {cases:4} cases x {repeats}, named as enough for {100 * effect:.0f} points   {found / suites:6.1%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suites", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    alarms(given.suites, given.seed)
    measures(given.suites // 4, given.seed)
    power(given.suites, given.seed)
