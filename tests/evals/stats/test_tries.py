"""pass@k and pass^k are what counting every choice of k tries gives."""

from __future__ import annotations

from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.evals.stats.tries import mean_over_cases, pass_at_k, pass_hat_k


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.data())
def test_both_are_counts_of_choices(tries: list[bool], data: st.DataObject) -> None:
    """Of all ways to choose k of the tries: the share with a pass, and the share without a fail."""
    k = data.draw(st.integers(1, len(tries)))
    choices = list(combinations(tries, k))
    n, c = len(tries), sum(tries)
    assert pass_at_k(n, c, k) == pytest.approx(fmean(any(choice) for choice in choices))
    assert pass_hat_k(n, c, k) == pytest.approx(fmean(all(choice) for choice in choices))


def test_without_bias() -> None:
    """Over all outcomes of 5 tries their mean is exactly p^k, and 1 - (1-p)^k: no bias at any rate."""
    for p in (0.1, 0.5, 0.8):
        outcomes = [(c, p**c * (1 - p) ** (5 - c)) for bits in range(32) for c in [bits.bit_count()]]
        assert sum(chance * pass_hat_k(5, c, 3) for c, chance in outcomes) == pytest.approx(p**3)
        assert sum(chance * pass_at_k(5, c, 3) for c, chance in outcomes) == pytest.approx(1 - (1 - p) ** 3)


def test_as_the_product_form_of_the_paper() -> None:
    """Chen et al. compute 1 - prod(1 - k / i) for i from n-c+1 to n; so do these, at 200 tries."""
    for c, k in ((0, 1), (1, 10), (17, 10), (150, 100), (200, 200)):
        product = 1.0
        for i in range(200 - c + 1, 201):
            product *= max(0.0, 1 - k / i)
        assert pass_at_k(200, c, k) == pytest.approx(1 - product)


def test_means_leave_out_cases_with_too_few_tries() -> None:
    """Every case weighs the same; one with fewer than k tries has no estimate, and alone there is none."""
    assert mean_over_cases(pass_hat_k, [(4, 4), (4, 2), (1, 1)], 2) == pytest.approx((1 + 1 / 6) / 2)
    assert mean_over_cases(pass_at_k, [(1, 1)], 2) is None
    with pytest.raises(ValueError, match="cannot be estimated"):
        pass_at_k(3, 1, 4)
    with pytest.raises(ValueError, match="4 passes of 3"):
        pass_hat_k(3, 4, 1)
