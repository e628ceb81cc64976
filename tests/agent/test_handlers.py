"""Handlers are found wherever their file is."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from agentctl.agent.handlers import load_function


def test_a_path_that_is_no_text_in_this_locale_is_a_path_all_the_same(tmp_path: Path) -> None:
    """Under `LC_ALL=C` every folder with an accent is one."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    file = folder / "handlers.py"
    file.write_text("def look() -> str:\n    return 'found'\n")
    assert load_function(f"{file}:look")() == "found"


def test_a_file_runs_once_however_many_threads_need_it(tmp_path: Path) -> None:
    """Cases with faults play in threads of their own, and the first calls of their tools may all come at once."""
    (tmp_path / "beside.py").write_text("import time\ntime.sleep(0.01)\nFOUND = []\n")
    file = tmp_path / "handlers.py"
    file.write_text(
        "import time\nfrom pathlib import Path\nfrom beside import FOUND\ntime.sleep(0.05)\n"
        "with Path(__file__).with_name('runs').open('a') as runs:\n    runs.write('run ')\n"
        "def look() -> list:\n    return FOUND\n"
    )
    together, found = threading.Barrier(8), []

    def load() -> None:
        together.wait()
        found.append(load_function(f"{file}:look")())

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "runs").read_text() == "run "
    assert len(found) == 8
    assert len({id(each) for each in found}) == 1
