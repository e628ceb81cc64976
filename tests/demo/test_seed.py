"""The shop is the same every time, and looks like a shop."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from demo.shop import Shop

CONTENT = "589a33036976355ddac9c6ef984830b382bfe8b0d8df6c87c25f33ec9058a70b"
"""SHA-256 of the seeded rows. Recordings were made with these: whoever changes the seed records anew."""


def content(workspace: Path) -> str:
    """All rows of all tables, as text."""
    with closing(sqlite3.connect(workspace / "shop.db")) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return json.dumps({table: db.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall() for table in tables})


def test_the_same_rows_every_time(tmp_path: Path, create: Callable[[Path], None]) -> None:
    """Every shop is the one that recordings were made with."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        create(tmp_path / name)
    one, two = content(tmp_path / "one"), content(tmp_path / "two")
    assert one == two
    assert hashlib.sha256(one.encode()).hexdigest() == CONTENT


def test_a_second_setup_starts_over(shop: Shop, create: Callable[[Path], None]) -> None:
    """Setting up a used workspace leaves nothing of what was done in it."""
    before = content(shop.workspace)
    shop.call("cancel_order", order_id="ORD-1098", reason="changed my mind")
    assert content(shop.workspace) != before
    create(shop.workspace)
    assert content(shop.workspace) == before
    assert [path.name for path in shop.workspace.iterdir()] == ["shop.db"]


def test_every_row_refers_to_one_that_exists(shop: Shop) -> None:
    """No order without a customer, no item without a product."""
    assert shop.rows("PRAGMA foreign_key_check") == []
    assert shop.rows("SELECT count(*) FROM orders WHERE order_id NOT IN (SELECT order_id FROM order_items)") == [(0,)]


def test_dates_are_in_order(shop: Shop) -> None:
    """Nothing arrives before it was sent, and nothing has happened after the shop's today."""
    wrong = """
        SELECT order_id FROM orders, (SELECT value AS today FROM meta WHERE key = 'today')
        WHERE shipped_on < placed_on OR delivered_on < shipped_on OR max(placed_on, coalesce(shipped_on, ''),
              coalesce(delivered_on, '')) > today OR (status IN ('shipped', 'delayed') AND expected_on < today)"""
    assert shop.rows(wrong) == []


def test_status_and_dates_agree(shop: Shop) -> None:
    """What was delivered has a date of delivery and a carrier; what is being packed has neither."""
    wrong = """
        SELECT order_id FROM orders
        WHERE (status IN ('delivered', 'refunded')) != (delivered_on IS NOT NULL)
           OR (status IN ('processing', 'cancelled')) != (shipped_on IS NULL)
           OR (carrier IS NULL) != (shipped_on IS NULL) OR (tracking IS NULL) != (carrier IS NULL)"""
    assert shop.rows(wrong) == []


def test_refunded_orders_are_paid_back_in_full(shop: Shop) -> None:
    """The amount of a seeded refund is the total of its order."""
    wrong = """
        SELECT orders.order_id FROM orders JOIN order_items USING (order_id) LEFT JOIN refunds USING (refund_id)
        GROUP BY orders.order_id, status, amount_cents
        HAVING (status = 'refunded') != (amount_cents IS NOT NULL)
            OR amount_cents != sum(quantity * unit_cents)"""
    assert shop.rows(wrong) == []


def test_only_the_two_marias_share_a_name(shop: Shop) -> None:
    """A few hundred customers; the one ambiguous name is ambiguous on purpose."""
    assert shop.rows("SELECT count(*) FROM customers") == [(240,)]
    assert shop.rows("SELECT count(*) FROM orders") == [(600,)]
    shared = "SELECT name, count(*) FROM customers GROUP BY name HAVING count(*) > 1"
    assert shop.rows(shared) == [("Maria Garcia", 2)]
