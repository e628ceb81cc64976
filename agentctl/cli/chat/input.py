"""What the person types, one thing they say at a time: from a terminal with history and editing, or line by line.

At a terminal Enter sends; a line that ends with a backslash goes on, and so does Alt-Enter (or Esc Enter); pasted text
keeps its lines. Ctrl-C clears what was typed, and on an empty line is a KeyboardInterrupt; Ctrl-D ends.
"""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Protocol

from agentctl.agent.tools import in_thread

PROMPT: Final = "you> "
GOES_ON: Final = "...> "
BACKSLASH: Final = "\\"
READ_BYTES: Final = 65536
LOCAL_MODES: Final = 3
CHARACTERS: Final = 6
"""Places in what `termios.tcgetattr` returns."""


class Reader(Protocol):
    """Where the person's words come from."""

    shows_typing: bool
    """Whether what is typed stands on the screen already."""

    async def line(self) -> str:
        """The next thing said.

        Raises:
            EOFError: there is nothing more.
            KeyboardInterrupt: Ctrl-C on an empty line.
        """
        ...


def reader(history: Path, commands: Sequence[str]) -> Reader:
    """The terminal when a person sits at it, else the lines of standard input."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        return Terminal(history, commands)
    return Piped()


@contextmanager
def typing_ahead() -> Iterator[None]:
    """Keeps what is typed between two prompts for the next one, and off the screen.

    The terminal would write it into the trace, forget it at Ctrl-C, and turn Ctrl-D into an end of its input, after
    which no prompt could read from it again.
    """
    try:
        before = termios.tcgetattr(sys.stdin)
    except (termios.error, OSError, ValueError):  # no terminal
        yield
        return
    changed = [*before[:CHARACTERS], [*before[CHARACTERS]]]
    changed[LOCAL_MODES] = changed[LOCAL_MODES] & ~termios.ECHO | termios.NOFLSH
    changed[CHARACTERS][termios.VEOF] = b"\0"
    termios.tcsetattr(sys.stdin, termios.TCSANOW, changed)
    try:
        yield
    finally:
        with suppress(termios.error, OSError):  # it may be gone
            termios.tcsetattr(sys.stdin, termios.TCSANOW, before)


class Piped:
    """Standard input, a line at a time. It is read without Python's buffer: a read that never returns locks nothing."""

    shows_typing = False

    def __init__(self) -> None:
        self._buffered = b""

    async def line(self) -> str:
        """The next line; lines that end with a backslash go on."""
        lines: list[str] = []
        while True:
            raw: bytes = await in_thread(self._next, name="stdin")
            if not raw and not lines:
                raise EOFError
            text = raw.decode("utf-8", "replace").rstrip("\r\n")
            if not raw or not text.endswith(BACKSLASH):
                return "\n".join([*lines, text])
            lines.append(text.removesuffix(BACKSLASH))

    def _next(self) -> bytes:
        """The next line with its end; empty at the end of the input."""
        while b"\n" not in self._buffered:
            piece = os.read(sys.stdin.fileno(), READ_BYTES)
            if not piece:
                rest, self._buffered = self._buffered, b""
                return rest
            self._buffered += piece
        line, end, self._buffered = self._buffered.partition(b"\n")
        return line + end


class Terminal:
    """A prompt_toolkit prompt; it is imported here, since commands without a prompt need not pay for it."""

    shows_typing = True

    def __init__(self, history: Path, commands: Sequence[str]) -> None:
        from prompt_toolkit import PromptSession  # noqa: PLC0415
        from prompt_toolkit.shortcuts import CompleteStyle  # noqa: PLC0415
        from prompt_toolkit.styles import Style  # noqa: PLC0415

        self._session: PromptSession[str] = PromptSession(
            [("class:you", PROMPT)],
            style=Style.from_dict({"you": "bold ansigreen"}),
            history=_history(history),
            key_bindings=_keys(),
            completer=_completer(commands),
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
            multiline=True,
            prompt_continuation=lambda width, _line, wraps: " " * width if wraps else GOES_ON,
        )

    async def line(self) -> str:
        """What was typed, several lines perhaps."""
        return await self._session.prompt_async(handle_sigint=False)


def _history(path: Path) -> Any:
    """The history in a file; in memory where no file can be kept."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory  # noqa: PLC0415

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


def _keys() -> Any:
    from prompt_toolkit.key_binding import KeyBindings  # noqa: PLC0415

    keys = KeyBindings()

    @keys.add("enter")
    def _(event: Any) -> None:
        buffer = event.current_buffer
        if buffer.document.is_cursor_at_the_end and buffer.document.char_before_cursor == BACKSLASH:
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _(event: Any) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-c")
    def _(event: Any) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            event.app.exit(exception=KeyboardInterrupt)

    return keys


def _completer(commands: Sequence[str]) -> Any:
    from prompt_toolkit.completion import Completer, Completion  # noqa: PLC0415

    class Commands(Completer):
        """Completes the name of a command, and nothing that is said to the agent."""

        def get_completions(self, document: Any, _event: Any) -> Iterator[Any]:
            typed = document.text_before_cursor
            if typed.startswith("/") and " " not in typed:
                yield from (Completion(name, -len(typed)) for name in _starting(commands, typed))

    return Commands()


def _starting(names: Iterable[str], start: str) -> Iterator[str]:
    return (name for name in names if name.startswith(start))
