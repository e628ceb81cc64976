"""The tools that change something: the rules of the shop, and at most once for each idempotency key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from demo.shop import Shop

from agentctl import ToolFailure
from agentctl.agent.handlers import InvalidInput

STATUS = "SELECT status FROM orders WHERE order_id = ?"


def test_refund_order(shop: Shop) -> None:
    """A delivered order within the window is paid back in full and marked refunded."""
    result = shop.call("refund_order", order_id="ORD-1037", reason="changed_mind")
    assert (result["amount"], result["lines"], result["paid_to"]) == ("84.90 USD", [1], "original payment method")
    assert shop.rows(STATUS, "ORD-1037") == [("refunded",)]
    refund = "SELECT amount_cents, reason, created_on FROM refunds WHERE order_id = 'ORD-1037'"
    assert shop.rows(refund) == [(8490, "changed_mind", "2026-11-20")]


def test_refund_of_some_lines(shop: Shop) -> None:
    """The rest of the order stays delivered, and can be refunded later."""
    assert shop.call("refund_order", order_id="ORD-1003", reason="wrong_size", lines=[1])["amount"] == "124.00 USD"
    assert shop.rows(STATUS, "ORD-1003") == [("delivered",)]
    assert shop.call("refund_order", order_id="ORD-1003", reason="damaged")["lines"] == [2]
    assert shop.rows(STATUS, "ORD-1003") == [("refunded",)]


@pytest.mark.parametrize(
    ("order_id", "reason", "lines", "said"),
    [
        ("ORD-9999", "late", None, "there is no order ORD-9999"),
        ("ORD-1042", "late", None, "is shipped, not delivered"),
        ("ORD-0726", "changed_mind", None, "50 days ago, on 2026-10-01; the refund window is 30 days"),
        ("ORD-1011", "wrong_size", None, "final sale.*Last Season Rain Shell"),
        ("ORD-1003", "wrong_size", None, "final sale.*Clearance Trail Gaiters"),
        ("ORD-0988", "changed_mind", None, "refunded already"),
        ("ORD-1018", "changed_mind", None, "642.00 USD is above the 250.00 USD"),
        ("ORD-1037", "changed_mind", [2], "no line 2; its lines are 1 to 1"),
    ],
)
def test_refund_rules(shop: Shop, order_id: str, reason: str, lines: list[int] | None, said: str) -> None:
    """Each rule in the way is said in words, and nothing is paid."""
    before = shop.rows("SELECT count(*) FROM refunds")
    with pytest.raises(ToolFailure, match=said):
        shop.call("refund_order", order_id=order_id, reason=reason, lines=lines)
    assert shop.rows("SELECT count(*) FROM refunds") == before


@pytest.mark.parametrize("reason", ["damaged", "wrong_item"])
def test_final_sale_is_refunded_when_the_shop_is_at_fault(shop: Shop, reason: str) -> None:
    """Damaged or wrong: final sale does not matter."""
    assert shop.call("refund_order", order_id="ORD-1011", reason=reason)["amount"] == "64.00 USD"


def test_the_window_closes_after_its_last_day(shop: Shop) -> None:
    """Day 30 after delivery is in, day 31 is out."""
    for order_id, delivered in (("ORD-1037", "2026-10-21"), ("ORD-1055", "2026-10-20")):
        shop.write("UPDATE orders SET delivered_on = ? WHERE order_id = ?", delivered, order_id)
    assert shop.call("refund_order", order_id="ORD-1037", reason="late")["amount"] == "84.90 USD"
    with pytest.raises(ToolFailure, match="31 days ago"):
        shop.call("refund_order", order_id="ORD-1055", reason="late")


def test_halves_are_no_way_round_the_supervisor(shop: Shop) -> None:
    """The limit counts what was refunded on the order before."""
    assert shop.call("refund_order", order_id="ORD-1018", reason="late", lines=[2])["amount"] == "213.00 USD"
    with pytest.raises(ToolFailure, match=r"642\.00 USD is above"):
        shop.call("refund_order", order_id="ORD-1018", reason="late", lines=[1])


@pytest.mark.parametrize("wrong", [{"reason": "just because"}, {"reason": "late", "lines": []}, {}])
def test_refund_request_is_validated(shop: Shop, wrong: dict[str, object]) -> None:
    """The pydantic model refuses what the shop does not know."""
    with pytest.raises(InvalidInput):
        shop.call("refund_order", order_id="ORD-1037", **wrong)


def test_cancel_order(shop: Shop) -> None:
    """An order that is being packed can be cancelled; the reason is kept."""
    assert shop.call("cancel_order", order_id="ORD-1098", reason="ordered twice")["status"] == "cancelled"
    kept = "SELECT status, cancel_reason, expected_on FROM orders WHERE order_id = 'ORD-1098'"
    assert shop.rows(kept) == [("cancelled", "ordered twice", None)]


@pytest.mark.parametrize(
    ("order_id", "said"),
    [
        ("ORD-1042", "it was shipped on 2026-11-16"),
        ("ORD-1037", "it was shipped on 2026-11-13"),
        ("ORD-1049", "is cancelled already"),
        ("ORD-9999", "there is no order"),
    ],
)
def test_cancel_order_refused(shop: Shop, order_id: str, said: str) -> None:
    """What left the warehouse, or is cancelled already, cannot be cancelled."""
    before = shop.rows(STATUS, order_id)
    with pytest.raises(ToolFailure, match=said):
        shop.call("cancel_order", order_id=order_id, reason="changed my mind")
    assert shop.rows(STATUS, order_id) == before


@pytest.mark.parametrize(
    ("channel", "masked", "recipient"),
    [("email", "j***@example.com", "james.whitfield@example.com"), ("sms", "*** 0118", "+1 303 555 0118")],
)
def test_send_notification(shop: Shop, channel: str, masked: str, recipient: str) -> None:
    """It goes to the address on file, which the model is shown masked."""
    result = shop.call(
        "send_notification", customer_id="C-1003", channel=channel, subject="Your order", body="On its way."
    )
    assert result == {"notification_id": "N-0001", "channel": channel, "to": masked}
    sent = "SELECT customer_id, channel, recipient, subject, body, created_on FROM outbox"
    assert shop.rows(sent) == [("C-1003", channel, recipient, "Your order", "On its way.", "2026-11-20")]


@pytest.mark.parametrize(
    ("customer_id", "said"), [("C-1010", "no mobile number on file; use the channel email"), ("C-9999", "no customer")]
)
def test_send_notification_refused(shop: Shop, customer_id: str, said: str) -> None:
    """Without a number there is no text message, without a customer no message at all."""
    with pytest.raises(ToolFailure, match=said):
        shop.call("send_notification", customer_id=customer_id, channel="sms", subject="Hello", body="Hello")
    assert shop.rows("SELECT count(*) FROM outbox") == [(0,)]


def test_escalate_to_human(shop: Shop) -> None:
    """A ticket is opened in the queue asked for."""
    result = shop.call("escalate_to_human", queue="supervisor", summary="Refund of 642.00 USD", order_id="ORD-1018")
    assert result == {"ticket_id": "T-0001", "queue": "supervisor", "answer_within": "1 business day"}
    assert shop.rows("SELECT queue, order_id, customer_id FROM tickets") == [("supervisor", "ORD-1018", None)]


@pytest.mark.parametrize("place", [{"order_id": "ORD-9999"}, {"customer_id": "C-9999"}])
def test_escalate_to_human_about_nothing(shop: Shop, place: dict[str, str]) -> None:
    """A ticket on an order or a customer that does not exist is refused."""
    with pytest.raises(ToolFailure, match="there is no"):
        shop.call("escalate_to_human", queue="warehouse", summary="Lost", **place)


WRITES = [
    ("refund_order", {"order_id": "ORD-1037", "reason": "late"}, "refunds"),
    ("cancel_order", {"order_id": "ORD-1098", "reason": "late"}, "done"),
    ("send_notification", {"customer_id": "C-1003", "channel": "email", "subject": "s", "body": "b"}, "outbox"),
    ("escalate_to_human", {"queue": "supervisor", "summary": "s"}, "tickets"),
]


@pytest.mark.parametrize(("tool", "input_", "table"), WRITES, ids=[tool for tool, _, _ in WRITES])
def test_the_same_key_acts_once(shop: Shop, tool: str, input_: dict[str, str], table: str) -> None:
    """A call repeated with its key, even by many at once, has one effect and one result."""
    before = shop.rows(f"SELECT count(*) FROM {table}")[0][0]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: shop.call(tool, key="run-1:toolu_1", **input_), range(8)))
    assert all(result == results[0] for result in results)
    assert shop.rows(f"SELECT count(*) FROM {table}") == [(before + 1,)]


def test_a_refused_call_may_succeed_later(shop: Shop) -> None:
    """A failure is not kept under its key: when the rule is no longer in the way, the repeated call acts."""
    with pytest.raises(ToolFailure):
        shop.call("cancel_order", key="k", order_id="ORD-1042", reason="late")
    shop.write("UPDATE orders SET status = 'processing' WHERE order_id = 'ORD-1042'")
    assert shop.call("cancel_order", key="k", order_id="ORD-1042", reason="late")["status"] == "cancelled"
