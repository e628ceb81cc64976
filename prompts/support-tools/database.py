"""The shop's database: its tables, how one comes to be, and the only ways to read and write it.

Whatever a tool does is one transaction: all of it happens or nothing. A write happens at most once for each idempotency
key, because its result is stored in the transaction of the write itself.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from seed import fill

from agentctl import ToolContext, ToolFailure

JsonObject = dict[str, Any]

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE policies (topic TEXT PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE products (
    sku TEXT PRIMARY KEY, name TEXT NOT NULL, price_cents INTEGER NOT NULL CHECK (price_cents > 0),
    final_sale INTEGER NOT NULL CHECK (final_sale IN (0, 1)));
CREATE TABLE customers (
    customer_id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, phone TEXT, city TEXT NOT NULL,
    postcode TEXT NOT NULL, since TEXT NOT NULL);
CREATE TABLE orders (
    order_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL REFERENCES customers,
    status TEXT NOT NULL
        CHECK (status IN ('processing', 'shipped', 'delayed', 'delivered', 'cancelled', 'refunded')),
    placed_on TEXT NOT NULL, shipped_on TEXT, expected_on TEXT, delivered_on TEXT, carrier TEXT, tracking TEXT,
    note TEXT, cancel_reason TEXT);
CREATE INDEX orders_of_customer ON orders (customer_id, placed_on);
CREATE TABLE refunds (
    refund_id INTEGER PRIMARY KEY, order_id TEXT NOT NULL REFERENCES orders, amount_cents INTEGER NOT NULL,
    reason TEXT NOT NULL, created_on TEXT NOT NULL);
CREATE TABLE order_items (
    order_id TEXT NOT NULL REFERENCES orders, line INTEGER NOT NULL, sku TEXT NOT NULL REFERENCES products,
    quantity INTEGER NOT NULL CHECK (quantity > 0), unit_cents INTEGER NOT NULL, final_sale INTEGER NOT NULL,
    refund_id INTEGER REFERENCES refunds, PRIMARY KEY (order_id, line));
CREATE TABLE outbox (
    notification_id INTEGER PRIMARY KEY, customer_id TEXT NOT NULL REFERENCES customers,
    channel TEXT NOT NULL CHECK (channel IN ('email', 'sms')), recipient TEXT NOT NULL, subject TEXT NOT NULL,
    body TEXT NOT NULL, created_on TEXT NOT NULL);
CREATE TABLE tickets (
    ticket_id INTEGER PRIMARY KEY, queue TEXT NOT NULL, summary TEXT NOT NULL, order_id TEXT REFERENCES orders,
    customer_id TEXT REFERENCES customers, created_on TEXT NOT NULL);
CREATE TABLE done (idempotency_key TEXT PRIMARY KEY, result TEXT NOT NULL);
"""


def create(workspace: Path) -> None:
    """Writes `shop.db` into `workspace`, complete or not at all; the same rows every time."""
    unfinished = workspace / "shop.db.new"
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(unfinished)) as db:
        db.execute("PRAGMA synchronous = OFF")  # the rename below is what makes it whole
        db.executescript(SCHEMA)
        fill(db)
        db.commit()
    unfinished.replace(workspace / "shop.db")


@contextmanager
def transaction(workspace: Path, begin: str = "BEGIN") -> Iterator[sqlite3.Connection]:
    """One transaction; whatever is raised inside rolls it back."""
    uri = (workspace / "shop.db").resolve().as_uri() + "?mode=rw"  # a missing database is an error, not a new one
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA foreign_keys = ON")
        db.execute(begin)
        yield db
        db.execute("COMMIT")  # not reached after an error: closing discards what was not committed


def once(ctx: ToolContext, act: Callable[[sqlite3.Connection], JsonObject]) -> JsonObject:
    """The result of `act`, done now, or at the earlier call with the same idempotency key."""
    with transaction(ctx.workspace, "BEGIN IMMEDIATE") as db:
        done = db.execute("SELECT result FROM done WHERE idempotency_key = ?", (ctx.idempotency_key,)).fetchone()
        if done is not None:
            earlier: JsonObject = json.loads(done["result"])
            return earlier
        result = act(db)
        db.execute("INSERT INTO done VALUES (?, ?)", (ctx.idempotency_key, json.dumps(result)))
    return result


def today(db: sqlite3.Connection) -> date:
    """The shop's own date. It is part of the data, so that an answer recorded today is still right tomorrow."""
    return date.fromisoformat(db.execute("SELECT value FROM meta WHERE key = 'today'").fetchone()["value"])


def find_order(db: sqlite3.Connection, order_id: str) -> sqlite3.Row:
    """The order; a ToolFailure when there is none."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM orders WHERE order_id = ?", (order_id,)).fetchone()
    if row is None:
        raise ToolFailure(f"there is no order {order_id}")
    return row


def find_items(db: sqlite3.Connection, order_id: str) -> list[sqlite3.Row]:
    """The lines of an order; `cents` is the price of the whole line."""
    return db.execute(
        "SELECT line, name, quantity, quantity * unit_cents AS cents, order_items.final_sale, refund_id"
        " FROM order_items JOIN products USING (sku) WHERE order_id = ? ORDER BY line",
        (order_id,),
    ).fetchall()


def find_customer(db: sqlite3.Connection, customer_id: str) -> sqlite3.Row:
    """The customer; a ToolFailure when there is none."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM customers WHERE customer_id = ?", (customer_id,)).fetchone()
    if row is None:
        raise ToolFailure(f"there is no customer {customer_id}")
    return row
