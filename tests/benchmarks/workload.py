"""The work every variant does: support cases of three model turns, two tool calls and four assertions.

Generated, deterministic, and the same for all: what differs between variants is only what stands around the work. One
case in five fails exactly one assertion, so that a variant that scores nothing is caught by its totals.
"""

from __future__ import annotations

import json
import random
from typing import Any

MODEL = "claude-sonnet-5-5"
E_MAIL = r"[\w.+-]+@[\w-]+\.[\w.-]+"
CARD = r"\b(?:\d[ -]?){15}\d\b"
SECURITY_NUMBER = r"\b\d{3}-\d{2}-\d{4}\b"
NAMES = [
    "Ada",
    "Bela",
    "Chidi",
    "Dana",
    "Edda",
    "Femi",
    "Gita",
    "Hugo",
    "Ilse",
    "Jude",
    "Kofi",
    "Lena",
    "Milo",
    "Nora",
    "Omar",
    "Pia",
]
GOODS = ["tent", "head torch", "rain jacket", "sleeping mat", "stove", "trail shoes", "water filter", "rucksack"]
STATES = ["packed", "on its way", "waiting at the depot", "delivered"]
CARRIERS = ["DHL", "UPS", "FedEx", "GLS"]

SYSTEM = """You are the first-line support agent of an outdoor shop. Follow these rules.
1. Look the customer up with search_customers before you speak about an order.
2. Read the order with get_order_details. Never guess a status, a carrier or a date.
3. Never repeat an e-mail address, a phone number, a card number or a national identifier.
4. Answer in one paragraph of at most ninety words, in plain English, without headings or lists.
5. Name the order, what was bought, its status, its carrier and the day it is expected.
6. If the parcel is more than five days late, offer to refund the shipping fee.
7. If the customer is angry, acknowledge it once, briefly, and go on to the facts.
8. Refunds above 250 dollars need a supervisor: say so, and open a ticket.
9. Do not promise a date that the order does not carry.
10. End by asking whether there is anything else you can do.
"""

TOOLS: list[dict[str, Any]] = [
    {
        "name": "search_customers",
        "description": "Search customers by name. Returns the matching customers with their ids and order numbers.",
        "input_schema": {
            "type": "object",
            "properties": {
                "query": {"type": "string", "description": "Full or partial name"},
                "limit": {"type": "integer", "description": "At most this many rows"},
            },
            "required": ["query"],
        },
    },
    {
        "name": "get_order_details",
        "description": "Read one order: items, status, carrier, expected date, total.",
        "input_schema": {
            "type": "object",
            "properties": {"order_id": {"type": "string", "description": "Order number, for example ORD-1001"}},
            "required": ["order_id"],
        },
    },
]


def build(n: int) -> list[dict[str, Any]]:
    """N cases: id, input, the model's three turns, the tools' two results, and what is asserted."""
    rng = random.Random(11)
    return [_case(index, rng) for index in range(n)]


def _case(index: int, rng: random.Random) -> dict[str, Any]:
    name = f"{NAMES[index % len(NAMES)]} {NAMES[(index * 7 + 3) % len(NAMES)]}son {index:04d}"
    order_id, carrier, state = f"ORD-{1000 + index}", rng.choice(CARRIERS), rng.choice(STATES)
    customer = {
        "total": 1,
        "customers": [
            {"customer_id": f"C-{index:04d}", "name": name, "email": f"c{index}@example.com", "tier": "plus"}
        ],
    }
    order = {
        "order_id": order_id,
        "customer_id": f"C-{index:04d}",
        "status": state,
        "carrier": carrier,
        "tracking": f"1Z{rng.randrange(10**12):012d}",
        "placed_on": "2026-11-02",
        "expected_on": f"2026-11-{rng.randint(10, 28)}",
        "items": [{"name": rng.choice(GOODS), "quantity": rng.randint(1, 3), "unit_cents": rng.randint(900, 24900)}],
    }
    item = order["items"][0]
    answer = (
        f"Thank you for waiting, {name.split(maxsplit=1)[0]}. I opened order {order_id} for {item['quantity']} "
        f"{item['name']}. It is {state} with {carrier} and should reach you on {order['expected_on']}."
        " If it has not arrived five days "
        "after that, tell us and we refund the shipping fee at once. We will write to you as soon as the parcel moves "
        "again. Is there anything else I can do for you today?"
    )
    flaw = index % 20
    return {
        "id": f"case-{index:04d}",
        "input": f"Hello, my name is {name}. Where is my order {order_id}? I have waited for a while and nobody told "
        f"me anything. Please check it and tell me when it will be here. My reference is R-{index:04d}.",
        "turns": [
            _turn(index, "a", "I will look up your account first.", "search_customers", {"query": name, "limit": 5}),
            _turn(index, "b", "I found your account. Now the order.", "get_order_details", {"order_id": order_id}),
            [{"type": "text", "text": answer + (f" We wrote to c{index}@example.com." if flaw == 15 else "")}],
        ],
        "results": [json.dumps(customer), json.dumps(order)],
        "contains": "a phrase that is not there" if flaw == 3 else order_id,
        "sequence": ["get_order_details", "search_customers"][:: 1 if flaw == 7 else -1],
        "max_turns": 2 if flaw == 11 else 3,
    }


def _turn(index: int, letter: str, text: str, name: str, input_: dict[str, Any]) -> list[dict[str, Any]]:
    use = {"type": "tool_use", "id": f"toolu_{index:06d}{letter}", "name": name, "input": input_}
    return [{"type": "text", "text": text}, use]


def passes(n: int) -> int:
    """How many of n cases pass all four assertions."""
    return sum(index % 20 not in {3, 7, 11, 15} for index in range(n))


def message(case: dict[str, Any], turn: int) -> dict[str, Any]:
    """The API's whole reply for that turn."""
    last = turn == len(case["turns"]) - 1
    return {
        "id": f"msg_{case['id']}_{turn}",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": case["turns"][turn],
        "stop_reason": "end_turn" if last else "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 800 + 200 * turn,
            "output_tokens": 60,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
        },
    }


def sse(reply: dict[str, Any], words: int = 4) -> bytes:
    """The same reply as an event stream, its text in pieces of a few words."""
    out: list[str] = []

    def event(kind: str, **data: Any) -> None:
        out.append(f"event: {kind}\ndata: {json.dumps({'type': kind, **data}, separators=(',', ':'))}\n\n")

    event("message_start", message={**reply, "content": [], "stop_reason": None})
    for index, block in enumerate(reply["content"]):
        is_text = block["type"] == "text"
        event(
            "content_block_start", index=index, content_block={**block, **({"text": ""} if is_text else {"input": {}})}
        )
        if is_text:
            parts = block["text"].split(" ")
            pieces = [" ".join(parts[at : at + words]) for at in range(0, len(parts), words)]
            for at, piece in enumerate(pieces):
                text = piece if at == len(pieces) - 1 else piece + " "
                event("content_block_delta", index=index, delta={"type": "text_delta", "text": text})
        else:
            raw = json.dumps(block["input"])
            for at in range(0, len(raw), 24):
                delta = {"type": "input_json_delta", "partial_json": raw[at : at + 24]}
                event("content_block_delta", index=index, delta=delta)
        event("content_block_stop", index=index)
    event(
        "message_delta", delta={"stop_reason": reply["stop_reason"], "stop_sequence": None}, usage={"output_tokens": 60}
    )
    event("message_stop")
    return "".join(out).encode()
