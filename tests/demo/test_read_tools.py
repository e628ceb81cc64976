"""The tools that look things up."""

from __future__ import annotations

from pathlib import Path

import pytest
from demo.shop import Shop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentctl import ToolFailure


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Maria Garcia", ["C-1001", "C-1002"]),
        ("garcia MARIA", ["C-1001", "C-1002"]),
        ("whitf", ["C-1003"]),
        ("Tom O\N{RIGHT SINGLE QUOTATION MARK}Brien", ["C-1005"]),
        ("zoe muller", ["C-1010"]),
        ("c-1007", ["C-1007"]),
        (" Wei.Chen@example.net ", ["C-1006"]),
        ("(512) 555-0142", ["C-1001"]),
        ("555 0142", []),
        ("%", []),
        ("  ", []),
    ],
)
def test_search_customers(shop: Shop, query: str, found: list[str]) -> None:
    """A customer is found by name in any order and spelling, id, e-mail or full phone number."""
    result = shop.call("search_customers", query=query)
    assert [customer["customer_id"] for customer in result["customers"]] == found
    assert result["total"] == len(found)


def test_search_customers_says_how_many_more(shop: Shop) -> None:
    """The limit cuts the list, not the count."""
    result = shop.call("search_customers", query="maria garcia", limit=1)
    assert (result["total"], len(result["customers"])) == (2, 1)


def test_search_customers_leaves_out_what_is_unknown(shop: Shop) -> None:
    """A customer without a phone has no `phone`, rather than a null."""
    assert "phone" not in shop.call("search_customers", query="C-1010")["customers"][0]


@given(query=st.text(max_size=40))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_search_customers_takes_any_text(shop: Shop, query: str) -> None:
    """No text a person may type breaks the search."""
    assert shop.call("search_customers", query=query)["total"] >= 0


@pytest.mark.parametrize(
    ("facts", "verified"),
    [
        ({"order_id": "ORD-1037"}, True),
        ({"postcode": "78704"}, True),
        ({"order_id": "ORD-1037", "postcode": "78704"}, True),
        ({"order_id": "ORD-1042"}, False),
        ({"order_id": "ORD-9999"}, False),
        ({"postcode": "92103"}, False),
        ({"order_id": "ORD-1037", "postcode": "92103"}, False),
    ],
)
def test_verify_customer(shop: Shop, facts: dict[str, str], verified: bool) -> None:  # noqa: FBT001
    """Every fact given must belong to the account of the e-mail address."""
    result = shop.call("verify_customer", email=" Maria.Garcia@Example.com", **facts)
    expected = {"verified": True, "customer_id": "C-1001", "name": "Maria Garcia"} if verified else {"verified": False}
    assert result == expected


def test_verify_customer_says_the_same_for_a_stranger(shop: Shop) -> None:
    """An unknown e-mail gets the answer that a wrong order id gets: accounts cannot be probed."""
    assert shop.call("verify_customer", email="nobody@example.com", order_id="ORD-1037") == {"verified": False}


def test_verify_customer_wants_two_facts(shop: Shop) -> None:
    """An e-mail address alone proves nothing."""
    with pytest.raises(ToolFailure, match="order_id or the postcode"):
        shop.call("verify_customer", email="maria.garcia@example.com")


def test_list_orders(shop: Shop) -> None:
    """Newest first, with totals; the status narrows it."""
    result = shop.call("list_orders", customer_id="C-1011")
    assert result == {
        "customer_id": "C-1011",
        "total": 2,
        "orders": [
            {"order_id": "ORD-1081", "status": "processing", "placed_on": "2026-11-17", "total": "96.00 USD"},
            {"order_id": "ORD-1064", "status": "shipped", "placed_on": "2026-11-15", "total": "99.00 USD"},
        ],
    }
    shipped = shop.call("list_orders", customer_id="C-1011", status="shipped")
    assert [order["order_id"] for order in shipped["orders"]] == ["ORD-1064"]


def test_list_orders_of_nobody(shop: Shop) -> None:
    """An unknown customer is told apart from one without orders."""
    with pytest.raises(ToolFailure, match="no customer C-9999"):
        shop.call("list_orders", customer_id="C-9999")


def test_get_order_details(shop: Shop) -> None:
    """All of an order, money as text, nothing null."""
    assert shop.call("get_order_details", order_id="ORD-1042") == {
        "order_id": "ORD-1042",
        "customer_id": "C-1003",
        "status": "shipped",
        "placed_on": "2026-11-13",
        "shipped_on": "2026-11-16",
        "expected_on": "2026-11-23",
        "carrier": "UPS",
        "tracking": "1Z4E7W030391042001",
        "items": [
            {
                "line": 1,
                "name": "Ridgeline Rain Jacket",
                "quantity": 1,
                "line_total": "149.00 USD",
                "final_sale": False,
                "refunded": False,
            },
            {
                "line": 2,
                "name": "Wool Crew Socks, 3 pairs",
                "quantity": 2,
                "line_total": "54.00 USD",
                "final_sale": False,
                "refunded": False,
            },
        ],
        "total": "203.00 USD",
    }


def test_get_order_details_of_an_unknown_order(shop: Shop) -> None:
    """The model is told that there is no such order."""
    with pytest.raises(ToolFailure, match="there is no order ORD-9999"):
        shop.call("get_order_details", order_id="ORD-9999")


def test_get_return_policy(shop: Shop) -> None:
    """A policy in the shop's words; an unknown topic names the known ones."""
    assert "30 days" in shop.call("get_return_policy", topic="returns")["text"]
    with pytest.raises(ToolFailure, match="cancellations, damaged_items, final_sale"):
        shop.call("get_return_policy", topic="price_match")


def test_a_missing_database_is_an_error(tmp_path: Path) -> None:
    """A workspace that was never set up does not turn into an empty shop."""
    with pytest.raises(Exception, match="unable to open database file"):
        Shop(tmp_path).call("get_order_details", order_id="ORD-1042")
    assert list(tmp_path.iterdir()) == []
