"""Handlers are found wherever their file is."""

from __future__ import annotations

import os
from pathlib import Path

from agentctl.agent.handlers import load_function


def test_a_path_that_is_no_text_in_this_locale_is_a_path_all_the_same(tmp_path: Path) -> None:
    """Under `LC_ALL=C` every folder with an accent is one."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    file = folder / "handlers.py"
    file.write_text("def look() -> str:\n    return 'found'\n")
    assert load_function(f"{file}:look")() == "found"
