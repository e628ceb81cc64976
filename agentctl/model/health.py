"""How the other side has been doing lately, as one process (or all on a machine) has seen it: whom to ask, how often.

Every live call goes through here. A model that keeps failing is left alone by its breaker, all models of an account
whose spend cap is reached by the account's, and retries stay within the process's budget.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from agentctl.agent.spec import Breaker
from agentctl.errors import ModelError
from agentctl.model.breaker import Breakers, InMemory, Pass, States, counts
from agentctl.model.budget import RetryBudget

T = TypeVar("T")

ACCOUNT: Final = Breaker(window=1, minimum=1, share=1.0, open_seconds=300.0)
"""One spend cap is enough: no wait lifts it, only a person."""


class Health:
    """What is known of `host`. `states` keep the breakers; without any, this process does."""

    def __init__(
        self,
        host: str,
        states: States | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self.budget = RetryBudget(clock)
        self._host = host
        self._breakers = Breakers(states or InMemory(clock), rng)

    async def call(self, model: str, rules: Breaker, attempt: Callable[[], Awaitable[T]]) -> T:
        """What `attempt` returns, if the breakers let it be made; its outcome is theirs to count.

        Raises:
            ModelError: `breaker_open`; or what `attempt` raised.
        """
        account, name = f"the account at {self._host}", f"{model} at {self._host}"
        leave = self._breakers.ask(account)
        try:
            leaves = ((account, leave, ACCOUNT), (name, self._breakers.ask(name), rules))
        except ModelError:
            self._breakers.tell(account, leave, ACCOUNT, failed=None)
            raise
        try:
            reply = await attempt()
        except BaseException as error:
            self._tell(leaves, error)
            raise
        for each, given, its_rules in leaves:
            self._breakers.tell(each, given, its_rules, failed=False)
        return reply

    def _tell(self, leaves: tuple[tuple[str, Pass, Breaker], tuple[str, Pass, Breaker]], error: BaseException) -> None:
        """What was cancelled, or broke on our side, says nothing of the other."""
        (account, at_account, _), (name, at_model, rules) = leaves
        known = isinstance(error, ModelError)
        capped = isinstance(error, ModelError) and error.is_spend_cap
        self._breakers.tell(account, at_account, ACCOUNT, failed=capped if known else None)
        failed = counts(error) if isinstance(error, ModelError) else None
        self._breakers.tell(name, at_model, rules, failed=failed)
