"""The Messages API at the addresses of other platforms: Amazon Bedrock and Google Vertex AI.

There the model stands in the path and the version of the API in the body, and a body without either is another API's:
Bedrock invokes models of many makers, and its `converse` has a form of its own.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

BEDROCK: Final = re.compile(r"/model/(?P<model>.+)/invoke(-with-response-stream)?/?\Z")
VERTEX: Final = re.compile(r"/publishers/anthropic/models/(?P<model>[^/:]+):(raw|streamRaw)Predict\Z")
VERSION: Final = "anthropic_version"
"""The field of a body that names the version of the API."""


def model_at(path: str) -> str:
    """The model that a call at this path asks; empty when it is no path at which a platform takes messages."""
    if "/model/" not in path and "/publishers/anthropic/" not in path:
        return ""
    found = BEDROCK.search(path) or VERTEX.search(path)
    model = unquote(found["model"]) if found is not None else ""
    return "" if model == "count-tokens" else model


def is_in_messages_form(body: str | bytes) -> bool:
    """Whether a request body says that it is one of the Messages API."""
    return (VERSION in body) if isinstance(body, str) else (VERSION.encode() in body)
