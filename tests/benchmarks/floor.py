"""The floor: what the bytes alone cost. Reads the replies, dumps every request, runs the same four assertions."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from workload import CARD, E_MAIL, MODEL, SECURITY_NUMBER, SYSTEM, TOOLS

folder = Path(sys.argv[1])
cases = json.loads((folder / "cases.json").read_text())
bodies = (folder / "bodies.jsonl").read_text().splitlines()
passed = sent = 0
for number, case in enumerate(cases):
    messages = [{"role": "user", "content": case["input"]}]
    called: list[str] = []
    answer = ""
    for turn in range(3):
        sent += len(
            json.dumps({"model": MODEL, "max_tokens": 1024, "system": SYSTEM, "tools": TOOLS, "messages": messages})
        )
        reply = json.loads(bodies[number * 3 + turn])
        messages.append({"role": "assistant", "content": reply["content"]})
        results = []
        for block in reply["content"]:
            if block["type"] == "tool_use":
                called.append(block["name"])
                result = {"type": "tool_result", "tool_use_id": block["id"], "content": case["results"][turn]}
                results.append(result)
            else:
                answer = block["text"]
        if results:
            messages.append({"role": "user", "content": results})
    passed += (
        case["contains"] in answer
        and called == case["sequence"]
        and case["max_turns"] >= 3
        and not any(re.search(pattern, answer) for pattern in (E_MAIL, CARD, SECURITY_NUMBER))
    )
print(json.dumps({"cases": len(cases), "passed": passed}))
