"""Intervals of shares give the figures that were published for them."""

from __future__ import annotations

from math import comb

import pytest

from agentctl.evals.stats.interval import Interval, paired_shares, wilson, z


@pytest.mark.parametrize(
    ("passes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_published(passes: int, n: int, low: float, high: float) -> None:
    """The four examples of Newcombe (1998), table I, method 3."""
    found = wilson(passes, n)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_wilson_at_the_edges() -> None:
    """No run leaves everything open; none and all of them reach the end exactly, and mirror each other."""
    assert wilson(0, 0) == Interval(0.0, 1.0, 0.95)
    none, every = wilson(0, 5), wilson(5, 5)
    assert none.low == 0.0
    assert every.high == 1.0
    assert none.high == pytest.approx(1 - every.low)
    assert 0.0 in none
    assert 1.0 in every
    assert none.high == pytest.approx(z() ** 2 / (5 + z() ** 2))


@pytest.mark.parametrize("counts", [(-1, 3), (4, 3), (1, -2)])
def test_what_is_no_share_is_refused(counts: tuple[int, int]) -> None:
    """Counts that cannot be are an error, not an interval."""
    with pytest.raises(ValueError, match="no share"):
        wilson(*counts)
    with pytest.raises(ValueError, match="confidence"):
        wilson(1, 2, confidence=1.0)


@pytest.mark.parametrize("p", [0.05, 0.3, 0.5, 0.9])
def test_wilson_keeps_its_word(p: float) -> None:
    """Over all outcomes of 40 runs, weighted exactly, the interval holds the true rate nearly as often as it says."""
    held = sum(comb(40, k) * p**k * (1 - p) ** (40 - k) for k in range(41) if p in wilson(k, 40))
    assert held > 0.92


def test_paired_shares_keep_their_word() -> None:
    """Over all tables of 12 cases, weighted exactly, the true difference is inside as often as the interval says."""
    shares = (0.45, 0.05, 0.25, 0.25)
    truth, held = shares[2] - shares[1], 0.0
    for both in range(13):
        for old in range(13 - both):
            for new in range(13 - both - old):
                neither = 12 - both - old - new
                ways = comb(12, both) * comb(12 - both, old) * comb(12 - both - old, new)
                chance = ways * shares[0] ** both * shares[1] ** old * shares[2] ** new * shares[3] ** neither
                held += chance * (truth in paired_shares(both, old, new, neither))
    assert held > 0.94


def test_paired_shares_turn_round() -> None:
    """Swapping the versions mirrors the interval; without discordant cases it still has a width; without any, all."""
    there, back = paired_shares(20, 2, 9, 4), paired_shares(20, 9, 2, 4)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    alike = paired_shares(57, 0, 0, 0)
    assert alike.low < 0.0 < alike.high
    assert paired_shares(0, 0, 0, 0) == Interval(-1.0, 1.0, 0.95)
