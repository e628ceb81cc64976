"""The tools of the support desk.

A rule of the shop that forbids something is told to the model in words (`ToolFailure`), with what can be done instead.
The rules about money and parcels stand here and not in the prompt: a model may be talked round, this file may not.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from datetime import date
from typing import Any, Literal

from database import find_customer, find_items, find_order, once, today, transaction
from pydantic import BaseModel, Field

from agentctl import ToolContext, ToolFailure

JsonObject = dict[str, Any]

REFUND_WINDOW_DAYS = 30
SUPERVISOR_ABOVE_CENTS = 25_000
SHOP_AT_FAULT = frozenset({"damaged", "wrong_item"})
"""Reasons for which even final-sale items are refunded."""
FULL_PHONE_NUMBER = 10
"""Digits of a number without its country code."""


class RefundRequest(BaseModel):
    """What `refund_order` is asked. It names lines, not an amount: the amount follows from them."""

    order_id: str
    reason: Literal["changed_mind", "wrong_size", "not_as_described", "damaged", "wrong_item", "late"]
    lines: list[int] | None = Field(default=None, min_length=1)
    """Line numbers of the order; None is every line that is not refunded yet."""


def search_customers(query: str, ctx: ToolContext, limit: int = 5) -> JsonObject:
    """Customers whose id, e-mail or phone is `query`, or whose name matches each word of it."""
    with transaction(ctx.workspace) as db:
        rows = db.execute("SELECT * FROM customers ORDER BY customer_id").fetchall()
    found = [row for row in rows if _is_key_of(query, row) or _matches_name(query, row["name"])]
    return {"total": len(found), "customers": [_known(row) for row in found[:limit]]}


def verify_customer(
    email: str, ctx: ToolContext, order_id: str | None = None, postcode: str | None = None
) -> JsonObject:
    """Whether the e-mail and the other facts belong to one account; which of them is wrong is not told."""
    if order_id is None and postcode is None:
        raise ToolFailure("give the order_id or the postcode too: an e-mail address alone proves nothing")
    with transaction(ctx.workspace) as db:
        row = db.execute(
            "SELECT customer_id, name FROM customers WHERE lower(email) = lower(trim(?1))"
            " AND (?2 IS NULL OR postcode = trim(?2))"
            " AND (?3 IS NULL OR EXISTS (SELECT 1 FROM orders WHERE order_id = ?3"
            "                            AND orders.customer_id = customers.customer_id))",
            (email, postcode, order_id),
        ).fetchone()
    return {"verified": False} if row is None else {"verified": True, **dict(row)}


def list_orders(customer_id: str, ctx: ToolContext, status: str | None = None, limit: int = 10) -> JsonObject:
    """A customer's orders, newest first."""
    with transaction(ctx.workspace) as db:
        find_customer(db, customer_id)
        rows = db.execute(
            "SELECT order_id, status, placed_on, sum(quantity * unit_cents) AS cents"
            " FROM orders JOIN order_items USING (order_id) WHERE customer_id = ?1 AND (?2 IS NULL OR status = ?2)"
            " GROUP BY order_id ORDER BY placed_on DESC, order_id DESC",
            (customer_id, status),
        ).fetchall()
    orders = [
        {key: row[key] for key in ("order_id", "status", "placed_on")} | {"total": _usd(row["cents"])}
        for row in rows[:limit]
    ]
    return {"customer_id": customer_id, "total": len(rows), "orders": orders}


def get_order_details(order_id: str, ctx: ToolContext) -> JsonObject:
    """One order: status, dates, parcel, items, total."""
    with transaction(ctx.workspace) as db:
        order, rows = find_order(db, order_id), find_items(db, order_id)
    items = [
        {
            "line": row["line"],
            "name": row["name"],
            "quantity": row["quantity"],
            "line_total": _usd(row["cents"]),
            "final_sale": bool(row["final_sale"]),
            "refunded": row["refund_id"] is not None,
        }
        for row in rows
    ]
    return {**_known(order), "items": items, "total": _usd(sum(row["cents"] for row in rows))}


def get_return_policy(topic: str, ctx: ToolContext) -> JsonObject:
    """The shop's own words on a topic."""
    with transaction(ctx.workspace) as db:
        policies = dict(db.execute("SELECT topic, text FROM policies ORDER BY topic").fetchall())
    if topic not in policies:
        raise ToolFailure(f"there is no policy on {topic!r}; the topics are: {', '.join(policies)}")
    return {"topic": topic, "text": policies[topic]}


def refund_order(request: RefundRequest, ctx: ToolContext) -> JsonObject:
    """Pays back a delivered order, or some lines of it."""

    def refund(db: sqlite3.Connection) -> JsonObject:
        order = find_order(db, request.order_id)
        lines = _refundable(order, find_items(db, request.order_id), request, today(db))
        cents = sum(line["cents"] for line in lines)
        refund_id = db.execute(
            "INSERT INTO refunds (order_id, amount_cents, reason, created_on) VALUES (?, ?, ?, ?)",
            (request.order_id, cents, request.reason, today(db).isoformat()),
        ).lastrowid
        db.executemany(
            "UPDATE order_items SET refund_id = ? WHERE order_id = ? AND line = ?",
            [(refund_id, request.order_id, line["line"]) for line in lines],
        )
        db.execute(
            "UPDATE orders SET status = 'refunded' WHERE order_id = ?1"
            " AND NOT EXISTS (SELECT 1 FROM order_items WHERE order_id = ?1 AND refund_id IS NULL)",
            (request.order_id,),
        )
        return {
            "refund_id": f"RF-{refund_id:04d}",
            "order_id": request.order_id,
            "lines": [line["line"] for line in lines],
            "amount": _usd(cents),
            "paid_to": "original payment method",
            "arrives_within": "5 to 7 business days",
        }

    return once(ctx, refund)


