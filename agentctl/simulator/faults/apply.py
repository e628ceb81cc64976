"""A fault put into the reply that it is due for, or not at all: what the reply has no place for does not happen."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from agentctl.agent.events import JsonObject
from agentctl.agent.values import replace
from agentctl.config.faults import Fault, Layer
from agentctl.simulator.faults.deliveries import Bent
from agentctl.simulator.faults.events import broken, place
from agentctl.simulator.faults.messages import bent
from agentctl.simulator.http import HttpReply
from agentctl.simulator.stream import event, events_of

Headers = Mapping[str, str]


def faulty(fault: Fault, message: JsonObject, whole: HttpReply, *, streams: bool, gzips: bool) -> HttpReply | None:
    """`whole`, the reply that carries this message, with the fault in it; None when it has no place for it.

    Faults of the layer `reply` are none of a message; see `replies.instead`.
    """
    if fault.layer is Layer.MESSAGE:
        return _said(fault, message, whole, streams=streams)
    if fault.kind == "latency":
        return replace(whole, delay=whole.delay + fault.values["seconds"], delivery=Bent(fault))
    if fault.kind == "cut-gzip" and not gzips:
        return None
    if not streams:
        return _whole(fault, whole)
    return _streamed(fault, message, whole)


def _streamed(fault: Fault, message: JsonObject, whole: HttpReply) -> HttpReply | None:
    events = list(events_of(message))
    if fault.kind == "wrong-length":  # what comes in chunks has none
        return replace(whole, body=b"".join(events), delivery=Bent(fault))
    if fault.layer is Layer.EVENTS:
        said = broken(fault, events)
        delivery = Bent(fault) if fault.kind == "pings" else whole.delivery
        return None if said is None else replace(whole, body=said, delivery=delivery)
    before = place(events, fault.at) if fault.at else 0
    return None if before is None else replace(whole, body=iter(events), delivery=Bent(fault, before + 1))


def _said(fault: Fault, message: JsonObject, whole: HttpReply, *, streams: bool) -> HttpReply | None:
    changed = bent(fault, message)
    if changed is None:
        return None
    headers = {**whole.headers, "content-type": fault.values["value"]} if fault.kind == "wrong-type" else whole.headers
    return replace(whole, headers=headers, body=events_of(changed) if streams else orjson.dumps(changed))


def _whole(fault: Fault, whole: HttpReply) -> HttpReply:
    """A reply that is no stream: half of it, or the error in its place."""
    if fault.layer is Layer.WIRE:
        return replace(whole, delivery=Bent(fault))
    body = whole.body if isinstance(whole.body, bytes) else b""
    if fault.kind == "error-event":
        said = event("error", error={"type": fault.values["type"], "message": "Overloaded"})
        return replace(whole, body=said.partition(b"data: ")[2].strip())
    return replace(whole, body=body[: len(body) // 2])
