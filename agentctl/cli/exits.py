"""Exit codes, and the one place where an error becomes two lines on stderr.

| code | meaning |
|---|---|
| 0 | every gate passed and at least one case ran |
| 1 | a gate failed or a regression was found |
| 2 | usage or configuration error |
| 3 | cases errored (API, tool, harness): no verdict |
| 4 | recordings missing or stale in strict replay |
| 5 | nothing was selected |
| 6 | budget or time cap reached; partial results written |
| 130, 143 | interrupted, terminated |
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn

import typer
from typer.exceptions import TyperException

from agentctl.cli import quiet, signals
from agentctl.cli.console import complain, error_lines, open_streams, silence_stdout
from agentctl.config.unwritten import way_out
from agentctl.errors import AgentctlError

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
ERRORED: Final = 3
MISSING: Final = 4
NOTHING: Final = 5
CAPPED: Final = 6
INTERRUPTED: Final = quiet.INTERRUPTED
TERMINATED: Final = quiet.TERMINATED


def guarded(command: Callable[[], int | None]) -> NoReturn:
    """Runs the command and exits with its code; errors of ours print `error:` and `hint:` lines, no traceback.

    `AGENTCTL_DEBUG=1` shows the traceback. A reader that went away (`| head`) is no error. A command that a signal
    ended is not kept by threads that tools have left behind.
    """
    open_streams()
    code = OK
    try:
        code = command() or OK
        sys.stdout.flush()
    except BrokenPipeError:
        silence_stdout()
    except (KeyboardInterrupt, EOFError, typer.Abort):
        code = INTERRUPTED
    except signals.Terminated:
        code = TERMINATED
    except TyperException as error:
        complain(error.format_message(), hint=_usage_hint(error))
        code = USAGE
    except AgentctlError as error:
        if os.environ.get("AGENTCTL_DEBUG"):
            raise
        error_lines(error)
        code = error.exit_code
    except OSError as error:
        if os.environ.get("AGENTCTL_DEBUG"):
            raise
        complain(
            f"{error.filename or 'something cannot be read or written'}: {error.strerror or error}", hint=way_out(error)
        )
        code = ERRORED
    if code in {INTERRUPTED, TERMINATED}:
        _end(code)
    _let_go_of_stdout()
    sys.exit(code)


def _let_go_of_stdout() -> None:
    """What it does not take has been told; Python would tell it once more, and exit with a code of its own."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        silence_stdout()


def _end(code: int) -> NoReturn:
    """What `sys.exit` does, without waiting for threads."""
    atexit._run_exitfuncs()  # noqa: SLF001  there is no public name for it
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _usage_hint(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path} --help shows what it takes" if context is not None else ""