def cancel_order(order_id: str, reason: str, ctx: ToolContext) -> JsonObject:
    """Cancels an order that has not left the warehouse."""

    def cancel(db: sqlite3.Connection) -> JsonObject:
        order = find_order(db, order_id)
        if order["status"] == "cancelled":
            raise ToolFailure(f"{order_id} is cancelled already; nothing was charged")
        if order["status"] != "processing":
            raise ToolFailure(
                f"{order_id} cannot be cancelled: it was shipped on {order['shipped_on']}."
                f" It can be returned within {REFUND_WINDOW_DAYS} days of delivery instead"
            )
        db.execute(
            "UPDATE orders SET status = 'cancelled', expected_on = NULL, cancel_reason = ? WHERE order_id = ?",
            (reason, order_id),
        )
        return {"order_id": order_id, "status": "cancelled", "payment": "authorisation released, nothing was charged"}

    return once(ctx, cancel)


def send_notification(customer_id: str, channel: str, subject: str, body: str, ctx: ToolContext) -> JsonObject:
    """Puts an e-mail or a text message to a customer into the outbox."""

    def send(db: sqlite3.Connection) -> JsonObject:
        customer = find_customer(db, customer_id)
        recipient = customer["email"] if channel == "email" else customer["phone"]
        if recipient is None:
            raise ToolFailure(f"{customer_id} has no mobile number on file; use the channel email")
        number = db.execute(
            "INSERT INTO outbox (customer_id, channel, recipient, subject, body, created_on) VALUES (?, ?, ?, ?, ?, ?)",
            (customer_id, channel, recipient, subject, body, today(db).isoformat()),
        ).lastrowid
        return {"notification_id": f"N-{number:04d}", "channel": channel, "to": _masked(recipient)}

    return once(ctx, send)


def escalate_to_human(
    queue: str, summary: str, ctx: ToolContext, order_id: str | None = None, customer_id: str | None = None
) -> JsonObject:
    """Opens a ticket on what a person has to decide or to look at."""

    def escalate(db: sqlite3.Connection) -> JsonObject:
        if order_id is not None:
            find_order(db, order_id)
        if customer_id is not None:
            find_customer(db, customer_id)
        number = db.execute(
            "INSERT INTO tickets (queue, summary, order_id, customer_id, created_on) VALUES (?, ?, ?, ?, ?)",
            (queue, summary, order_id, customer_id, today(db).isoformat()),
        ).lastrowid
        return {"ticket_id": f"T-{number:04d}", "queue": queue, "answer_within": "1 business day"}

    return once(ctx, escalate)


def _refundable(order: sqlite3.Row, lines: list[sqlite3.Row], request: RefundRequest, now: date) -> list[sqlite3.Row]:
    """The lines to pay back; a ToolFailure for the first rule of the shop in the way."""
    order_id = order["order_id"]
    if order["delivered_on"] is None:
        raise ToolFailure(f"{order_id} is {order['status']}, not delivered; only delivered orders can be refunded")
    unknown = set(request.lines or ()) - {line["line"] for line in lines}
    if unknown:
        raise ToolFailure(f"{order_id} has no line {min(unknown)}; its lines are 1 to {len(lines)}")
    asked = [line for line in lines if request.lines is None or line["line"] in request.lines]
    due = [line for line in asked if line["refund_id"] is None]
    if not due:
        raise ToolFailure(f"{order_id} has been refunded already; it cannot be refunded twice")
    age = (now - date.fromisoformat(order["delivered_on"])).days
    if age > REFUND_WINDOW_DAYS:
        raise ToolFailure(
            f"{order_id} was delivered {age} days ago, on {order['delivered_on']};"
            f" the refund window is {REFUND_WINDOW_DAYS} days"
        )
    final_sale = [line["name"] for line in due if line["final_sale"]]
    if final_sale and request.reason not in SHOP_AT_FAULT:
        raise ToolFailure(f"final sale, refundable only when damaged or wrong: {', '.join(final_sale)}")
    cents = sum(line["cents"] for line in lines if line in due or line["refund_id"] is not None)
    if cents > SUPERVISOR_ABOVE_CENTS:  # counted over the order: two halves are no way round it
        raise ToolFailure(
            f"{_usd(cents)} is above the {_usd(SUPERVISOR_ABOVE_CENTS)} the desk may refund on one order;"
            " escalate it to the queue supervisor"
        )
    return due


def _is_key_of(query: str, customer: sqlite3.Row) -> bool:
    wanted = query.strip().lower()
    digits, phone = ("".join(filter(str.isdigit, text)) for text in (wanted, customer["phone"] or ""))
    is_phone = len(digits) >= FULL_PHONE_NUMBER and phone.endswith(digits)
    return is_phone or wanted in {customer["customer_id"].lower(), customer["email"].lower()}


def _matches_name(query: str, name: str) -> bool:
    words, parts = _folded(query).split(), _folded(name).split()
    return bool(words) and all(any(part.startswith(word) for part in parts) for word in words)


def _folded(text: str) -> str:
    """Without case, accents and typographic apostrophes: `zoe muller` finds Zoë Müller."""
    letters = unicodedata.normalize("NFKD", text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()


def _known(row: sqlite3.Row) -> JsonObject:
    """The row without its nulls: a model takes them for facts."""
    return {key: value for key, value in dict(row).items() if value is not None}


def _usd(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d} USD"


def _masked(recipient: str) -> str:
    name, at, domain = recipient.partition("@")
    return f"{name[0]}***@{domain}" if at else f"*** {recipient[-4:]}"
