"""How fast a page opens: from the start of the navigation to the first frame, which shows the first rows, in Chromium.

Call it as `python page.py FILE ROUNDS`; it prints milliseconds as JSON, or null where there is no Chromium. The first
opening is not counted: it loads fonts.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.browser import chromium, running

PAINT = "performance.getEntriesByName('first-contentful-paint')"
SHOWN = "document.querySelector('#rows .row')?.getBoundingClientRect().height > 0"


def opening(program: str, file: Path, rounds: int) -> list[float]:
    """Milliseconds to the first frame, round by round."""
    found: list[float] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch, running(program, Path(scratch)) as browser:
        for _ in range(rounds + 1):
            with browser.page(file) as page:
                page.wait(f"{PAINT}.length > 0 && {SHOWN}")
                found.append(page.js(f"{PAINT}[0].startTime"))
    return found[1:]


if __name__ == "__main__":
    program = chromium()
    print(json.dumps(None if program is None else opening(program, Path(sys.argv[1]), int(sys.argv[2]))))
