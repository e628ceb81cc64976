"""Staleness names the components that changed, in an order that does not."""

from __future__ import annotations

from types import SimpleNamespace

from agentctl.cassette.staleness import changed


def test_nothing_changed(kit: SimpleNamespace) -> None:
    """Equal digests, in whatever order, are fresh."""
    header = kit.header()
    assert changed(header, dict(reversed(list(header.components.items())))) == ()


def test_changed_added_and_removed_are_named_in_order(kit: SimpleNamespace) -> None:
    """What the agent is comes first, tools by name after it."""
    header = kit.header(
        components={"tool b": "1", "tool a": "1", "model": "1", "system prompt": "1", "case input": "1"}
    )
    now = {"tool b": "2", "tool c": "1", "model": "1", "system prompt": "2", "case input": "2", "betas": "1"}
    assert changed(header, now) == ("system prompt", "betas", "case input", "tool a", "tool b", "tool c")


def test_a_foreign_file_is_stale_in_everything() -> None:
    """Without a header nothing is known to be the same."""
    assert changed(None, {"model": "1", "tool a": "1"}) == ("model", "tool a")
