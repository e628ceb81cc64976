"""JSON Schema of a suite document, for editors: all that its loader takes, each part from where it is checked."""

from __future__ import annotations

from agentctl.agent.events import JsonObject
from agentctl.evals import assertions
from agentctl.evals.documents import SuiteDocument
from agentctl.evals.faults.written import fault_schema


def suite_schema() -> JsonObject:
    """JSON Schema of a suite document, for editors: every assertion type with its value, every way to name cases."""
    schema: JsonObject = SuiteDocument.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    definitions["Assertion"] = assertions.schema()
    definitions["Fault"] = fault_schema()
    case = definitions["CaseDocument"]
    for part in (schema, case):
        part["properties"]["assert"]["items"] = {"$ref": "#/$defs/Assertion"}
    case["properties"]["faults"]["items"] = {"$ref": "#/$defs/Fault"}
    file = {"type": "string", "description": "A .csv, .jsonl, .json or .yaml file of cases, or file.py:function"}
    definitions["CaseFile"] = {
        "type": "object",
        "properties": {**case["properties"], "file": file},
        "required": ["file"],
        "additionalProperties": False,
    }
    entries = [{"$ref": "#/$defs/CaseDocument"}, {"$ref": "#/$defs/CaseFile"}, file]
    schema["properties"]["cases"] = {"anyOf": [file, {"type": "array", "items": {"anyOf": entries}}]}
    schema["required"].remove("cases")
    schema["anyOf"] = [{"required": ["cases"]}, {"required": ["scenarios"]}]
    return schema
