"""The rows of a fresh shop: the same on any machine, with any Python, on any day.

`seed.json` holds what a person chose: the shop's "today", its policies and products, and the customers and orders that
conversations are about. The rest of the shop (a few hundred customers and orders around them) is drawn from
`random.random` with a fixed seed: of all that module does, only that stays the same from one Python to the next.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
Row = tuple[Any, ...]

CUSTOMERS = 240
ORDERS = 600
FIRST_ORDER = 501
OPENED = date(2026, 7, 1)
"""The day of the oldest order kept."""
SEED = 20261120
WITH_PHONE, CANCELLED, SENT_BACK = 0.85, 0.04, 0.05
"""Shares of the customers, and of the orders."""
CARRIERS = (("UPS", "1Z4E7W0303", 8), ("FedEx", "7946", 8), ("USPS", "94001102", 11))
"""Name, and how its tracking numbers look: what they begin with and how many digits follow."""


def fill(db: sqlite3.Connection) -> None:
    """Writes all rows into empty tables."""
    seed = json.loads(Path(__file__).with_name("seed.json").read_text(encoding="utf-8"))
    rng = Random(SEED)  # noqa: S311  not a secret
    products = [(*row, 0) for row in seed["products"]] + [(*row, 1) for row in seed["final_sale_products"]]
    customers = [tuple(row) for row in seed["customers"]]
    customers += _more_customers(rng, seed, taken={row[1] for row in customers})
    fixed = {order["id"]: order for order in seed["orders"]}
    strangers = [row[0] for row in customers[len(seed["customers"]) :]]
    generated = _more_orders(rng, strangers, products, date.fromisoformat(seed["today"]))
    orders = [fixed.get(order["id"], order) for order in generated]

    db.execute("INSERT INTO meta VALUES ('today', ?)", (seed["today"],))
    db.executemany("INSERT INTO policies VALUES (?, ?)", seed["policies"].items())
    _insert(db, "products", products)
    _insert(db, "customers", customers)
    _insert(db, "orders", [_order_row(order) for order in orders])
    prices = {sku: (price, final) for sku, _name, price, final in products}
    _insert(db, "order_items", [row for order in orders for row in _item_rows(order, prices)])
    for order in orders:
        if "refunded" in order:
            _refund(db, order)


def _insert(db: sqlite3.Connection, table: str, rows: list[Row]) -> None:
    places = ", ".join("?" * len(rows[0]))
    db.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608  our own table names


def _pick(rng: Random, choices: Sequence[T]) -> T:
    return choices[int(rng.random() * len(choices))]


def _digits(rng: Random, count: int) -> str:
    return "".join(str(int(rng.random() * 10)) for _ in range(count))


def _more_customers(rng: Random, seed: dict[str, Any], *, taken: set[str]) -> Iterator[Row]:
    """Customers nobody chose. No name is used twice: whoever is ambiguous is so on purpose."""
    taken = set(taken)
    number = 1001 + len(seed["customers"])
    while number <= 1000 + CUSTOMERS:
        first, last = _pick(rng, seed["first_names"]), _pick(rng, seed["last_names"])
        if f"{first} {last}" in taken:
            continue
        taken.add(f"{first} {last}")
        city, postcode, area = _pick(rng, seed["cities"])
        email = f"{first}.{last}@example.{_pick(rng, ('com', 'net', 'org'))}".lower()
        phone = f"+1 {area} 555 01{_digits(rng, 2)}" if rng.random() < WITH_PHONE else None
        since = date(2020, 1, 1) + timedelta(days=int(rng.random() * 2300))
        yield f"C-{number}", f"{first} {last}", email, phone, city, postcode + _digits(rng, 2), since.isoformat()
        number += 1


def _more_orders(rng: Random, customers: list[str], products: list[Row], today: date) -> Iterator[dict[str, Any]]:
    """Orders of a shop that grows: the nearer to today, the more of them."""
    days = (today - OPENED).days
    for index in range(ORDERS):
        placed = OPENED + timedelta(days=int(days * math.sqrt(index / ORDERS)))
        skus = [_pick(rng, products)[0] for _ in range(1 + int(rng.random() * 3))]
        order = {
            "id": f"ORD-{FIRST_ORDER + index:04d}",
            "customer": _pick(rng, customers),
            "placed": placed.isoformat(),
            "items": [(sku, 1 + int(rng.random() * 1.4)) for sku in dict.fromkeys(skus)],
        }
        yield order | _fate(rng, placed, today)


def _fate(rng: Random, placed: date, today: date) -> dict[str, str]:
    """What has become of an order by `today`."""
    shipped = placed + timedelta(days=1 + int(rng.random() * 2))
    arrives = shipped + timedelta(days=3 + int(rng.random() * 4))
    kind, carrier, tracking = rng.random(), *_parcel(rng)
    if kind < CANCELLED:
        return {"status": "cancelled"}
    fate = {"status": "processing", "expected": arrives.isoformat()}
    if shipped <= today:
        fate |= {"status": "shipped", "shipped": shipped.isoformat(), "carrier": carrier, "tracking": tracking}
    if arrives <= today:
        fate |= {"status": "delivered", "delivered": arrives.isoformat()}
        sent_back = arrives + timedelta(days=6)
        if kind > 1 - SENT_BACK and sent_back <= today:
            fate |= {"status": "refunded", "refunded": sent_back.isoformat()}
    return fate


def _parcel(rng: Random) -> tuple[str, str]:
    carrier, prefix, count = _pick(rng, CARRIERS)
    return carrier, prefix + _digits(rng, count)


def _order_row(order: dict[str, Any]) -> Row:
    optional = ("shipped", "expected", "delivered", "carrier", "tracking", "note", "cancel_reason")
    return (order["id"], order["customer"], order["status"], order["placed"], *(order.get(key) for key in optional))


def _item_rows(order: dict[str, Any], prices: dict[str, tuple[int, int]]) -> Iterator[Row]:
    for line, (sku, quantity) in enumerate(order["items"], start=1):
        yield (order["id"], line, sku, quantity, *prices[sku], None)


def _refund(db: sqlite3.Connection, order: dict[str, Any]) -> None:
    """An order that was sent back and paid back in full before today."""
    refund = db.execute(
        "INSERT INTO refunds (order_id, amount_cents, reason, created_on)"
        " SELECT order_id, sum(quantity * unit_cents), 'changed_mind', ? FROM order_items WHERE order_id = ?",
        (order["refunded"], order["id"]),
    )
    db.execute("UPDATE order_items SET refund_id = ? WHERE order_id = ?", (refund.lastrowid, order["id"]))
